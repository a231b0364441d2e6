/** Widening of numbers between the numeric types, as operands are promoted before arithmetic and comparison. */
import { type LogicalType, powerOfTen, rescaleDecimal, type Value } from '@millrace/core'

/** The widening `from` → `to`, or null when the value stays as it is. Only upwards: INT → BIGINT → DECIMAL → DOUBLE. */
export function widening(from: LogicalType, to: LogicalType): ((value: never) => Value) | null {
  if (to.kind === 'DOUBLE') {
    if (from.kind === 'BIGINT') return (value: bigint) => Number(value)
    if (from.kind === 'DECIMAL') {
      const divisor = Number(powerOfTen(from.scale))
      return (value: bigint) => Number(value) / divisor
    }
    return null
  }
  if (to.kind === 'BIGINT') return from.kind === 'INT' ? (value: number) => BigInt(value) : null
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

/** As `widening`, with the identity where nothing changes. */
export function widen(from: LogicalType, to: LogicalType): (value: never) => never {
  return (widening(from, to) ?? ((value: never) => value)) as (value: never) => never
}
