/**
 * DECIMAL ↔ text and scale: a decimal is a bigint of `10^-scale` units.
 *
 * Rounds half up (away from zero at the tie), as the reference does. Overflow of the precision
 * gives null; the caller names the error.
 */
export const DECIMAL_PRECISION_MAX = 18

const POWERS: readonly bigint[] = Array.from({ length: 40 }, (_, i) => 10n ** BigInt(i))

export function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent)
}

/** Whether an unscaled value has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = powerOfTen(precision)
  return unscaled < limit && unscaled > -limit
}

/** The same number at another scale, rounded half up; no precision check. */
export function rescaleDecimal(unscaled: bigint, fromScale: number, toScale: number): bigint {
  if (toScale >= fromScale) return unscaled * powerOfTen(toScale - fromScale)
  return divideHalfUp(unscaled, powerOfTen(fromScale - toScale))
}

/** `dividend / divisor`, rounded half up (ties away from zero). */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  const negative = dividend < 0n !== divisor < 0n
  const a = dividend < 0n ? -dividend : dividend
  const b = divisor < 0n ? -divisor : divisor
  let quotient = a / b
  if ((a % b) * 2n >= b) quotient++
  return negative ? -quotient : quotient
}

/** `12345` at scale 2 → `123.45`; always `scale` fraction digits. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString()
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/**
 * Unscaled value of a plain or scientific number's text, rounded half up to `scale`; null when it
 * is none or does not fit.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | null {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?\s*$/.exec(text)
  if (match === null) return null
  const whole = match[2] as string
  const fraction = match[3] ?? ''
  if (whole === '' && fraction === '') return null
  const digits = BigInt(whole + fraction)
  const exponent = Number(match[4] ?? 0) - fraction.length + scale
  if (digits === 0n) return 0n
  // Beyond these the value overflows, or rounds to zero, whatever its digits.
  if (exponent > 40) return null
  if (exponent < -(whole.length + fraction.length + 1)) return 0n
  const size =
    exponent >= 0 ? digits * powerOfTen(exponent) : divideHalfUp(digits, powerOfTen(-exponent))
  if (!fitsPrecision(size, precision)) return null
  return match[1] === '-' ? -size : size
}
