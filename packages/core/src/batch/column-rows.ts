/**
 * Columns of any kind, NULLs included: made, grown, copied and compared by their layouts.
 *
 * The generic half of `layout/`: what stands here treats NULL once for all kinds, and looks a
 * layout up once a column. Functions of single rows are for builders, literal rows and checks;
 * loops over batches go through `gatherColumn`, `selectColumn` and `key-columns.ts`. Capacities are
 * rows; the bytes of texts grow apart from them.
 */
import type { PhysicalType } from '../types/logical-type.ts'
import type { Column } from './column.ts'
import type { Value } from './layout/column-layout.ts'
import { growArray } from './layout/grow-array.ts'
import { layoutOf } from './layout/layouts.ts'

/**
 * A column of `capacity` rows, zeroed; `nullable` adds a nulls array with no row NULL. A string
 * column is in reference form.
 */
export function allocateColumn(type: PhysicalType, capacity: number, nullable = false): Column {
  const nulls = nullable ? new Uint8Array(capacity) : null
  return layoutOf(type).allocate(type, capacity, nulls)
}

/** Makes room for `capacity` rows in place. */
export function growColumn(column: Column, capacity: number): void {
  if (column.nulls !== null) column.nulls = growArray(column.nulls, capacity)
  layoutOf(column.kind).grow(column, capacity)
}

/** Rows `indexes[0 … count)` as a column that owns its arrays; a dictionary pool is shared. */
export function gatherColumn(column: Column, indexes: Int32Array, count: number): Column {
  const nulls = column.nulls === null ? null : new Uint8Array(count)
  if (nulls !== null) gatherBytes(column.nulls as Uint8Array, indexes, count, nulls)
  return layoutOf(column.kind).gather(column, indexes, count, nulls, true)
}

/**
 * As `gatherColumn`, for as long as neither `column` nor `indexes` changes: texts stay where they
 * are, and are a dictionary. NULLs are asked for only where there is one.
 */
export function referColumn(column: Column, indexes: Int32Array): Column {
  const count = indexes.length
  let nulls: Uint8Array | null = null
  if (column.nulls !== null) {
    for (let i = 0; i < count; i++) {
      if (column.nulls[indexes[i] as number] === 0) continue
      nulls ??= new Uint8Array(count)
      nulls[i] = 1
    }
  }
  return layoutOf(column.kind).gather(column, indexes, count, nulls, false)
}

/** `into[i] = source[indexes[i]]`. */
export function gatherBytes(
  source: Uint8Array,
  indexes: Int32Array,
  count: number,
  into: Uint8Array,
): void {
  for (let i = 0; i < count; i++) into[i] = source[indexes[i] as number] as number
}

export function isNullAt(column: Column, row: number): boolean {
  return column.nulls !== null && column.nulls[row] === 1
}

/** The value of a row as a `Value`; the column's layout decides. */
export function valueAt(column: Column, row: number): Value {
  if (column.nulls !== null && column.nulls[row] === 1) return null
  return layoutOf(column.kind).get(column, row)
}

/**
 * Stores a value; a column without room for NULLs gets it, `capacity` rows long, with
 * its first NULL.
 */
export function setValue(column: Column, row: number, value: Value, capacity: number): void {
  if (value === null) {
    setNull(column, row, capacity)
    return
  }
  if (column.nulls !== null) column.nulls[row] = 0
  layoutOf(column.kind).set(column, row, value)
}

/**
 * Copies the value or NULL of a row to row `at` of a column of the same kind, as
 * `setValue` stores it.
 */
export function copyValue(
  source: Column,
  row: number,
  target: Column,
  at: number,
  capacity: number,
): void {
  if (source.nulls !== null && source.nulls[row] === 1) {
    setNull(target, at, capacity)
    return
  }
  if (target.nulls !== null) target.nulls[at] = 0
  layoutOf(target.kind).copyValue(source, row, target, at)
}

function setNull(column: Column, row: number, capacity: number): void {
  column.nulls ??= new Uint8Array(capacity)
  column.nulls[row] = 1
  layoutOf(column.kind).clear(column, row)
}

/** Whether two rows hold the same key value: NULL equals NULL, otherwise as `ColumnLayout.same`. */
export function sameValue(a: Column, row: number, b: Column, other: number): boolean {
  const aNull = a.nulls !== null && a.nulls[row] === 1
  const bNull = b.nulls !== null && b.nulls[other] === 1
  if (aNull || bNull) return aNull && bNull
  return layoutOf(a.kind).same(a, row, b, other)
}

/** Order of two rows, NULL before all values, otherwise as `ColumnLayout.compare`. */
export function compareValues(a: Column, row: number, b: Column, other: number): number {
  const aNull = a.nulls !== null && a.nulls[row] === 1
  const bNull = b.nulls !== null && b.nulls[other] === 1
  if (aNull || bNull) return aNull === bNull ? 0 : aNull ? -1 : 1
  return layoutOf(a.kind).compare(a, row, b, other)
}
