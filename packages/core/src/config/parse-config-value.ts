/** Texts of configuration values → values; durations become milliseconds, memory sizes bytes. */
import type { ConfigOption } from './config-option.ts'

export type ParsedValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly expected: string; readonly example: string }

const DURATION_UNITS_MS: Record<string, number> = {
  ns: 1e-6,
  nano: 1e-6,
  nanosecond: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  micro: 1e-3,
  microsecond: 1e-3,
  ms: 1,
  milli: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
}

/** `10 s`, `500ms`, `PT1M30S` or a bare number of milliseconds; null when it is none of them. */
export function parseDurationMs(text: string): number | null {
  const iso = /^(-)?PT?(?=[0-9])(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$/i.exec(
    text.trim(),
  )
  if (iso !== null && /^-?P/i.test(text.trim())) {
    const [, sign, d, h, m, s] = iso
    const total =
      Number(d ?? 0) * 86_400_000 +
      Number(h ?? 0) * 3_600_000 +
      Number(m ?? 0) * 60_000 +
      Number(s ?? 0) * 1000
    return sign === undefined ? total : -total
  }
  const plain = /^(\d+)\s*([a-zµ]*)$/i.exec(text.trim())
  if (plain === null) return null
  const unitText = (plain[2] as string).toLowerCase()
  if (unitText === '') return Number(plain[1])
  const unit = DURATION_UNITS_MS[unitText] ?? DURATION_UNITS_MS[unitText.replace(/s$/, '')]
  return unit === undefined ? null : Number(plain[1]) * unit
}

/** `1728m`, `32 kb`, `1gb` or a bare number of bytes; null when it is none of them. */
export function parseMemoryBytes(text: string): number | null {
  const match = /^(\d+)\s*([a-z]*)$/i.exec(text.trim())
  if (match === null) return null
  const unit = (match[2] as string).toLowerCase()
  const exponent = {
    '': 0,
    b: 0,
    bytes: 0,
    k: 1,
    kb: 1,
    kibibytes: 1,
    m: 2,
    mb: 2,
    mebibytes: 2,
    g: 3,
    gb: 3,
    gibibytes: 3,
    t: 4,
    tb: 4,
  }[unit]
  return exponent === undefined ? null : Number(match[1]) * 1024 ** exponent
}

/** `k1:v1,k2:v2` → record; null when an entry has no colon. */
function parseMap(text: string): Record<string, string> | null {
  const result: Record<string, string> = {}
  for (const entry of text.split(',')) {
    if (entry.trim() === '') continue
    const colon = entry.indexOf(':')
    if (colon < 0) return null
    result[entry.slice(0, colon).trim()] = entry.slice(colon + 1).trim()
  }
  return result
}

const refuse = (expected: string, example: string): ParsedValue => ({
  ok: false,
  expected,
  example: `For example: ${example}`,
})
const accept = (value: unknown): ParsedValue => ({ ok: true, value })

/** Parses `text` as the option's type, and holds it to the option's range. */
export function parseConfigValue(option: ConfigOption<unknown>, text: string): ParsedValue {
  const parsed = parseText(option, text)
  if (!parsed.ok || typeof parsed.value !== 'number') return parsed
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = option
  if (parsed.value >= min && parsed.value <= max) return parsed
  const unit = UNIT_TEXTS[option.type] ?? ''
  const range =
    max === Number.POSITIVE_INFINITY ? `of ${min}${unit} or more` : `from ${min} to ${max}${unit}`
  return refuse(`${TYPE_TEXTS[option.type]} ${range}`, String(option.defaultValue ?? min))
}

const TYPE_TEXTS: Partial<Record<ConfigOption<unknown>['type'], string>> = {
  int: 'a whole number',
  long: 'a whole number',
  double: 'a number',
  duration: 'a duration',
  memory: 'a memory size',
}

const UNIT_TEXTS: Partial<Record<ConfigOption<unknown>['type'], string>> = {
  duration: ' ms',
  memory: ' bytes',
}

function parseText(option: ConfigOption<unknown>, text: string): ParsedValue {
  const trimmed = text.trim()
  switch (option.type) {
    case 'string':
      return accept(text)
    case 'boolean':
      if (/^(true|false)$/i.test(trimmed)) return accept(trimmed.toLowerCase() === 'true')
      return refuse('true or false', 'true')
    case 'int':
    case 'long': {
      const value = Number(trimmed)
      if (/^[+-]?\d+$/.test(trimmed) && Number.isSafeInteger(value)) return accept(value)
      return refuse('a whole number', '3')
    }
    case 'double': {
      const value = Number(trimmed)
      if (trimmed !== '' && Number.isFinite(value)) return accept(value)
      return refuse('a number', '1.5')
    }
    case 'duration': {
      // `-1` says "without end" where that is possible, and is a typing error elsewhere.
      const isNegative = (option.min ?? 0) < 0 && /^-\d/.test(trimmed)
      const value = isNegative
        ? -(parseDurationMs(trimmed.slice(1)) ?? Number.NaN)
        : parseDurationMs(trimmed)
      if (Number.isNaN(value)) return refuse('a duration', '10 s')
      return value === null ? refuse('a duration', '10 s') : accept(value)
    }
    case 'memory': {
      const value = parseMemoryBytes(trimmed)
      return value === null ? refuse('a memory size', '512m') : accept(value)
    }
    case 'enum': {
      const match = option.values?.find((value) => value.toLowerCase() === trimmed.toLowerCase())
      if (match !== undefined) return accept(match)
      return refuse(`one of ${option.values?.join(', ')}`, String(option.values?.[0]))
    }
    case 'map': {
      const value = parseMap(trimmed)
      return value === null ? refuse('a list key:value,key:value', 'a:1,b:2') : accept(value)
    }
  }
}
