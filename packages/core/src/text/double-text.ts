/**
 * DOUBLE → text as Java prints it: `1.0`, `1.5E10`, `1.0E-5`, `NaN`, `Infinity`.
 *
 * Plain notation from 1e-3 to below 1e7, scientific outside, at least one fraction digit; the digits are the
 * shortest that read
 * back as the same double.
 */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) {
    const text = String(value)
    return text.includes('.') ? text : `${text}.0`
  }
  const text = value.toExponential()
  const e = text.indexOf('e')
  const mantissa = text.slice(0, e)
  const exponent = text.slice(e + 1).replace('+', '')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent}`
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
