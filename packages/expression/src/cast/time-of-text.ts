/**
 * Text → TIMESTAMP as CAST reads it: a date, alone or with a blank and a time of whole hours,
 * minutes and seconds.
 *
 * As in the reference: parts may have one digit, 24:00:00 is the next day, and a day that a month
 * does not have is its last. There is no `T`, and a time has its seconds; decoders and TO_TIMESTAMP
 * have forms of their own.
 */
import { DAY_MS, daysFromCivil, daysInMonth } from '@millrace/core'

const FORM =
  /^\s*(\d{1,4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{0,9}))?)?\s*$/
const DAYS_OF_LONGEST_MONTH = 31

/** Local epoch ms; NaN when the text is none. */
export function timestampOfText(text: string): number {
  const match = FORM.exec(text)
  if (match === null) return Number.NaN
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as [number, number, number, number, number, number]
  if (month < 1 || month > 12 || day < 1 || day > DAYS_OF_LONGEST_MONTH) return Number.NaN
  const micros = Number((match[7] ?? '').padEnd(6, '0').slice(0, 6))
  const isMidnight = hour === 24 && minute === 0 && second === 0 && micros === 0
  if ((hour > 23 && !isMidnight) || minute > 59 || second > 59) return Number.NaN
  const days = daysFromCivil(year, month, Math.min(day, daysInMonth(year, month)))
  return days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + micros / 1000
}
