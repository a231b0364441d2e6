/**
 * Columns of generated values.
 *
 * Invariant: a value depends on (seed, global row number, column) alone, so that rows after a
 * restore are those that would have come without the failure.
 */
import {
  BooleanColumn,
  type Column,
  DAY_MS,
  type Field,
  Float64Column,
  Int32Column,
  Int64Column,
  mix32,
  StringColumn,
  StringPool,
} from '@millrace/core'
import type { FieldPlan } from './field-plan.ts'

/** Rows `first`, `first + step`, … of the table. */
export interface RowRange {
  readonly seed: number
  readonly first: number
  readonly step: number
  readonly count: number
  /** Epoch ms of the range's row `i`. */
  timeMs(i: number): number
}

const HEX = new TextEncoder().encode('0123456789abcdef')

/** The part of a value's hash that is the column's. */
function columnHash(seed: number, column: number): number {
  return mix32(seed ^ Math.imul(column + 1, 0x9e3779b1))
}

function rowHash(columnHash: number, row: number): number {
  return mix32(mix32(columnHash ^ (row | 0)) ^ Math.floor(row / 4294967296))
}

/** Uniform in [0, 1), 53 bits, a row each. */
function uniforms(seed: number, column: number, { first, step, count }: RowRange): Float64Array {
  const values = new Float64Array(count)
  const hash = columnHash(seed, column)
  for (let i = 0; i < count; i++) {
    const a = rowHash(hash, first + i * step)
    const b = mix32(a ^ 0x5bd1e995)
    values[i] = ((a >>> 5) * 67_108_864 + (b >>> 6)) / 9_007_199_254_740_992
  }
  return values
}

function numbers(plan: FieldPlan, column: number, range: RowRange): Float64Array {
  if (plan.kind === 'sequence') return sequence(plan.start, range)
  const values = uniforms(range.seed, column, range)
  const { min } = plan
  const width = plan.max - min
  for (let i = 0; i < values.length; i++) values[i] = min + values[i]! * width
  return values
}

function integers(plan: FieldPlan, column: number, range: RowRange): Float64Array {
  if (plan.kind === 'sequence') return sequence(plan.start, range)
  const values = uniforms(range.seed, column, range)
  const low = Math.ceil(plan.min)
  const width = plan.max - low + 1
  for (let i = 0; i < values.length; i++) values[i] = low + Math.floor(values[i]! * width)
  return values
}

function sequence(start: number, { first, step, count }: RowRange): Float64Array {
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) values[i] = start + (first + i * step)
  return values
}

/** Epoch ms. */
function times(plan: FieldPlan, column: number, range: RowRange): Float64Array {
  const past = plan.kind === 'random' ? plan.maxPastMs : 0
  const values = uniforms(range.seed, column, range)
  for (let i = 0; i < values.length; i++)
    values[i] = Math.floor(range.timeMs(i) - values[i]! * past)
  return values
}

/** Whole numbers as 64-bit integers, by 32-bit halves: no BigInt comes into being. */
function toLongs(values: Float64Array): BigInt64Array {
  const longs = new BigInt64Array(values.length)
  const halves = new Int32Array(longs.buffer)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    const high = Math.floor(value / 4294967296)
    halves[2 * i] = value - high * 4294967296
    halves[2 * i + 1] = high
  }
  return longs
}

function nullsOf(plan: FieldPlan, column: number, range: RowRange): Uint8Array | null {
  if (plan.kind !== 'random' || plan.nullRate === 0) return null
  const chances = uniforms(range.seed ^ 0x6e756c6c, column, range)
  const nulls = new Uint8Array(range.count)
  for (let i = 0; i < nulls.length; i++) if (chances[i]! < plan.nullRate) nulls[i] = 1
  return nulls
}

/** One column of the range's rows; `column` is its index in the table's schema. */
export function generateColumn(
  field: Field,
  plan: FieldPlan,
  column: number,
  range: RowRange,
): Column {
  const nulls = nullsOf(plan, column, range)
  const { type } = field
  switch (type.kind) {
    case 'STRING':
      return stringColumn(plan, column, range, nulls)
    case 'BOOLEAN':
      return new BooleanColumn(booleans(column, range), nulls)
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'INTERVAL_YEAR_MONTH':
      return new Int32Column(new Int32Array(integers(plan, column, range)), nulls)
    case 'DATE': {
      const days = times(plan, column, range).map((timeMs) => Math.floor(timeMs / DAY_MS))
      return new Int32Column(new Int32Array(days), nulls)
    }
    case 'BIGINT':
      return new Int64Column(toLongs(integers(plan, column, range)), nulls)
    case 'DECIMAL': {
      const unit = 10 ** type.scale
      const scaled = numbers(plan, column, range).map((value) => Math.trunc(value * unit))
      return new Int64Column(toLongs(scaled), nulls)
    }
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return new Float64Column(times(plan, column, range), nulls)
    case 'FLOAT':
      return new Float64Column(numbers(plan, column, range).map(Math.fround), nulls)
    default:
      return new Float64Column(numbers(plan, column, range), nulls)
  }
}

function booleans(column: number, { seed, first, step, count }: RowRange): Uint8Array {
  const values = new Uint8Array(count)
  const hash = columnHash(seed, column)
  for (let i = 0; i < count; i++) values[i] = rowHash(hash, first + i * step) & 1
  return values
}

function stringColumn(
  plan: FieldPlan,
  column: number,
  { seed, first, step, count }: RowRange,
  nulls: Uint8Array | null,
): StringColumn {
  const starts = new Int32Array(count)
  const lengths = new Int32Array(count)
  const lengthMax = plan.kind === 'sequence' ? 24 : plan.length
  const bytes = new Uint8Array(count * lengthMax)
  const hashOfColumn = columnHash(seed, column)
  let at = 0
  for (let i = 0; i < count; i++) {
    const row = first + i * step
    starts[i] = at
    if (plan.kind === 'sequence') {
      const text = String(plan.start + row)
      for (let k = 0; k < text.length; k++) bytes[at++] = text.charCodeAt(k)
    } else {
      let hash = rowHash(hashOfColumn, row)
      const length = plan.variableLength ? 1 + (hash % Math.max(1, lengthMax)) : lengthMax
      for (let k = 0; k < length; k++) {
        if ((k & 7) === 0) hash = mix32(hash + k + 1)
        bytes[at++] = HEX[(hash >>> ((k & 7) * 4)) & 15] as number
      }
    }
    lengths[i] = at - (starts[i] as number)
  }
  return new StringColumn(new StringPool(bytes, starts, lengths, count), null, nulls)
}
