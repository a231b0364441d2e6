/**
 * Epoch milliseconds and days → quoted JSON text, with the last day's text kept.
 *
 * `"2026-11-22T10:15:00"`, `"….5"`, `"….123Z"`: the fraction has as many digits as it needs, none
 * when it is zero.
 */
import { civilFromDays, DAY_MS } from '@millrace/core'

export class TimestampWriter {
  readonly #separator: number
  readonly #dayText = new Uint8Array(10)
  #day = Number.NaN

  constructor(standard: 'SQL' | 'ISO-8601') {
    this.#separator = standard === 'SQL' ? 32 : 84
  }

  /** Writes at most 32 bytes at `at`; returns the position after them. */
  write(ms: number, precision: number, withZone: boolean, into: Uint8Array, at: number): number {
    const day = Math.floor(ms / DAY_MS)
    if (day !== this.#day) this.#learnDay(day)
    into[at++] = 34
    for (let i = 0; i < 10; i++) into[at++] = this.#dayText[i] as number
    into[at++] = this.#separator
    const ofDay = ms - day * DAY_MS
    let seconds = Math.floor(ofDay / 1000)
    let micros = Math.round((ofDay - seconds * 1000) * 1000)
    if (micros === 1_000_000) {
      micros = 999_999
    }
    const hour = (seconds / 3600) | 0
    seconds -= hour * 3600
    const minute = (seconds / 60) | 0
    seconds -= minute * 60
    at = twoDigits(hour, into, at)
    into[at++] = 58
    at = twoDigits(minute, into, at)
    into[at++] = 58
    at = twoDigits(seconds, into, at)
    micros -= micros % 10 ** (6 - Math.min(6, precision))
    if (micros > 0) {
      into[at++] = 46
      for (let unit = 100_000; micros > 0; unit /= 10) {
        const digit = (micros / unit) | 0
        into[at++] = 48 + digit
        micros -= digit * unit
      }
    }
    if (withZone) into[at++] = 90
    into[at++] = 34
    return at
  }

  /** Writes 12 bytes. */
  writeDate(day: number, into: Uint8Array, at: number): number {
    if (day !== this.#day) this.#learnDay(day)
    into[at++] = 34
    for (let i = 0; i < 10; i++) into[at++] = this.#dayText[i] as number
    into[at++] = 34
    return at
  }

  #learnDay(day: number): void {
    this.#day = day
    const civil = civilFromDays(day)
    const year = Math.min(9999, Math.max(0, civil.year))
    let at = twoDigits((year / 100) | 0, this.#dayText, 0)
    at = twoDigits(year % 100, this.#dayText, at)
    this.#dayText[at++] = 45
    at = twoDigits(civil.month, this.#dayText, at)
    this.#dayText[at++] = 45
    twoDigits(civil.day, this.#dayText, at)
  }
}

function twoDigits(value: number, into: Uint8Array, at: number): number {
  const tens = (value / 10) | 0
  into[at] = 48 + tens
  into[at + 1] = 48 + value - tens * 10
  return at + 2
}
