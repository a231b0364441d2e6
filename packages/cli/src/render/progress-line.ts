/**
 * What a long wait shows: on a terminal one line that is rewritten, in a pipe a plain line whenever the reason changes.
 */
import type { Clock } from '@millrace/platform'
import { styled, type Terminal } from '../terminal.ts'

const SHOW_AFTER_MS = 300
const PLAIN_AFTER_MS = 2000

export class ProgressLine {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #startedMs: number
  #shown = ''

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
      const line = `… ${text} (${(waitedMs / 1000).toFixed(1)} s)`.slice(
        0,
        Math.max(20, this.#terminal.columns - 1),
      )
      this.#terminal.writeError(`\r\u001b[2K${styled(this.#terminal, 'dim', line)}`)
      this.#shown = text
    } else if (waitedMs >= PLAIN_AFTER_MS && text !== this.#shown) {
      this.#terminal.writeError(`${text}\n`)
      this.#shown = text
    }
  }

  /** Takes the line away before other output. */
  clear(): void {
    if (this.#terminal.interactive && this.#shown !== '') this.#terminal.writeError('\r\u001b[2K')
    this.#shown = ''
  }
}
