/**
 * Keys: the hashes and key groups of whole batches, and when two rows have one key.
 *
 * A hash exchange's producer and the keyed operator behind it must agree on every row's key group,
 * so both use these rules: a row's hash is 0 folded with `combineHash` over its key columns in
 * order; a NULL contributes NULL_HASH, any other value the hash of its layout. Invariant: rows of
 * one key (`sameKey`) have one hash, whatever form their columns have; NaN is one key, 0 and -0 are
 * two. Generated code that hashes by itself must do the same.
 */
import { combineHash, keyGroupOf, NULL_HASH } from '../id/key-group.ts'
import type { Column } from './column.ts'
import type { ColumnBatch } from './column-batch.ts'
import { isNullAt, sameValue } from './column-rows.ts'
import { layoutOf } from './layout/layouts.ts'

/** Hashes of rows 0 … rowCount over `keyColumns` into `into` (at least rowCount long). */
export function hashRows(
  batch: ColumnBatch,
  keyColumns: readonly number[],
  into: Int32Array,
): void {
  const { rowCount } = batch
  into.fill(0, 0, rowCount)
  for (const index of keyColumns) {
    const column = batch.columns[index] as Column
    layoutOf(column.kind).foldHashes(column, rowCount, into)
  }
}

/** The hash of one row over key columns: what `hashRows` gives it. */
export function hashRow(columns: readonly Column[], row: number): number {
  let hash = 0
  for (const column of columns) {
    const next = isNullAt(column, row) ? NULL_HASH : layoutOf(column.kind).hash(column, row)
    hash = combineHash(hash, next)
  }
  return hash
}

/**
 * Whether row `row` of columns `a` and row `other` of columns `b`, of the same kinds, have one key.
 */
export function sameKey(
  a: readonly Column[],
  row: number,
  b: readonly Column[],
  other: number,
): boolean {
  for (let c = 0; c < a.length; c++) {
    if (!sameValue(a[c] as Column, row, b[c] as Column, other)) return false
  }
  return true
}

/** Key groups of rows from their hashes, into `into` (at least rowCount long). */
export function keyGroupsOfHashes(
  hashes: Int32Array,
  rowCount: number,
  maxParallelism: number,
  into: Uint16Array,
): void {
  for (let i = 0; i < rowCount; i++) into[i] = keyGroupOf(hashes[i] as number, maxParallelism)
}

/** Key groups of a batch's rows over `keyColumns`; the short way where speed does not matter. */
export function keyGroups(
  batch: ColumnBatch,
  keyColumns: readonly number[],
  maxParallelism: number,
): Uint16Array {
  const hashes = new Int32Array(batch.rowCount)
  hashRows(batch, keyColumns, hashes)
  const groups = new Uint16Array(batch.rowCount)
  keyGroupsOfHashes(hashes, batch.rowCount, maxParallelism, groups)
  return groups
}
