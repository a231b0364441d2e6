/**
 * What the prompt gives back with the arrow keys: statements as they were typed,
 * whole, newest first.
 *
 * Kept in a file of one entry a line, with line breaks as `\n`; files of single lines from before
 * are read as they are.
 */
const ENTRIES_MAX = 1000

export class StatementHistory {
  readonly #entries: string[]

  /** `text`: of the file, or empty. */
  constructor(text: string) {
    this.#entries = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/\\(n|\\)/g, (_, code) => (code === 'n' ? '\n' : '\\')))
  }

  /** Newest first. */
  get entries(): readonly string[] {
    return this.#entries
  }

  add(statement: string): void {
    const entry = statement.trim()
    if (entry === '' || entry === this.#entries[0]) return
    this.#entries.unshift(entry)
    this.#entries.splice(ENTRIES_MAX)
  }

  /** For the file. */
  text(): string {
    return this.#entries
      .map((entry) => entry.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'))
      .join('\n')
  }
}
