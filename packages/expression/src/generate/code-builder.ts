/**
 * CodeBuilder: the text of one generated function, grown piece by piece.
 *
 * Two parts: the prologue runs once a batch (binding arrays to local names), the body once a row.
 * Invariant: callers emit fixed fragments, names from `fresh` and `constant`, and numeric indexes;
 * a value of the user's goes through `constant` and appears in the text as a name.
 */
import { compileFunction } from './compile-function.ts'

export class CodeBuilder {
  readonly #constants: unknown[] = []
  readonly #prologue: string[] = []
  #body: string[] = []
  #names = 0

  /** The name under which the function sees `value`. */
  constant(value: unknown): string {
    const known = this.#constants.findIndex((constant) => Object.is(constant, value))
    if (known >= 0) return `k${known}`
    this.#constants.push(value)
    return `k${this.#constants.length - 1}`
  }

  /** A local name that nothing else has. */
  fresh(prefix: 'b' | 'n' | 't' = 't'): string {
    return `${prefix}${this.#names++}_`
  }

  /** A statement for the prologue. */
  prologue(statement: string): void {
    this.#prologue.push(statement)
  }

  /** A statement for the row's body. */
  emit(statement: string): void {
    this.#body.push(statement)
  }

  /** Emits `const <fresh> = <text>` and returns the name. */
  bind(text: string): string {
    const name = this.fresh()
    this.emit(`const ${name} = ${text}`)
    return name
  }

  /**
   * The body emitted so far, taken out: for loops that are assembled one after another
   * in one function.
   */
  takeBody(): string {
    const text = this.#body.join('\n')
    this.#body = []
    return text
  }

  /** The function of `parameters` whose text is the prologue and then `rest`. */
  compile<T>(parameters: readonly string[], rest: string): T {
    return compileFunction<T>(parameters, `${this.#prologue.join('\n')}\n${rest}`, this.#constants)
  }
}
