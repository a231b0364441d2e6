/**
 * A list of what answers differ in still, by the recorded answer's name; it may only shrink. With
 * `MILLRACE_RECORD_NOT_YET=1` a run writes it anew instead of judging by it.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { answerDifferences, type RecordedAnswer } from './answer-differences.ts'
import { departuresOf } from './departures.ts'

export class RecordedList {
  readonly #file: URL
  readonly #notYet: Readonly<Record<string, string[]>>
  readonly #found: Record<string, string[]> = {}
  readonly #isWritten = process.env.MILLRACE_RECORD_NOT_YET === '1'

  /** `name`: a file of `fixtures`. */
  constructor(name: string) {
    this.#file = new URL(`fixtures/${name}.json`, import.meta.url)
    this.#notYet = JSON.parse(readFileSync(this.#file, 'utf8'))
  }

  /** Fails when the answer differs in more, or in less, than the list says. */
  check(recorded: RecordedAnswer, status: number, body: unknown): void {
    const { name } = recorded
    const departs = departuresOf(name)
    const differences = answerDifferences(recorded, status, body).filter(
      (text) => !departs.some((difference) => difference.test(text)),
    )
    if (differences.length > 0) this.#found[name] = differences
    if (this.#isWritten) return
    assert.deepEqual(differences, this.#notYet[name] ?? [], JSON.stringify(body).slice(0, 2000))
  }

  /** Fails when the list names what was not asked for. */
  end(asked: readonly RecordedAnswer[]): void {
    if (this.#isWritten) {
      writeFileSync(this.#file, `${JSON.stringify(this.#found, null, 2)}\n`)
      return
    }
    const names = new Set(asked.map(({ name }) => name))
    assert.deepEqual(
      Object.keys(this.#notYet).filter((name) => !names.has(name)),
      [],
    )
  }
}
