/**
 * Random batches for differential and round-trip tests, from a caller's seed.
 *
 * Values lean to the edges: zero, extremes, NaN, empty and non-ASCII strings, dictionary and
 * reference forms, NULLs.
 */
import { type LogicalType, physicalTypeOf, type Schema } from '../types/logical-type.ts'
import { type Column, StringColumn, StringPool } from './column.ts'
import type { ColumnBatch } from './column-batch.ts'
import { batchOf } from './column-batch-builder.ts'
import type { Value } from './layout/column-layout.ts'
import { encodeUtf8 } from './utf8.ts'

/** A seeded generator (mulberry32) of numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const STRINGS = [
  '',
  'a',
  'ab',
  'Hello World',
  '  padded ',
  '12',
  '-3.5',
  'true',
  'größe',
  '日本語',
  '😀x',
  '2026-11-22',
  '2026-11-22 10:15:30.123',
  'sensor-3',
  'a_b%c',
  'x'.repeat(60),
]
const INTS = [0, 1, -1, 2, 3, 7, 10, 100, 2147483647, -2147483648]
const LONGS = [0n, 1n, -1n, 5n, 1000n, 4294967296n, 9223372036854775807n, -9223372036854775808n]
const DOUBLES = [
  0,
  -0,
  1,
  -1,
  0.5,
  2.5,
  -2.5,
  1e-5,
  1e10,
  1e300,
  -1e300,
  Number.NaN,
  Infinity,
  -Infinity,
]

/** A value of a type, never NULL. */
export function randomValue(type: LogicalType, random: () => number): Value {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const whole = (limit: number) => Math.floor((random() * 2 - 1) * limit)
  switch (type.kind) {
    case 'BOOLEAN':
      return random() < 0.5
    case 'TINYINT':
      return random() < 0.5 ? pick([-128, 127, 0, -1]) : whole(128)
    case 'SMALLINT':
      return random() < 0.5 ? pick([-32_768, 32_767, 0, -1]) : whole(32_768)
    case 'INT':
      return random() < 0.5 ? pick(INTS) : whole(50)
    case 'BIGINT':
      return random() < 0.5 ? pick(LONGS) : BigInt(whole(1000))
    case 'DECIMAL': {
      const limit = 10n ** BigInt(type.precision) - 1n
      const value = BigInt(whole(random() < 0.5 ? 1000 : 1e15)) % (limit + 1n)
      return random() < 0.1 ? limit : random() < 0.1 ? -limit : value
    }
    case 'FLOAT':
      return Math.fround(
        random() < 0.4 ? pick(DOUBLES) : random() < 0.5 ? whole(50) / 10 : whole(1000),
      )
    case 'DOUBLE':
      return random() < 0.4 ? pick(DOUBLES) : whole(1000) / 8
    case 'STRING':
      return pick(STRINGS)
    case 'DATE':
      return random() < 0.2 ? pick([0, -1, 59, -25567, 365]) : whole(30_000)
    case 'INTERVAL_YEAR_MONTH':
      return whole(30)
    case 'INTERVAL_DAY_TIME':
      return whole(200_000_000)
    default:
      return random() < 0.2 ? pick([0, -1, 1, -86_400_000]) : whole(2e12)
  }
}

/** A batch of `rowCount` rows; about a fifth of the values of nullable columns are NULL. */
export function randomBatch(schema: Schema, rowCount: number, random: () => number): ColumnBatch {
  const nullChance = random() < 0.3 ? 0 : 0.2
  const rows = Array.from({ length: rowCount }, () =>
    schema.fields.map(({ type }) =>
      type.nullable && random() < nullChance ? null : randomValue(type, random),
    ),
  )
  const kinds = random() < 0.5 ? undefined : rows.map(() => Math.floor(random() * 4))
  const batch = batchOf(schema, rows, kinds)
  batch.columns = batch.columns.map((column, c) => {
    const isString = physicalTypeOf(schema.fields[c]!.type) === 'str'
    return isString && random() < 0.5
      ? dictionaryColumn(rows.map((row) => row[c] as string | null))
      : column
  })
  return batch
}

/** A dictionary column of texts, with unused entries in front. */
export function dictionaryColumn(texts: readonly (string | null)[]): Column {
  const entries = ['unused', ...new Set(texts.filter((text) => text !== null))]
  const bytes = entries.map(encodeUtf8)
  const starts = new Int32Array(entries.length)
  const lengths = Int32Array.from(bytes, (b) => b.length)
  for (let e = 1; e < entries.length; e++) starts[e] = starts[e - 1]! + lengths[e - 1]!
  const pool = new StringPool(
    Uint8Array.from(bytes.flatMap((b) => [...b])),
    starts,
    lengths,
    entries.length,
  )
  const codes = Int32Array.from(texts, (text) => (text === null ? 0 : entries.indexOf(text)))
  const nulls = texts.includes(null) ? Uint8Array.from(texts, (t) => (t === null ? 1 : 0)) : null
  return new StringColumn(pool, codes, nulls)
}
