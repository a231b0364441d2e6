/**
 * Stored rows as rows of a table that has changed since: columns by name, what was not stored as in
 * a new entry, narrower types converted.
 */
import {
  type Column,
  ColumnBatch,
  type Field,
  Float64Column,
  gatherRows,
  LAST_WRITE,
  type Schema,
  type StateFit,
} from '@millrace/core'
import { convertColumn } from './convert-column.ts'
import { matchTables } from './match-tables.ts'

/** Null: they are as they should be. A text: they cannot be. `now`: its columns as they are put. */
export function fitRows(
  stored: Schema,
  now: Schema,
  fit: StateFit,
): ((rows: ColumnBatch) => ColumnBatch) | string | null {
  const match = matchTables(stored, { ...fit, schema: now })
  if (typeof match === 'string') return match
  const { sources, widened } = match
  const isSame = widened.length === 0 && stored.fields.length === now.fields.length
  if (isSame && sources.every((from, to) => from === to)) return null
  return (rows) => {
    const columns = now.fields.map((field, c): Column => {
      const from = sources[c] as number
      const empty = fit.empty.columns[c] as Column
      if (from < 0) return emptyColumn(field, empty, rows.rowCount)
      return convertColumn(rows.columns[from] as Column, stored.fields[from] as Field, field, empty)
    })
    return new ColumnBatch(rows.rowCount, columns, rows.rowKinds)
  }
}

/** The time to live of what had none begins with the restore: nothing is later than that. */
function emptyColumn(field: Field, empty: Column, rowCount: number): Column {
  if (field.name === LAST_WRITE.name) {
    return new Float64Column(new Float64Array(rowCount).fill(Number.POSITIVE_INFINITY), null)
  }
  const one = new ColumnBatch(1, [empty])
  return gatherRows(one, new Int32Array(rowCount), rowCount).columns[0] as Column
}
