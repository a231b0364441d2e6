/**
 * Builds the source of a generated function, with everything that comes from users passed as data.
 *
 * Invariant: source text consists of lines written in this repository, of numbers (`int`, `double`)
 * and of names that the builder made up (`constant`); a string from a schema, a record or an option
 * never becomes part of it.
 */
export class CodeBuilder {
  readonly #lines: string[] = []
  readonly #constants: unknown[] = []

  line(text: string): void {
    this.#lines.push(text)
  }

  /** Hands `value` to the generated function; returns the name it has there. */
  constant(value: unknown): string {
    const known = this.#constants.indexOf(value)
    if (known >= 0) return `k${known}`
    this.#constants.push(value)
    return `k${this.#constants.length - 1}`
  }

  /** An integer literal. */
  int(value: number): string {
    if (!Number.isSafeInteger(value)) throw new RangeError('A generated literal must be an integer')
    return value < 0 ? `(${value})` : `${value}`
  }

  /** The literal of a finite number. */
  double(value: number): string {
    if (!Number.isFinite(value)) throw new RangeError('A generated literal must be finite')
    return value < 0 ? `(${value})` : `${value}`
  }

  /** Compiles the lines as the body of a function of `parameters`. */
  compile<F>(parameters: readonly string[]): F {
    const constants = this.#constants.map((_, i) => `const k${i} = K[${i}];`).join('\n')
    const body = this.#lines.join('\n')
    const source = `'use strict';\n${constants}\nreturn function generated(${parameters.join(', ')}) {\n${body}\n}`
    return new Function('K', source)(this.#constants) as F
  }
}
