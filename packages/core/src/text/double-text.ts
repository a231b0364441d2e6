/**
 * DOUBLE and FLOAT → text as Java prints them: `1.0`, `1.5E10`, `1.0E-5`, `NaN`, `Infinity`.
 *
 * Plain notation from 1e-3 to below 1e7, scientific outside, at least one fraction digit; the
 * digits are the shortest that read back as the same double, or single.
 */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) {
    const text = String(value)
    return text.includes('.') ? text : `${text}.0`
  }
  const shortest = value.toExponential()
  // Of one digit there are two, those nearest to the value: the least double is 4.9E-324.
  const text = shortest.includes('.') ? shortest : value.toExponential(1)
  const e = text.indexOf('e')
  const mantissa = text.slice(0, e)
  const exponent = text.slice(e + 1).replace('+', '')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent}`
}

/** Digits of a single that may be needed to tell it from its neighbours. */
const FLOAT_DIGITS_MAX = 9

/**
 * The double whose shortest digits are those of the single: 0.1 for Math.fround(0.1). What is
 * shown of a FLOAT.
 */
export function shortestFloat(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value
  for (let digits = 2; digits < FLOAT_DIGITS_MAX; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return Number(value.toPrecision(FLOAT_DIGITS_MAX))
}

export function formatFloat(value: number): string {
  return formatDouble(shortestFloat(value))
}

/** The double that a text writes (decimal or scientific, `NaN`, `Infinity`), or null. */
export function parseDouble(text: string): number | null {
  const trimmed = text.trim()
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) return Number(trimmed)
  switch (trimmed) {
    case 'NaN':
      return Number.NaN
    case 'Infinity':
    case '+Infinity':
      return Infinity
    case '-Infinity':
      return -Infinity
    default:
      return null
  }
}
