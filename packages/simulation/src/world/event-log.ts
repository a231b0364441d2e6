/**
 * The log of a run: one line an event in simulated time, the same for the same commit and seed,
 * byte for byte.
 *
 *     time ms     who                   what               about
 *     12.034      tm-1                  kill               SIGKILL
 *
 * Only a bounded tail is kept unless a listener takes every line.
 */
const TAIL_LINES_MAX = 20_000

export class EventLog {
  #listener: ((line: string) => void) | null = null
  readonly #tail: string[] = []
  #first = 0
  /** FNV-1a over every line: two runs are the same exactly when this is. */
  #digest = 0x811c9dc5
  lines = 0

  /** Gives every later line to `listener`, too. */
  listen(listener: (line: string) => void): void {
    this.#listener = listener
  }

  add(timeMs: number, who: string, what: string, about = ''): void {
    const line =
      `${timeMs.toFixed(3).padStart(12)}  ${who.padEnd(16)}  ${what.padEnd(20)}  ${about}`.trimEnd()
    let digest = this.#digest
    for (let i = 0; i < line.length; i++)
      digest = Math.imul(digest ^ line.charCodeAt(i), 0x01000193)
    this.#digest = digest
    this.lines++
    this.#listener?.(line)
    if (this.#tail.length < TAIL_LINES_MAX) this.#tail.push(line)
    else {
      this.#tail[this.#first] = line
      this.#first = (this.#first + 1) % TAIL_LINES_MAX
    }
  }

  get digest(): string {
    return (this.#digest >>> 0).toString(16).padStart(8, '0')
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    return [...this.#tail.slice(this.#first), ...this.#tail.slice(0, this.#first)]
  }
}
