/**
 * Stored rows as rows of a table that has changed since: columns by name, what was not stored as in
 * a new entry, narrower types converted, and each in the key group in which it lies now.
 */
import {
  type Column,
  ColumnBatch,
  type Field,
  Float64Column,
  gatherRows,
  hashRows,
  type KeyGroupRange,
  keyGroupOf,
  LAST_WRITE,
  type Schema,
  type StateFit,
} from '@millrace/core'
import { indexesTo } from '../table/column-indexes.ts'
import { convertColumn } from './convert-column.ts'
import { describe, matchTables } from './match-tables.ts'

export interface RowFit {
  /** Rows lie in other key groups than those under which they are stored. */
  readonly isRekeyed: boolean
  /** A text: what keeps these rows from being rows of the table now. */
  convert(rows: ColumnBatch): ColumnBatch | string
}

/** Null: they are as they should be. A text: they cannot be. `now`: its columns as they are put. */
export function fitRows(stored: Schema, now: Schema, fit: StateFit): RowFit | string | null {
  const match = matchTables(stored, { ...fit, schema: now })
  if (typeof match === 'string') return match
  const { sources, widened, neverNull, isRekeyed } = match
  const isSame = widened.length === 0 && stored.fields.length === now.fields.length
  if (isSame && neverNull.length === 0 && sources.every((from, to) => from === to)) return null
  const convert = (rows: ColumnBatch): ColumnBatch | string => {
    const wrong = neverNull.find((c) => hasNull(rows.columns[sources[c] as number], rows.rowCount))
    if (wrong !== undefined) {
      const field = now.fields[wrong] as Field
      return `a stored row is NULL in ${describe(field)}, which may be NULL no more`
    }
    const columns = now.fields.map((field, c): Column => {
      const from = sources[c] as number
      const empty = fit.empty.columns[c] as Column
      if (from < 0) return emptyColumn(field, empty, rows.rowCount)
      return convertColumn(rows.columns[from] as Column, stored.fields[from] as Field, field, empty)
    })
    return new ColumnBatch(rows.rowCount, columns, rows.rowKinds)
  }
  return { isRekeyed, convert }
}

/** Those of `rows` whose keys lie in `range`, by key group. */
export function* ownRows(
  rows: ColumnBatch,
  keyCount: number,
  range: KeyGroupRange,
  maxParallelism: number,
): Generator<{ readonly keyGroup: number; readonly rows: ColumnBatch }> {
  const hashes = new Int32Array(rows.rowCount)
  hashRows(rows, indexesTo(keyCount), hashes)
  const byGroup = new Map<number, number[]>()
  for (const [row, hash] of hashes.entries()) {
    const keyGroup = keyGroupOf(hash, maxParallelism)
    if (keyGroup < range.start || keyGroup > range.end) continue
    const known = byGroup.get(keyGroup)
    if (known === undefined) byGroup.set(keyGroup, [row])
    else known.push(row)
  }
  for (const [keyGroup, own] of byGroup) {
    yield { keyGroup, rows: gatherRows(rows, Int32Array.from(own), own.length) }
  }
}

function hasNull(column: Column | undefined, rowCount: number): boolean {
  const nulls = column?.nulls
  if (nulls === null || nulls === undefined) return false
  for (let i = 0; i < rowCount; i++) if (nulls[i] !== 0) return true
  return false
}

/** The time to live of what had none begins with the restore: nothing is later than that. */
function emptyColumn(field: Field, empty: Column, rowCount: number): Column {
  if (field.name === LAST_WRITE.name) {
    return new Float64Column(new Float64Array(rowCount).fill(Number.POSITIVE_INFINITY), null)
  }
  const one = new ColumnBatch(1, [empty])
  return gatherRows(one, new Int32Array(rowCount), rowCount).columns[0] as Column
}
