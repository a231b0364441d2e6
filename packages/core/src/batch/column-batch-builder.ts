/**
 * ColumnBatchBuilder: batches made value by value.
 *
 * For tests, literal rows, restored state, and operators whose output is sparse. Hot producers fill arrays
 * themselves. Invariant: a
 * built batch owns its arrays; the builder starts on new ones.
 */
import { physicalTypeOf, type Schema } from '../types/logical-type.ts'
import { allocateColumn, growArray } from './allocate-column.ts'
import type { Column, StringColumn } from './column.ts'
import { ColumnBatch } from './column-batch.ts'
import type { Value } from './column-values.ts'
import { encodeUtf8Into } from './utf8.ts'

export class ColumnBatchBuilder {
  readonly schema: Schema
  rowCount = 0
  #capacity: number
  #columns: Column[] = []
  /** Bytes used in each string column's pool. */
  #bytesUsed: number[] = []
  #rowKinds: Uint8Array | null = null

  constructor(schema: Schema, capacityRows = 64) {
    this.schema = schema
    this.#capacity = Math.max(1, capacityRows)
    this.#start()
  }

  #start(): void {
    this.rowCount = 0
    this.#rowKinds = null
    this.#bytesUsed = this.schema.fields.map(() => 0)
    this.#columns = this.schema.fields.map((field) =>
      allocateColumn(physicalTypeOf(field.type), this.#capacity),
    )
  }

  /** Appends a row of values in schema order; `rowKind` is a `RowKind`, INSERT by default. */
  appendRow(values: readonly Value[], rowKind = 0): void {
    const row = this.#beginRow(rowKind)
    for (let c = 0; c < this.#columns.length; c++) {
      this.#setValue(c, row, values[c] as Value)
    }
  }

  /** Appends a copy of row `row` of a batch of the same schema, with its row kind. */
  appendFrom(batch: ColumnBatch, row: number): void {
    const target = this.#beginRow(batch.rowKinds === null ? 0 : (batch.rowKinds[row] as number))
    for (let c = 0; c < this.#columns.length; c++) {
      const source = batch.columns[c] as Column
      const column = this.#columns[c] as Column
      if (source.nulls !== null && source.nulls[row] === 1) this.#setNull(c, target)
      else if (source.kind === 'str') {
        const entry = source.codes === null ? row : (source.codes[row] as number)
        const start = source.pool.starts[entry] as number
        this.#setBytes(c, target, source.pool.bytes, start, source.pool.lengths[entry] as number)
      } else if (column.kind !== 'str') {
        column.values[target] = source.values[row] as never
      }
    }
  }

  /** Appends the values of a column-shaped record by field name; missing fields are NULL. */
  appendRecord(record: Readonly<Record<string, Value>>, rowKind = 0): void {
    this.appendRow(
      this.schema.fields.map((field) => record[field.name] ?? null),
      rowKind,
    )
  }

  /** The rows appended so far as a batch that owns its arrays; the builder is empty afterwards. */
  build(): ColumnBatch {
    for (const column of this.#columns) {
      if (column.kind === 'str') column.pool.size = this.rowCount
    }
    const batch = new ColumnBatch(this.rowCount, this.#columns, this.#rowKinds)
    this.#start()
    return batch
  }

  #beginRow(rowKind: number): number {
    if (this.rowCount === this.#capacity) this.#grow()
    const row = this.rowCount++
    if (rowKind !== 0 && this.#rowKinds === null) this.#rowKinds = new Uint8Array(this.#capacity)
    if (this.#rowKinds !== null) this.#rowKinds[row] = rowKind
    return row
  }

  #grow(): void {
    this.#capacity *= 2
    for (const column of this.#columns) {
      if (column.nulls !== null) column.nulls = growArray(column.nulls, this.#capacity)
      if (column.kind === 'str') {
        column.pool.starts = growArray(column.pool.starts, this.#capacity)
        column.pool.lengths = growArray(column.pool.lengths, this.#capacity)
      } else {
        column.values = growArray(column.values as never, this.#capacity) as never
      }
    }
    if (this.#rowKinds !== null) this.#rowKinds = growArray(this.#rowKinds, this.#capacity)
  }

  #setNull(c: number, row: number): void {
    const column = this.#columns[c] as Column
    column.nulls ??= new Uint8Array(this.#capacity)
    column.nulls[row] = 1
    if (column.kind === 'str') column.pool.starts[row] = this.#bytesUsed[c] as number
  }

  #setValue(c: number, row: number, value: Value): void {
    if (value === null || value === undefined) {
      this.#setNull(c, row)
      return
    }
    const column = this.#columns[c] as Column
    switch (column.kind) {
      case 'bool':
        column.values[row] = value === true || value === 1 ? 1 : 0
        break
      case 'i64':
        column.values[row] = BigInt(value)
        break
      case 'str':
        this.#setText(c, row, String(value))
        break
      default:
        column.values[row] = Number(value)
    }
  }

  #reserveBytes(c: number, count: number): Uint8Array {
    const pool = (this.#columns[c] as StringColumn).pool
    const needed = (this.#bytesUsed[c] as number) + count
    if (needed > pool.bytes.length) pool.bytes = growArray(pool.bytes, needed)
    return pool.bytes
  }

  #setText(c: number, row: number, text: string): void {
    const bytes = this.#reserveBytes(c, text.length * 3)
    this.#endText(c, row, encodeUtf8Into(text, bytes, this.#bytesUsed[c] as number))
  }

  #setBytes(c: number, row: number, source: Uint8Array, start: number, length: number): void {
    const bytes = this.#reserveBytes(c, length)
    bytes.set(source.subarray(start, start + length), this.#bytesUsed[c] as number)
    this.#endText(c, row, length)
  }

  #endText(c: number, row: number, length: number): void {
    const pool = (this.#columns[c] as StringColumn).pool
    pool.starts[row] = this.#bytesUsed[c] as number
    pool.lengths[row] = length
    this.#bytesUsed[c] = (this.#bytesUsed[c] as number) + length
  }
}

/** A batch from rows of values: the short way in tests and for literal rows. */
export function batchOf(
  schema: Schema,
  rows: readonly (readonly Value[])[],
  rowKinds?: readonly number[],
): ColumnBatch {
  const builder = new ColumnBatchBuilder(schema, rows.length)
  for (let i = 0; i < rows.length; i++) builder.appendRow(rows[i] as Value[], rowKinds?.[i] ?? 0)
  return builder.build()
}
