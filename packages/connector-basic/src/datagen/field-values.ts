/**
 * Columns of generated values.
 *
 * Invariant: a value depends on (seed, global row number, column) alone, so that rows after a restore are those that
 * would have
 * come without the failure.
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

function hashOf(seed: number, row: number, column: number): number {
  const high = Math.floor(row / 4294967296)
  return mix32(mix32(mix32(seed ^ Math.imul(column + 1, 0x9e3779b1)) ^ (row | 0)) ^ high)
}

/** Uniform in [0, 1), 53 bits. */
function uniform(seed: number, row: number, column: number): number {
  const a = hashOf(seed, row, column)
  const b = mix32(a ^ 0x5bd1e995)
  return ((a >>> 5) * 67_108_864 + (b >>> 6)) / 9_007_199_254_740_992
}

/** One column of the range's rows; `column` is its index in the table's schema. */
export function generateColumn(
  field: Field,
  plan: FieldPlan,
  column: number,
  range: RowRange,
): Column {
  const { seed, first, step, count } = range
  let nulls: Uint8Array | null = null
  if (plan.kind === 'random' && plan.nullRate > 0) {
    nulls = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      if (uniform(seed ^ 0x6e756c6c, first + i * step, column) < plan.nullRate) nulls[i] = 1
    }
  }
  const numberAt = (i: number): number => {
    const row = first + i * step
    if (plan.kind === 'sequence') return plan.start + row
    return plan.min + uniform(seed, row, column) * (plan.max - plan.min)
  }
  const integerAt = (i: number): number => {
    if (plan.kind === 'sequence') return numberAt(i)
    const low = Math.ceil(plan.min)
    return low + Math.floor(uniform(seed, first + i * step, column) * (plan.max - low + 1))
  }
  const timeAt = (i: number): number => {
    const past = plan.kind === 'random' ? plan.maxPastMs : 0
    return Math.floor(range.timeMs(i) - uniform(seed, first + i * step, column) * past)
  }
  const { type } = field
  switch (type.kind) {
    case 'STRING':
      return stringColumn(plan, column, range, nulls)
    case 'BOOLEAN':
      return new BooleanColumn(
        Uint8Array.from({ length: count }, (_, i) => hashOf(seed, first + i * step, column) & 1),
        nulls,
      )
    case 'INT':
    case 'INTERVAL_YEAR_MONTH':
      return new Int32Column(
        Int32Array.from({ length: count }, (_, i) => integerAt(i)),
        nulls,
      )
    case 'DATE':
      return new Int32Column(
        Int32Array.from({ length: count }, (_, i) => Math.floor(timeAt(i) / DAY_MS)),
        nulls,
      )
    case 'BIGINT':
      return new Int64Column(
        BigInt64Array.from({ length: count }, (_, i) => BigInt(integerAt(i))),
        nulls,
      )
    case 'DECIMAL':
      return new Int64Column(
        BigInt64Array.from({ length: count }, (_, i) =>
          BigInt(Math.trunc(numberAt(i) * 10 ** type.scale)),
        ),
        nulls,
      )
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return new Float64Column(
        Float64Array.from({ length: count }, (_, i) => timeAt(i)),
        nulls,
      )
    default:
      return new Float64Column(
        Float64Array.from({ length: count }, (_, i) => numberAt(i)),
        nulls,
      )
  }
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
  let at = 0
  for (let i = 0; i < count; i++) {
    const row = first + i * step
    starts[i] = at
    if (plan.kind === 'sequence') {
      const text = String(plan.start + row)
      for (let k = 0; k < text.length; k++) bytes[at++] = text.charCodeAt(k)
    } else {
      let hash = hashOf(seed, row, column)
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
