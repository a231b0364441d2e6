/**
 * TIMESTAMP and TIMESTAMP_LTZ ↔ text, in the SQL form `2026-11-22 10:15:30.123` and the ISO-8601
 * form `2026-11-22T10:15:30.123` (an instant with a trailing `Z`).
 *
 * On the data path: decoders call `parseTimestampBytes` on the record's own bytes. Values are
 * epoch ms; fractions are kept to 6 digits (further digits are dropped), which a double holds
 * for years 0–9999.
 */
import { DAY_MS, daysFromCivil, daysInMonth } from './civil-date.ts'
import { formatDate, twoDigits } from './date-text.ts'

/**
 * Which forms to accept: a space, a `T`, or either between date and time (`any` also takes
 * a date alone).
 */
export type TimestampForm = 'sql' | 'iso' | 'any'

const scratch = new Uint8Array(48)

/**
 * Epoch ms of a timestamp's text, NaN when it is none. A `Z` at the end is accepted
 * only when `zoned`.
 */
export function parseTimestamp(text: string, form: TimestampForm = 'any', zoned = false): number {
  const trimmed = form === 'any' ? text.trim() : text
  const { length } = trimmed
  if (length > scratch.length) return Number.NaN
  for (let i = 0; i < length; i++) {
    const unit = trimmed.charCodeAt(i)
    if (unit > 127) return Number.NaN
    scratch[i] = unit
  }
  return parseTimestampBytes(scratch, 0, length, form, zoned)
}

/** As `parseTimestamp`, over ASCII bytes `bytes[start … start + length)`. */
export function parseTimestampBytes(
  bytes: Uint8Array,
  start: number,
  length: number,
  form: TimestampForm,
  zoned: boolean,
): number {
  if (length < 10) return Number.NaN
  const days = parseDays(bytes, start)
  if (length === 10) return form === 'any' ? days * DAY_MS : Number.NaN
  const separator = bytes[start + 10]
  const separatorFits =
    (separator === 0x20 && form !== 'iso') || (separator === 0x54 && form !== 'sql')
  if (!separatorFits) return Number.NaN
  let end = start + length
  if (zoned && bytes[end - 1] === 0x5a) end--
  return days * DAY_MS + parseTimeOfDay(bytes, start + 11, end)
}

/** Days of `yyyy-MM-dd` at `at`; NaN when malformed. */
function parseDays(bytes: Uint8Array, at: number): number {
  const year = twoAt(bytes, at) * 100 + twoAt(bytes, at + 2)
  const month = twoAt(bytes, at + 5)
  const day = twoAt(bytes, at + 8)
  if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return Number.NaN
  // Written so that a NaN part fails every comparison.
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return Number.NaN
  if (day > 28 && day > daysInMonth(year, month)) return Number.NaN
  return daysFromCivil(year, month, day)
}

/** Ms of `HH:mm[:ss[.fraction]]` in `bytes[at … end)`; NaN when malformed. */
function parseTimeOfDay(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 5 || bytes[at + 2] !== 0x3a) return Number.NaN
  const hour = twoAt(bytes, at)
  const minute = twoAt(bytes, at + 3)
  if (!(hour < 24 && minute < 60)) return Number.NaN
  const minutesMs = (hour * 60 + minute) * 60_000
  if (end - at === 5) return minutesMs
  if (end - at < 8 || bytes[at + 5] !== 0x3a) return Number.NaN
  const second = twoAt(bytes, at + 6)
  if (!(second < 60)) return Number.NaN
  const ms = minutesMs + second * 1000
  if (end - at === 8) return ms
  if (bytes[at + 8] !== 0x2e || end - at === 9 || end - at > 18) return Number.NaN
  let micros = 0
  let scale = 100_000
  for (let i = at + 9; i < end; i++) {
    const digit = (bytes[i] as number) - 48
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    micros += digit * scale
    scale = Math.floor(scale / 10)
  }
  return ms + micros / 1000
}

/** Two ASCII digits → number, NaN otherwise. */
function twoAt(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] as number) - 48
  const low = (bytes[at + 1] as number) - 48
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN
}

export interface TimestampTextOptions {
  /** Between date and time; a space by default. */
  readonly separator?: ' ' | 'T'
  /** Appended, e.g. `Z`. */
  readonly suffix?: string
}

/** Text of epoch ms with exactly `precision` (0–6) fraction digits, further digits dropped. */
export function formatTimestamp(
  epochMs: number,
  precision: number,
  options: TimestampTextOptions = {},
): string {
  // Whole microseconds: exact for every year up to 9999 and beyond (< 2^53 until 2255), rounding
  // away the double's noise.
  const days = Math.floor(epochMs / DAY_MS)
  let micros = Math.round((epochMs - days * DAY_MS) * 1000)
  let day = days
  if (micros >= DAY_MS * 1000) {
    micros -= DAY_MS * 1000
    day++
  }
  const seconds = Math.floor(micros / 1_000_000)
  const time = `${twoDigits(Math.floor(seconds / 3600))}:${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}`
  const fraction =
    precision === 0
      ? ''
      : `.${String(micros - seconds * 1_000_000)
          .padStart(6, '0')
          .slice(0, precision)}`
  return `${formatDate(day)}${options.separator ?? ' '}${time}${fraction}${options.suffix ?? ''}`
}

/**
 * Epoch ms cut to `precision` fraction digits of a second, towards the past, as a cast to
 * TIMESTAMP(precision) does.
 */
export function truncateToPrecision(epochMs: number, precision: number): number {
  if (precision >= 6) return epochMs
  if (precision === 3) return Math.floor(roundMicros(epochMs))
  const unit = 10 ** (3 - precision)
  if (precision < 3) return Math.floor(roundMicros(epochMs) / unit) * unit
  const perMs = 10 ** (precision - 3)
  return Math.floor(Math.round(epochMs * 1000) / (1000 / perMs)) / perMs
}

/**
 * A whole number of ms stays; else the nearest microsecond, so that 0.9999999 ms of noise does not
 * fall a unit back.
 */
function roundMicros(epochMs: number): number {
  return Number.isInteger(epochMs) ? epochMs : Math.round(epochMs * 1000) / 1000
}
