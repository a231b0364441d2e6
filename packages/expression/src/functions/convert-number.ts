/**
 * Widening of numbers between the numeric types, as operands are promoted before arithmetic
 * and comparison.
 */
import { type LogicalType, powerOfTen, rescaleDecimal, type Value } from '@millrace/core'

/**
 * The conversion `from` → `to`, or null when the value stays as it is. Upwards, TINYINT → … →
 * BIGINT → DECIMAL → DOUBLE, and to FLOAT, which rounds.
 */
export function widening(from: LogicalType, to: LogicalType): ((value: never) => Value) | null {
  if (to.kind === 'DOUBLE') return toDouble(from)
  if (to.kind === 'FLOAT') {
    if (from.kind === 'FLOAT') return null
    const double = toDouble(from)
    if (double === null) return (value: number) => Math.fround(value)
    return (value: never) => Math.fround(double(value) as number)
  }
  if (to.kind === 'BIGINT') {
    return from.kind === 'BIGINT' ? null : (value: number) => BigInt(value)
  }
  if (to.kind === 'DECIMAL') {
    if (from.kind === 'DECIMAL') {
      return from.scale === to.scale
        ? null
        : (value: bigint) => rescaleDecimal(value, from.scale, to.scale)
    }
    const factor = powerOfTen(to.scale)
    return (value: number | bigint) => BigInt(value) * factor
  }
  return null
}

function toDouble(from: LogicalType): ((value: never) => Value) | null {
  if (from.kind === 'BIGINT') return (value: bigint) => Number(value)
  if (from.kind !== 'DECIMAL') return null
  const divisor = Number(powerOfTen(from.scale))
  return (value: bigint) => Number(value) / divisor
}

/** As `widening`, with the identity where nothing changes. */
export function widen(from: LogicalType, to: LogicalType): (value: never) => never {
  return (widening(from, to) ?? ((value: never) => value)) as (value: never) => never
}
