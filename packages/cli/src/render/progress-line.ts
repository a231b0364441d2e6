/**
 * What a long wait shows: on a terminal a few lines that are rewritten, in a pipe a plain line
 * whenever the reason changes.
 */
import type { Clock } from '@millrace/platform'
import { styled, type Terminal } from '../terminal.ts'
import { displayWidth } from './table.ts'

const SHOW_AFTER_MS = 300
const PLAIN_AFTER_MS = 2000
/** In a pipe: a line of which only numbers have changed is written again after this long. */
const NUMBERS_AFTER_MS = 10_000
/** A reason that names partition and remedy takes more than one line. */
const ROWS_MAX = 3

export class ProgressLine {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #startedMs: number
  #shown = ''
  #shownAtMs = 0
  /** Of the terminal, taken by what is shown. */
  #rows = 0

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
  }

  /** Shows `text` with the time waited; nothing during the first moments. */
  update(text: string): void {
    const waitedMs = this.#clock.monotonicMs() - this.#startedMs
    if (this.#terminal.interactive) {
      if (waitedMs < SHOW_AFTER_MS) return
      const columns = Math.max(20, this.#terminal.columns)
      const line = `… ${text} (${(waitedMs / 1000).toFixed(1)} s)`.slice(0, ROWS_MAX * columns - 1)
      this.#terminal.writeError(`${this.#back()}${styled(this.#terminal, 'dim', line)}`)
      this.#shown = text
      this.#rows = Math.ceil(displayWidth(line) / columns)
    } else if (waitedMs >= PLAIN_AFTER_MS && this.#isNews(text, waitedMs)) {
      this.#terminal.writeError(`${text}\n`)
      this.#shown = text
      this.#shownAtMs = waitedMs
    }
  }

  /** A countdown is one reason, not one at each of its steps. */
  #isNews(text: string, waitedMs: number): boolean {
    if (withoutNumbers(text) !== withoutNumbers(this.#shown)) return true
    return text !== this.#shown && waitedMs - this.#shownAtMs >= NUMBERS_AFTER_MS
  }

  /** To the beginning of what is shown, and removes it. */
  #back(): string {
    return `${this.#rows > 1 ? `\u001b[${this.#rows - 1}A` : ''}\r\u001b[J`
  }

  /** Takes the text away before other output. */
  clear(): void {
    if (this.#terminal.interactive && this.#shown !== '') this.#terminal.writeError(this.#back())
    this.#shown = ''
    this.#rows = 0
  }
}

const withoutNumbers = (text: string): string => text.replace(/\d+(\.\d+)?/g, '#')
