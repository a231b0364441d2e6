/**
 * Accumulator words → result columns.
 *
 * Behind a firing window or a changed group. SQL's rules: COUNT of nothing is 0, every other
 * aggregate of nothing is NULL; AVG of whole numbers truncates, as in the reference engine; a
 * DECIMAL sum beyond its precision is NULL.
 */
import {
  BooleanColumn,
  type Column,
  Float64Column,
  Int32Column,
  Int64Column,
  physicalTypeOf,
  StringColumn,
  type StringPool,
} from '@millrace/core'
import type { AggregateResult } from './accumulator-plan.ts'
import type { Accumulators } from './accumulators.ts'

/** The column of `result` for `slots[from … to)`. */
export function resultColumn(
  result: AggregateResult,
  table: Accumulators,
  texts: StringPool,
  slots: Int32Array,
  from: number,
  to: number,
): Column {
  const nulls = result.call.function === 'COUNT' ? null : nullsOf(result, table, slots, from, to)
  if (result.storage === 'str') {
    const codes = new Int32Array(to - from)
    for (let i = from; i < to; i++) {
      const entry = table.words[slots[i]! * table.stride + table.first + result.valueWord]!
      codes[i - from] = Math.max(entry, 0)
    }
    return new StringColumn(texts, codes, nulls)
  }
  if (physicalTypeOf(result.call.resultType) === 'i64') {
    const values = new BigInt64Array(to - from)
    if (isPlainLong(result)) {
      copyLongs(result, table, slots, from, values)
      return new Int64Column(values, nulls)
    }
    for (let i = from; i < to; i++) {
      const row = i - from
      if (nulls !== null && nulls[row] === 1) continue
      values[row] = longResult(result, table, slots[i]!)
    }
    return new Int64Column(values, nullDecimalOverflow(result, values, nulls))
  }
  return doubleResultColumn(result, table, slots, from, to, nulls)
}

function nullsOf(
  result: AggregateResult,
  table: Accumulators,
  slots: Int32Array,
  from: number,
  to: number,
): Uint8Array | null {
  let nulls: Uint8Array | null = null
  for (let i = from; i < to; i++) {
    if (table.words[slots[i]! * table.stride + table.first + result.countWord]! > 0) continue
    nulls ??= new Uint8Array(to - from)
    nulls[i - from] = 1
  }
  return nulls
}

/** COUNT, and BIGINT results that are a word as it is. */
function isPlainLong({ call, storage }: AggregateResult): boolean {
  if (call.function === 'COUNT') return true
  return storage === 'i64' && call.function !== 'AVG' && call.resultType.kind === 'BIGINT'
}

/** By 32-bit halves: no BigInt comes into being. */
function copyLongs(
  result: AggregateResult,
  table: Accumulators,
  slots: Int32Array,
  from: number,
  values: BigInt64Array,
): void {
  const { words, ints, stride, first } = table
  const halves = new Int32Array(values.buffer)
  const word = first + result.valueWord
  if (result.call.function === 'COUNT') {
    for (let i = 0; i < values.length; i++) {
      const count = words[slots[from + i]! * stride + word]!
      halves[2 * i] = count % 4294967296
      halves[2 * i + 1] = Math.floor(count / 4294967296)
    }
    return
  }
  for (let i = 0; i < values.length; i++) {
    const at = (slots[from + i]! * stride + word) * 2
    halves[2 * i] = ints[at]!
    halves[2 * i + 1] = ints[at + 1]!
  }
}

function doubleResultColumn(
  result: AggregateResult,
  table: Accumulators,
  slots: Int32Array,
  from: number,
  to: number,
  nulls: Uint8Array | null,
): Column {
  const { words, longs, stride, first } = table
  const physical = physicalTypeOf(result.call.resultType)
  const average = result.call.function === 'AVG'
  const scale = result.argumentType?.kind === 'DECIMAL' ? 10 ** result.argumentType.scale : 1
  const values = new Float64Array(to - from)
  for (let i = from; i < to; i++) {
    const base = slots[i]! * stride + first
    let value =
      result.storage === 'i64'
        ? Number(longs[base + result.valueWord]) / scale
        : words[base + result.valueWord]!
    // The reference engine adds an average up from 0, a sum from its first value: 0 + -0 is 0.
    if (average) value = value / words[base + result.countWord]! + 0
    values[i - from] = value
  }
  if (physical === 'f64') {
    if (result.call.resultType.kind === 'FLOAT') roundToSingles(values)
    return new Float64Column(values, nulls)
  }
  if (physical === 'bool') return new BooleanColumn(Uint8Array.from(values), nulls)
  // Conversion to the array truncates and wraps, as the arithmetic of the type does.
  const { kind } = result.call.resultType
  if (kind === 'TINYINT') return new Int32Column(Int32Array.from(Int8Array.from(values)), nulls)
  if (kind === 'SMALLINT') return new Int32Column(Int32Array.from(Int16Array.from(values)), nulls)
  return new Int32Column(Int32Array.from(values), nulls)
}

function roundToSingles(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i] as number)
}

/** A BIGINT or DECIMAL result of a group that is not NULL. */
function longResult(result: AggregateResult, table: Accumulators, slot: number): bigint {
  const { words, longs, stride, first } = table
  const base = slot * stride + first
  const { call, argumentType, storage, valueWord, countWord } = result
  if (call.function === 'COUNT') return BigInt(words[base + valueWord]!)
  const resultScale = call.resultType.kind === 'DECIMAL' ? call.resultType.scale : 0
  const argumentScale = argumentType?.kind === 'DECIMAL' ? argumentType.scale : 0
  const value =
    storage === 'i64' ? longs[base + valueWord]! : BigInt(Math.trunc(words[base + valueWord]!))
  const scaled =
    resultScale >= argumentScale
      ? value * 10n ** BigInt(resultScale - argumentScale)
      : value / 10n ** BigInt(argumentScale - resultScale)
  if (call.function !== 'AVG') return scaled
  const count = BigInt(words[base + countWord]!)
  if (call.resultType.kind !== 'DECIMAL') return scaled / count
  const half = count / 2n
  return (scaled >= 0n ? scaled + half : scaled - half) / count
}

function nullDecimalOverflow(
  result: AggregateResult,
  values: BigInt64Array,
  nulls: Uint8Array | null,
): Uint8Array | null {
  const type = result.call.resultType
  if (type.kind !== 'DECIMAL') return nulls
  const limit = 10n ** BigInt(type.precision)
  let marked = nulls
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value < limit && value > -limit) continue
    marked ??= new Uint8Array(values.length)
    marked[i] = 1
  }
  return marked
}
