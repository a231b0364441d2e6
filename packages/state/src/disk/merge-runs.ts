/**
 * Several runs of one partition as one: of rows of one key the newest counts.
 *
 * Behind compaction and checkpoints. Works a block at a time, so that whoever asks can do something
 * else in between; memory is a block a source and the block in hand.
 */
import { type ColumnBatch, ColumnBatchBuilder, RowKind, type Schema, sameKey } from '@millrace/core'
import { BLOCK_ROWS, hashesOf } from './run.ts'

/** Rows in ascending order of their hashes (unsigned), a key once; null: no more. */
export type SortedRows = () => ColumnBatch | null

export interface MergeSettings {
  readonly keyCount: number
  /** Nothing older is left elsewhere: rows that say that a key is gone are left out. */
  readonly dropDeletes: boolean
  /** Rows that nobody may see any more; null: none. */
  readonly isExpired: ((rows: ColumnBatch, row: number) => boolean) | null
}

/** A place within the rows of one source. */
class Cursor {
  rows: ColumnBatch
  row = 0
  /** Unsigned; Infinity at the end. */
  hash: number
  #hashes: Int32Array
  readonly #next: SortedRows

  constructor(next: SortedRows, first: ColumnBatch) {
    this.#next = next
    this.rows = first
    this.#hashes = hashesOf(first)
    this.hash = (this.#hashes[0] as number) >>> 0
  }

  advance(): void {
    this.row++
    if (this.row === this.rows.rowCount) {
      const next = this.#next()
      if (next === null) {
        this.hash = Number.POSITIVE_INFINITY
        return
      }
      this.rows = next
      this.#hashes = hashesOf(next)
      this.row = 0
    }
    this.hash = (this.#hashes[this.row] as number) >>> 0
  }
}

/** Blocks of the merged rows; sources are newest first. All rows of a hash are in one block. */
export function* mergeRuns(
  sources: readonly SortedRows[],
  schema: Schema,
  settings: MergeSettings,
): Generator<ColumnBatch> {
  const cursors = sources.flatMap((source) => {
    const first = source()
    return first === null ? [] : [new Cursor(source, first)]
  })
  const block = new ColumnBatchBuilder(schema, BLOCK_ROWS)
  const group = new KeysOfHash(settings)
  for (;;) {
    let hash = Number.POSITIVE_INFINITY
    for (let c = 0; c < cursors.length; c++) hash = Math.min(hash, (cursors[c] as Cursor).hash)
    if (hash === Number.POSITIVE_INFINITY) break
    if (block.rowCount >= BLOCK_ROWS) yield block.build()
    for (let c = 0; c < cursors.length; c++) {
      const cursor = cursors[c] as Cursor
      while (cursor.hash === hash) {
        group.add(cursor.rows, cursor.row)
        cursor.advance()
      }
    }
    group.moveTo(block)
  }
  if (block.rowCount > 0) yield block.build()
}

/** The rows of one hash, newest first: mostly one. */
class KeysOfHash {
  readonly #settings: MergeSettings
  readonly #batches: ColumnBatch[] = []
  readonly #rows: number[] = []

  constructor(settings: MergeSettings) {
    this.#settings = settings
  }

  add(rows: ColumnBatch, row: number): void {
    for (let n = 0; n < this.#rows.length; n++) {
      const known = this.#batches[n] as ColumnBatch
      if (this.#isSameKey(known, this.#rows[n] as number, rows, row)) return
    }
    this.#batches.push(rows)
    this.#rows.push(row)
  }

  moveTo(block: ColumnBatchBuilder): void {
    const { dropDeletes, isExpired } = this.#settings
    for (let n = 0; n < this.#rows.length; n++) {
      const rows = this.#batches[n] as ColumnBatch
      const row = this.#rows[n] as number
      if (dropDeletes && rows.rowKinds !== null && rows.rowKinds[row] === RowKind.DELETE) continue
      if (isExpired?.(rows, row) !== true) block.appendFrom(rows, row)
    }
    this.#batches.length = 0
    this.#rows.length = 0
  }

  #isSameKey(a: ColumnBatch, row: number, b: ColumnBatch, other: number): boolean {
    const { keyCount } = this.#settings
    return sameKey(a.columns.slice(0, keyCount), row, b.columns, other)
  }
}
