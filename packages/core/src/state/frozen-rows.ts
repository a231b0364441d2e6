/** FrozenRows: a frozen table from rows that lie in a batch already, for small state and tests. */
import type { ColumnBatch } from '../batch/column-batch.ts'
import { gatherRows } from '../batch/gather-rows.ts'
import type { Schema } from '../types/logical-type.ts'
import type { FrozenTable } from './frozen-table.ts'

export class FrozenRows implements FrozenTable {
  readonly name: string
  readonly schema: Schema
  readonly since = null
  readonly rows: ColumnBatch
  readonly #keyGroups: Uint16Array

  /** `rows` must not change any more; `keyGroups` has the key group of each. */
  constructor(name: string, schema: Schema, rows: ColumnBatch, keyGroups: Uint16Array) {
    this.name = name
    this.schema = schema
    this.rows = rows
    this.#keyGroups = keyGroups
  }

  get positionCount(): number {
    return this.rows.rowCount
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    into.set(this.#keyGroups.subarray(from, to))
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    return gatherRows(this.rows, positions, count)
  }

  releaseBefore(): void {}

  release(): void {}
}
