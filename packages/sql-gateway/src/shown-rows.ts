/**
 * What a SELECT has shown its client, so that a restart of its job shows no row twice and keeps
 * none that is wrong.
 *
 * Rows are shown as soon as they are made, before the checkpoint behind them is complete. When the
 * job restarts, the rows after its last checkpoint are made again: those that had been shown are
 * left out, new ones are shown, and what has not come again once a checkpoint covers as many rows
 * as had been shown is taken back, as a change of the opposite kind. Invariant: what was shown and
 * not taken back is, at every complete checkpoint, the query's result up to it.
 */
import type { ResultRow } from '@millrace/rest-api'
import { gatewayError } from './error-codes.ts'

export class ShownRows {
  readonly #rememberedMax: number
  /** Rows of the present run from offset `#first` on, which a restart could make again. */
  #remembered: ResultRow[] = []
  #first = 0
  #forgotten = false
  /**
   * Values → how often they stand shown by runs that are over and were not made again; below
   * 0: taken away.
   */
  readonly #outstanding = new Map<string, number>()
  /** Once this many rows are final and read, what is outstanding does not come any more. */
  #settledAt = 0

  constructor(rememberedMax: number) {
    this.#rememberedMax = rememberedMax
  }

  /** Takes the rows from `offset` on, the first `final` of all being final; gives those to show. */
  take(offset: number, rows: readonly ResultRow[], final: number): ResultRow[] {
    const shown =
      this.#outstanding.size === 0 ? [...rows] : rows.filter((row) => !this.#repeats(row))
    for (const row of rows) this.#remembered.push(row)
    const end = offset + rows.length
    this.#forget(Math.min(final, end) - this.#first)
    if (this.#remembered.length > this.#rememberedMax) {
      this.#forgotten = true
      this.#forget(this.#remembered.length - Math.ceil(this.#rememberedMax / 2))
    } else if (this.#first <= final) {
      this.#forgotten = false
    }
    if (Math.min(final, end) >= this.#settledAt) shown.push(...this.settle())
    return shown
  }

  #forget(count: number): void {
    if (count <= 0) return
    this.#remembered.splice(0, count)
    this.#first += count
  }

  /** The job goes on from row `resumeAt`; rows from there on are made again. */
  restart(resumeAt: number): void {
    const end = this.#first + this.#remembered.length
    if (resumeAt < this.#first && this.#forgotten) {
      throw gatewayError(
        'COLLECT_ROWS_REPEATED',
        `Run the query again; its job restarted from row ${resumeAt} after ${end} had been shown, too many to compare.`,
        {
          hint: "Checkpoint more often ('execution.checkpointing.interval'), or INSERT INTO a table.",
        },
      )
    }
    for (const row of this.#remembered.slice(Math.max(0, resumeAt - this.#first))) {
      this.#count(textOf(row), signOf(row))
    }
    this.#settledAt = Math.max(this.#settledAt, end)
    this.#remembered = []
    this.#first = Math.min(resumeAt, end)
  }

  /**
   * Takes back what has not come again; at the end of the query, or when `take` finds that
   * none will come.
   */
  settle(): ResultRow[] {
    const changes: ResultRow[] = []
    for (const [text, count] of this.#outstanding) {
      const kind = count > 0 ? 'DELETE' : 'INSERT'
      const row: ResultRow = { kind, fields: JSON.parse(text) as unknown[] }
      for (let i = Math.abs(count); i > 0; i--) changes.push(row)
    }
    this.#outstanding.clear()
    return changes
  }

  #repeats(row: ResultRow): boolean {
    const text = textOf(row)
    const sign = signOf(row)
    if (Math.sign(this.#outstanding.get(text) ?? 0) !== sign) return false
    this.#count(text, -sign)
    return true
  }

  #count(text: string, change: number): void {
    const count = (this.#outstanding.get(text) ?? 0) + change
    if (count === 0) this.#outstanding.delete(text)
    else this.#outstanding.set(text, count)
  }
}

function textOf(row: ResultRow): string {
  return JSON.stringify(row.fields)
}

function signOf({ kind }: ResultRow): 1 | -1 {
  return kind === 'INSERT' || kind === 'UPDATE_AFTER' ? 1 : -1
}
