/** DATE ↔ text, `yyyy-MM-dd`. */
import { civilFromDays, daysFromCivil, daysInMonth } from './civil-date.ts'

export function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}

/**
 * `yyyy-MM-dd` of a day number; years beyond 9999 or before 0 as ISO-8601 writes them, with a sign.
 */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days)
  const text =
    year > 9999
      ? `+${year}`
      : year < 0
        ? `-${String(-year).padStart(4, '0')}`
        : String(year).padStart(4, '0')
  return `${text}-${twoDigits(month)}-${twoDigits(day)}`
}

/**
 * Days since 1970-01-01 of `yyyy-M-d` (one or two digits for month and day), NaN when it
 * is no such date.
 */
export function parseDate(text: string): number {
  const match = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(text)
  if (match === null) return Number.NaN
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return Number.NaN
  return daysFromCivil(year, month, day)
}
