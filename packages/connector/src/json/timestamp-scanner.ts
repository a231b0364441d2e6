/**
 * Timestamps as digits in bytes → epoch milliseconds, with the last day kept.
 *
 * `2026-11-22T10:15:30[.fraction]` (ISO-8601) or with a space (SQL), then `Z` for TIMESTAMP_LTZ.
 * Event times of neighbouring records share their day, so three 32-bit compares stand for the date
 * and only the time of day is computed.
 */

import { DAY_MS, daysFromCivil, daysInMonth } from '@millrace/core'

/** Days since 1970-01-01 of a proleptic Gregorian date, or NaN when there is no such date. */
function daysOfDate(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return Number.NaN
  return daysFromCivil(year, month, day)
}

/** The number in `n` digits at `p`, or -1. */
function digitsAt(b: Uint8Array, p: number, n: number): number {
  let value = 0
  for (let i = 0; i < n; i++) {
    const digit = (b[p + i] as number) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** `YYYY-MM-DD` at `p` (10 bytes available) → days since 1970-01-01, or NaN. */
export function scanDate(b: Uint8Array, p: number): number {
  const year = digitsAt(b, p, 4)
  const month = digitsAt(b, p + 5, 2)
  const day = digitsAt(b, p + 8, 2)
  if (year < 0 || month < 0 || day < 0 || b[p + 4] !== 45 || b[p + 7] !== 45) return Number.NaN
  return daysOfDate(year, month, day)
}

export class TimestampScanner {
  /** Position after the last timestamp that `scan` accepted. */
  end = 0
  /**
   * `YYYY-MM-DDTHH:MM` of the last accepted timestamp, eight bytes each, and what it stands for;
   * NaN at first, which equals nothing.
   */
  minute0 = Number.NaN
  minute1 = Number.NaN
  minuteMs = Number.NaN
  readonly #separator: number
  readonly #withZone: boolean
  readonly #precision: number
  #day0 = 0
  #day1 = 0
  #day2 = 0
  #dayMs = Number.NaN

  constructor(settings: {
    readonly standard: 'SQL' | 'ISO-8601'
    readonly withZone: boolean
    readonly precision: number
  }) {
    this.#separator = settings.standard === 'SQL' ? 32 : 84
    this.#withZone = settings.withZone
    this.#precision = settings.precision
  }

  /**
   * Epoch milliseconds (with a fraction for precisions above 3) of the timestamp at `p`, or NaN.
   * Reads below `e` only.
   */
  scan(b: Uint8Array, v: DataView, p: number, e: number): number {
    if (p + 19 > e) return Number.NaN
    const w0 = v.getInt32(p, true)
    const w1 = v.getInt32(p + 4, true)
    const w2 = v.getInt32(p + 7, true)
    if (w0 !== this.#day0 || w1 !== this.#day1 || w2 !== this.#day2 || Number.isNaN(this.#dayMs)) {
      if (!this.#learnDay(b, p, w0, w1, w2)) return Number.NaN
    }
    // "HH:m" and "m:ss": after the exclusive or, digits are 0–9 and separators 0 in each byte.
    const x = v.getInt32(p + 11, true) ^ 0x303a3030
    const y = v.getInt32(p + 15, true) ^ 0x30303a30
    if ((((x + 0x76007676) | x | (y + 0x76760076) | y) & 0x80808080) !== 0) return Number.NaN
    if (((x & 0xff0000) | (y & 0xff00)) !== 0) return Number.NaN
    const hour = (x & 15) * 10 + ((x >> 8) & 15)
    const minute = ((x >> 24) & 15) * 10 + (y & 15)
    const second = ((y >> 16) & 15) * 10 + ((y >> 24) & 15)
    if (hour > 23 || minute > 59 || second > 59) return Number.NaN
    const minuteMs = this.#dayMs + (hour * 60 + minute) * 60_000
    let ms = minuteMs + second * 1000
    const from = p
    p += 19
    if (p < e && b[p] === 46) {
      p++
      const start = p
      let fraction = 0
      while (p < e) {
        const digit = (b[p] as number) - 48
        if (digit < 0 || digit > 9) break
        if (p - start < this.#precision) fraction = fraction * 10 + digit
        p++
      }
      const digits = p - start
      if (digits === 0 || digits > 9) return Number.NaN
      const kept = Math.min(digits, this.#precision)
      ms += kept === 3 ? fraction : (fraction * 1000) / 10 ** kept
    }
    if (this.#withZone) {
      if (p >= e || b[p] !== 90) return Number.NaN
      p++
    }
    this.end = p
    this.minute0 = v.getFloat64(from, true)
    this.minute1 = v.getFloat64(from + 8, true)
    this.minuteMs = minuteMs
    return ms
  }

  #learnDay(b: Uint8Array, p: number, w0: number, w1: number, w2: number): boolean {
    if (b[p + 10] !== this.#separator) return false
    const days = scanDate(b, p)
    if (Number.isNaN(days)) return false
    this.#day0 = w0
    this.#day1 = w1
    this.#day2 = w2
    this.#dayMs = days * DAY_MS
    return true
  }
}
