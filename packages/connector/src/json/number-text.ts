/**
 * JSON numbers in bytes → doubles and 64-bit integers, exactly.
 *
 * A mantissa of at most 15 digits and a power of ten up to 22 are both exact doubles, so one
 * division or multiplication rounds correctly (Clinger's fast path); everything else goes through
 * `Number(text)`.
 */
import { textOf } from './byte-text.ts'

/** 10^0 … 10^22, each exact in a double. */
export const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

/** The double of the valid JSON number `b[start … end)`. */
export function doubleOf(b: Uint8Array, start: number, end: number): number {
  let p = start
  const negative = b[p] === 45
  if (negative) p++
  let mantissa = 0
  let digits = 0
  let fractionDigits = 0
  let seenPoint = false
  for (; p < end; p++) {
    const c = b[p] as number
    if (c === 46) seenPoint = true
    else if (c >= 48 && c <= 57) {
      mantissa = mantissa * 10 + (c - 48)
      if (mantissa !== 0) digits++
      if (seenPoint) fractionDigits++
    } else return Number(textOf(b, start, end))
  }
  if (digits > 15 || fractionDigits > 22) return Number(textOf(b, start, end))
  const value = mantissa / (POWERS_OF_TEN[fractionDigits] as number)
  return negative ? -value : value
}

/**
 * The integer of the valid JSON number `b[start … end)` when it is written as at most 15
 * digits, else NaN.
 */
export function shortIntegerOf(b: Uint8Array, start: number, end: number): number {
  let p = start
  const negative = b[p] === 45
  if (negative) p++
  if (end - p > 15) return Number.NaN
  let value = 0
  for (; p < end; p++) {
    const digit = (b[p] as number) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return negative ? -value : value
}

const DECIMAL_TEXT = /^([+-])?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

/**
 * Text → integer scaled by 10^scale, rounded half up; null when it is no number or has more than
 * `precision` digits.
 */
export function decimalOf(text: string, precision: number, scale: number): bigint | null {
  const match = DECIMAL_TEXT.exec(text)
  if (match === null) return null
  const [, sign, whole = '', fraction = '', exponentText] = match
  if (whole === '' && fraction === '') return null
  const exponent = Number(exponentText ?? 0)
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return 0n
  // The value is digits × 10^shift in units of the scale.
  const shift = exponent - fraction.length + scale
  if (digits.length + shift > precision || digits.length + shift < -1) {
    return digits.length + shift < 0 ? 0n : null
  }
  let value = BigInt(digits)
  if (shift >= 0) value *= 10n ** BigInt(shift)
  else {
    const unit = 10n ** BigInt(-shift)
    value = (value + unit / 2n) / unit
  }
  if (value >= 10n ** BigInt(precision)) return null
  return sign === '-' ? -value : value
}

/**
 * Writes the integer `b[start … end)` (an optional `-`, then 1–18 digits, already checked) as two
 * 32-bit words, low first, to `words[2 × row]`, without making a bigint.
 */
export function writeInteger64(
  words: Int32Array,
  row: number,
  b: Uint8Array,
  start: number,
  end: number,
): void {
  const negative = b[start] === 45
  const first = negative ? start + 1 : start
  const split = end - 9
  let upper = 0
  let lower = 0
  for (let p = first; p < split; p++) upper = upper * 10 + ((b[p] as number) - 48)
  for (let p = Math.max(split, first); p < end; p++) {
    lower = lower * 10 + ((b[p] as number) - 48)
  }
  // upper × 10^9 + lower in two exact halves of 16 bits of `upper`.
  const high = Math.floor(upper / 65536) * 1e9
  const low = (upper % 65536) * 1e9 + lower
  const carry = (high % 65536) * 65536 + low
  let lowWord = (carry % 4294967296) | 0
  let highWord = (Math.floor(high / 65536) + Math.floor(carry / 4294967296)) | 0
  if (negative) {
    lowWord = -lowWord | 0
    highWord = lowWord === 0 ? -highWord | 0 : ~highWord
  }
  words[2 * row] = lowWord
  words[2 * row + 1] = highWord
}
