/** Steps of tests over tables of keyed state, whichever backend they have. */
import {
  batchOf,
  type Column,
  ColumnBatch,
  type FrozenTable,
  NO_KEY_GROUP,
  rowsOf,
  type ScanOrder,
  type StateTable,
  type StateTableSpec,
  type Value,
} from '@millrace/core'

/** Columns of the key (and sub) fields. */
export function keyRows(spec: StateTableSpec, rows: readonly (readonly Value[])[]): Column[] {
  const fields = [...spec.key.fields, ...(spec.sub?.columns.fields ?? [])]
  return batchOf({ fields }, rows).columns
}

export async function resolved(
  table: StateTable,
  rows: readonly (readonly Value[])[],
): Promise<Int32Array> {
  const columns = keyRows(table.spec, rows)
  const slots = new Int32Array(rows.length)
  let wait = table.resolve(columns, rows.length, slots)
  while (wait !== null) {
    await wait
    wait = table.resolve(columns, rows.length, slots)
  }
  return slots
}

/** Stored rows of a frozen table. */
export function rowsOfFrozen(frozen: FrozenTable): Value[][] {
  const keyGroups = new Uint16Array(frozen.positionCount)
  frozen.keyGroups(0, frozen.positionCount, keyGroups)
  const positions = Int32Array.from(keyGroups.keys()).filter((at) => keyGroups[at] !== NO_KEY_GROUP)
  return rowsOf(frozen.gather(positions, positions.length), frozen.schema)
}

/** Rows as sorted texts that can be compared. */
export const asTexts = (rows: readonly (readonly Value[])[]): string[] =>
  rows.map((row) => row.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join()).sort()

/** Sets a value field of entries. */
export function write(table: StateTable, slots: Int32Array, field: number, value: number): void {
  table.beforeWrite(slots, slots.length)
  const { words, stride } = table.memory
  for (const slot of slots) words[slot * stride + table.valueWords[field]!] = value
}

/** What a scan gives: of each row the sub columns of its entries. */
export function scanned(
  table: StateTable,
  keys: readonly (readonly Value[])[],
  order: ScanOrder,
): Value[][][] {
  const found = keys.map((): Value[][] => [])
  const { key, sub } = table.spec
  const { fields } = (sub as NonNullable<StateTableSpec['sub']>).columns
  const scan = table.scan(batchOf(key, keys).columns, keys.length, order)
  for (let n = scan.next(); typeof n === 'number' && n > 0; n = scan.next()) {
    const columns = table.keyColumns(scan.slots, 0, n).slice(key.fields.length)
    rowsOf(new ColumnBatch(n, columns), { fields }).forEach((row, p) => {
      found[scan.rows[p]!]!.push(row)
    })
  }
  return found
}
