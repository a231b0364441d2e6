/** How a table's rows are stored, for whoever fits stored rows to it. */
import {
  type Column,
  ColumnBatch,
  type Schema,
  type StateFit,
  type StateTableSpec,
  storedSchemaOf,
} from '@millrace/core'

/** How a table's stored rows are laid out, and what its columns may be called. */
export interface TableLayout {
  readonly schema: Schema
  readonly keyCount: number
  readonly keyedCount: number
  readonly formerNames?: Readonly<Record<string, string>>
}

export function layoutOf(spec: StateTableSpec): TableLayout {
  const keyCount = spec.key.fields.length
  return {
    schema: storedSchemaOf(spec),
    keyCount,
    keyedCount: keyCount + (spec.sub?.columns.fields.length ?? 0),
    ...(spec.formerNames === undefined ? {} : { formerNames: spec.formerNames }),
  }
}

/** What a reader of stored rows is told. */
export function fitOf(table: {
  readonly spec: StateTableSpec
  storedColumns(slots: Int32Array, from: number, to: number): Column[]
}): TableLayout & StateFit {
  // Slot 0 is as a new entry is.
  const empty = new ColumnBatch(1, table.storedColumns(new Int32Array(1), 0, 1))
  return { ...layoutOf(table.spec), empty }
}
