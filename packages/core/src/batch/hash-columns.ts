/**
 * Key hashes and key groups of whole batches.
 *
 * A hash exchange's producer and the keyed operator behind it must agree on every row's key group, so both use these
 * rules: a row's
 * hash is 0 folded with `combineHash` over its key columns in order; a NULL contributes NULL_HASH, any other value
 * the function
 * that `HASH_FUNCTION_OF` names for its layout (from id/key-group.ts). Generated code that hashes by itself must do
 * the same.
 */
import {
  combineHash,
  hashBytes,
  hashFloat64,
  hashInt32,
  hashInt64,
  keyGroupOf,
  NULL_HASH,
} from '../id/key-group.ts'
import type { PhysicalType } from '../types/logical-type.ts'
import type { Column, StringColumn, StringPool } from './column.ts'
import type { ColumnBatch } from './column-batch.ts'

/**
 * Which function of `id/key-group.ts` hashes a value of each layout (a BOOLEAN as 0 or 1, a STRING by its
 * UTF-8 bytes).
 */
export const HASH_FUNCTION_OF = {
  bool: 'hashInt32',
  i32: 'hashInt32',
  f64: 'hashFloat64',
  i64: 'hashInt64',
  str: 'hashBytes',
} as const satisfies Record<PhysicalType, string>

/** Hashes of rows 0 … rowCount over `keyColumns` into `into` (at least rowCount long). */
export function hashRows(
  batch: ColumnBatch,
  keyColumns: readonly number[],
  into: Int32Array,
): void {
  const { rowCount } = batch
  into.fill(0, 0, rowCount)
  for (const index of keyColumns) foldColumn(batch.columns[index] as Column, rowCount, into)
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

function foldColumn(column: Column, rowCount: number, into: Int32Array): void {
  switch (column.kind) {
    case 'bool':
    case 'i32':
      foldInts(column.values, column.nulls, rowCount, into)
      break
    case 'f64':
      foldDoubles(column.values, column.nulls, rowCount, into)
      break
    case 'i64':
      foldLongs(column.values, column.nulls, rowCount, into)
      break
    case 'str':
      foldStrings(column, rowCount, into)
      break
  }
}

function foldInts(
  values: Uint8Array | Int32Array,
  nulls: Uint8Array | null,
  rowCount: number,
  into: Int32Array,
): void {
  for (let i = 0; i < rowCount; i++) {
    const hash = nulls !== null && nulls[i] === 1 ? NULL_HASH : hashInt32(values[i] as number)
    into[i] = combineHash(into[i] as number, hash)
  }
}

function foldDoubles(
  values: Float64Array,
  nulls: Uint8Array | null,
  rowCount: number,
  into: Int32Array,
): void {
  for (let i = 0; i < rowCount; i++) {
    const hash = nulls !== null && nulls[i] === 1 ? NULL_HASH : hashFloat64(values[i] as number)
    into[i] = combineHash(into[i] as number, hash)
  }
}

function foldLongs(
  values: BigInt64Array,
  nulls: Uint8Array | null,
  rowCount: number,
  into: Int32Array,
): void {
  for (let i = 0; i < rowCount; i++) {
    const hash = nulls !== null && nulls[i] === 1 ? NULL_HASH : hashInt64(values[i] as bigint)
    into[i] = combineHash(into[i] as number, hash)
  }
}

function foldStrings(column: StringColumn, rowCount: number, into: Int32Array): void {
  const { pool, codes, nulls } = column
  const entryHashes = codes === null ? null : dictionaryHashes(pool)
  const { bytes, starts, lengths } = pool
  for (let i = 0; i < rowCount; i++) {
    let hash = NULL_HASH
    if (nulls === null || nulls[i] === 0) {
      hash =
        entryHashes === null || codes === null
          ? hashBytes(bytes, starts[i] as number, lengths[i] as number)
          : (entryHashes[codes[i] as number] as number)
    }
    into[i] = combineHash(into[i] as number, hash)
  }
}

interface DictionaryHashes {
  hashes: Int32Array
  size: number
}
const hashesOfPools = new WeakMap<StringPool, DictionaryHashes>()

/** Hashes of a dictionary pool's entries, indexed by code; each entry is hashed once in the pool's life. */
export function dictionaryHashes(pool: StringPool): Int32Array {
  let known = hashesOfPools.get(pool)
  if (known === undefined) {
    known = { hashes: new Int32Array(Math.max(pool.size, 16)), size: 0 }
    hashesOfPools.set(pool, known)
  }
  if (known.size < pool.size) {
    if (known.hashes.length < pool.size) {
      const grown = new Int32Array(pool.size * 2)
      grown.set(known.hashes.subarray(0, known.size))
      known.hashes = grown
    }
    for (let e = known.size; e < pool.size; e++) {
      known.hashes[e] = hashBytes(pool.bytes, pool.starts[e] as number, pool.lengths[e] as number)
    }
    known.size = pool.size
  }
  return known.hashes
}
