/**
 * The layout of `str`: UTF-8 texts as entries of a pool, as references (row i is entry i) or
 * through codes of a dictionary.
 *
 * Both forms hold equal texts equally: hashes, comparisons and copies go by bytes. `grow`,
 * `copyValue` and `set` are for columns in reference form; `gather` and `select` keep the form
 * that they find.
 */
import { combineHash, hashBytes, NULL_HASH } from '../../id/key-group.ts'
import { StringColumn, StringPool } from '../column.ts'
import { decodeUtf8 } from '../utf8.ts'
import type { ColumnLayout } from './column-layout.ts'
import { decodeStrings, encodeStrings, stringsSize } from './str-wire.ts'
import {
  allocateStringPool,
  compareEntries,
  gatherPool,
  growPool,
  rangeOf,
  sameEntries,
  storeEntry,
  storeText,
} from './string-pool.ts'

/** Bytes set aside a row; more are allocated when they are needed. */
const BYTES_A_ROW = 16
/** What an entry takes beside its bytes. */
const LENGTH_BYTES = 4

export const STR_LAYOUT: ColumnLayout<StringColumn> = {
  kind: 'str',
  wireKind: 4,

  allocate: (_type, capacity, nulls) =>
    new StringColumn(allocateStringPool(capacity, capacity * BYTES_A_ROW), null, nulls),

  grow(column, capacity) {
    growPool(column.pool, capacity)
  },

  gather({ pool, codes }, indexes, count, nulls, owned) {
    if (codes === null) {
      if (!owned) return new StringColumn(pool, indexes, nulls)
      return new StringColumn(gatherPool(pool, indexes, count, nulls), null, nulls)
    }
    const gathered = new Int32Array(count)
    gatherInts(codes, indexes, count, gathered)
    return new StringColumn(pool, gathered, nulls)
  },

  select({ pool, codes }, indexes, count, into) {
    if (codes !== null) {
      into.pool = pool
      into.codes = capacityOf(into.codes, indexes.length)
      gatherInts(codes, indexes, count, into.codes)
      return
    }
    // A dictionary's pool may still be the one in hand: its arrays belong to the source.
    const own = into.codes === null && into.pool !== pool
    const starts = capacityOf(own ? into.pool.starts : null, indexes.length)
    const lengths = capacityOf(own ? into.pool.lengths : null, indexes.length)
    gatherInts(pool.starts, indexes, count, starts)
    gatherInts(pool.lengths, indexes, count, lengths)
    into.pool = new StringPool(pool.bytes, starts, lengths, count)
    into.codes = null
  },

  unshare(column, rowCount) {
    const { pool, codes, nulls } = column
    if (codes === null) return
    if (pool.size <= rowCount)
      column.pool = gatherPool(pool, rangeOf(0, pool.size), pool.size, null)
    else {
      column.pool = gatherPool(pool, codes, rowCount, nulls)
      column.codes = null
    }
  },

  copyValue(source, row, target, at) {
    storeEntry(target.pool, at, source.pool, entryOf(source, row))
  },

  same: (a, row, b, other) => sameEntries(a.pool, entryOf(a, row), b.pool, entryOf(b, other)),
  compare: (a, row, b, other) => compareEntries(a.pool, entryOf(a, row), b.pool, entryOf(b, other)),

  hash(column, row) {
    const { pool } = column
    const entry = entryOf(column, row)
    return hashBytes(pool.bytes, pool.starts[entry] as number, pool.lengths[entry] as number)
  },

  foldHashes({ pool, codes, nulls }, rowCount, into) {
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
  },

  valueBytes: (column, row) => LENGTH_BYTES + (column.pool.lengths[entryOf(column, row)] as number),
  size: stringsSize,
  encode: encodeStrings,
  decode: (reader, _type, rowCount, nulls, head) => decodeStrings(reader, rowCount, nulls, head),

  get: stringAt,

  set(column, row, value) {
    storeText(column.pool, row, String(value))
  },

  clear(column, row) {
    storeText(column.pool, row, '')
  },
}

function entryOf(column: StringColumn, row: number): number {
  return column.codes === null ? row : (column.codes[row] as number)
}

function capacityOf(array: Int32Array | null, length: number): Int32Array {
  return array === null || array.length < length ? new Int32Array(length) : array
}

function gatherInts(from: Int32Array, indexes: Int32Array, count: number, into: Int32Array): void {
  for (let i = 0; i < count; i++) into[i] = from[indexes[i] as number] as number
}

/** Decoded entries of dictionary pools; pools are append-only, so a decoded entry stays true. */
const decodedEntries = new WeakMap<StringPool, string[]>()

/**
 * The texts of a dictionary pool by code, as far as `stringAt` has decoded them: holes
 * are undefined.
 */
export function decodedEntriesOf(pool: StringPool): string[] {
  let decoded = decodedEntries.get(pool)
  if (decoded === undefined) {
    decoded = []
    decodedEntries.set(pool, decoded)
  }
  return decoded
}

/** The text of a row that is not NULL; decoded once per entry for dictionary columns. */
export function stringAt(column: StringColumn, row: number): string {
  const { pool, codes } = column
  if (codes === null) {
    return decodeUtf8(pool.bytes, pool.starts[row] as number, pool.lengths[row] as number)
  }
  const code = codes[row] as number
  const decoded = decodedEntriesOf(pool)
  let text = decoded[code]
  if (text === undefined) {
    text = decodeUtf8(pool.bytes, pool.starts[code] as number, pool.lengths[code] as number)
    decoded[code] = text
  }
  return text
}

interface DictionaryHashes {
  hashes: Int32Array
  size: number
}
const hashesOfPools = new WeakMap<StringPool, DictionaryHashes>()

/**
 * Hashes of a dictionary pool's entries, indexed by code; each entry is hashed once in
 * the pool's life.
 */
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
