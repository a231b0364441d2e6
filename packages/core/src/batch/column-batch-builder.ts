/**
 * ColumnBatchBuilder: batches made value by value.
 *
 * For tests, literal rows, restored state, and operators whose output is sparse. Hot producers fill
 * arrays themselves. Invariant: a built batch owns its arrays; the builder starts on new ones.
 */
import { physicalTypeOf, type Schema } from '../types/logical-type.ts'
import type { Column } from './column.ts'
import { ColumnBatch } from './column-batch.ts'
import { allocateColumn, copyValue, growColumn, setValue } from './column-rows.ts'
import type { Value } from './layout/column-layout.ts'
import { growArray } from './layout/grow-array.ts'

export class ColumnBatchBuilder {
  readonly schema: Schema
  rowCount = 0
  #capacity: number
  #columns: Column[] = []
  #rowKinds: Uint8Array | null = null

  constructor(schema: Schema, capacityRows = 64) {
    this.schema = schema
    this.#capacity = Math.max(1, capacityRows)
    this.#start()
  }

  #start(): void {
    this.rowCount = 0
    this.#rowKinds = null
    this.#columns = this.schema.fields.map((field) =>
      allocateColumn(physicalTypeOf(field.type), this.#capacity),
    )
  }

  /** Appends a row of values in schema order; `rowKind` is a `RowKind`, INSERT by default. */
  appendRow(values: readonly Value[], rowKind = 0): void {
    const row = this.#beginRow(rowKind)
    for (let c = 0; c < this.#columns.length; c++) {
      setValue(this.#columns[c] as Column, row, values[c] ?? null, this.#capacity)
    }
  }

  /** Appends a copy of row `row` of a batch of the same schema, with its row kind. */
  appendFrom(batch: ColumnBatch, row: number): void {
    const target = this.#beginRow(batch.rowKinds === null ? 0 : (batch.rowKinds[row] as number))
    for (let c = 0; c < this.#columns.length; c++) {
      const source = batch.columns[c] as Column
      copyValue(source, row, this.#columns[c] as Column, target, this.#capacity)
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
    for (const column of this.#columns) growColumn(column, this.#capacity)
    if (this.#rowKinds !== null) this.#rowKinds = growArray(this.#rowKinds, this.#capacity)
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
