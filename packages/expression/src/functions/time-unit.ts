/** Units of time (SECOND … MILLENNIUM): parts, rounding, adding and counting, on local epoch ms. */
import {
  addMonths,
  civilFromDays,
  DAY_MS,
  daysFromCivil,
  HOUR_MS,
  MINUTE_MS,
  SECOND_MS,
} from '@millrace/core'
import { expressionError } from '../error-codes.ts'

/** Units of fixed length, in ms. */
const FIXED_MS: Readonly<Record<string, number>> = {
  MILLISECOND: 1,
  SECOND: SECOND_MS,
  MINUTE: MINUTE_MS,
  HOUR: HOUR_MS,
  DAY: DAY_MS,
  WEEK: 7 * DAY_MS,
}
/** Calendar units, in months. */
const CALENDAR_MONTHS: Readonly<Record<string, number>> = {
  MONTH: 1,
  QUARTER: 3,
  YEAR: 12,
  DECADE: 120,
  CENTURY: 1200,
  MILLENNIUM: 12_000,
}

/** Times further from 1970 (about 270,000 years) have no parts. */
const CALENDAR_END_MS = 8.64e15

/** Every unit's name, as the literal argument of `extract`, `floor_to` … takes it. */
export const TIME_UNITS: readonly string[] = [
  ...Object.keys(FIXED_MS),
  ...Object.keys(CALENDAR_MONTHS),
  'DOY',
  'DOW',
  'ISODOW',
  'ISOYEAR',
  'EPOCH',
  'MICROSECOND',
  'NANOSECOND',
]

function unknownUnit(unit: string): Error {
  return expressionError('FUNCTION_VALUE_INVALID', `Use a known unit of time; it is '${unit}'.`, {
    hint: `One of ${TIME_UNITS.join(', ')}.`,
  })
}

/** Monday = 1 … Sunday = 7. */
function isoWeekday(days: number): number {
  return ((((days + 3) % 7) + 7) % 7) + 1
}

/** The Thursday of a day's ISO week decides its year and week number. */
function isoThursday(days: number): number {
  return days - isoWeekday(days) + 4
}

/** A part of a local time as a whole number. SECOND drops the fraction; DOW is 1 for Sunday. */
export function partOf(unit: string, localMs: number): number {
  if (!(Math.abs(localMs) <= CALENDAR_END_MS)) {
    throw expressionError(
      'FUNCTION_VALUE_INVALID',
      `Give a time within the calendar; it is ${localMs} ms from 1970.`,
    )
  }
  const days = Math.floor(localMs / DAY_MS)
  const ms = localMs - days * DAY_MS
  switch (unit) {
    case 'HOUR':
      return Math.floor(ms / HOUR_MS)
    case 'MINUTE':
      return Math.floor(ms / MINUTE_MS) % 60
    case 'SECOND':
      return Math.floor(ms / SECOND_MS) % 60
    case 'MILLISECOND':
      return Math.floor(ms) % 1000
    case 'MICROSECOND':
      return Math.round((ms % 1000) * 1000)
    case 'NANOSECOND':
      return Math.round((ms % 1000) * 1000) * 1000
    case 'EPOCH':
      return Math.floor(localMs / 1000)
    case 'DOW':
      return (isoWeekday(days) % 7) + 1
    case 'ISODOW':
      return isoWeekday(days)
    case 'ISOYEAR':
      return civilFromDays(isoThursday(days)).year
    case 'WEEK': {
      const thursday = isoThursday(days)
      return Math.floor((thursday - daysFromCivil(civilFromDays(thursday).year, 1, 1)) / 7) + 1
    }
    default:
      return datePartOf(unit, days)
  }
}

function datePartOf(unit: string, days: number): number {
  const { year, month, day } = civilFromDays(days)
  switch (unit) {
    case 'YEAR':
      return year
    case 'QUARTER':
      return Math.ceil(month / 3)
    case 'MONTH':
      return month
    case 'DAY':
      return day
    case 'DOY':
      return days - daysFromCivil(year, 1, 1) + 1
    case 'DECADE':
      return Math.floor(year / 10)
    case 'CENTURY':
      return Math.ceil(year / 100)
    case 'MILLENNIUM':
      return Math.ceil(year / 1000)
    default:
      throw unknownUnit(unit)
  }
}

/**
 * The start of the unit that a local time is in; weeks start on Sunday, as the reference's
 * FLOOR TO WEEK does.
 */
export function floorToUnit(localMs: number, unit: string): number {
  if (unit === 'WEEK') {
    const days = Math.floor(localMs / DAY_MS)
    return (days - (isoWeekday(days) % 7)) * DAY_MS
  }
  const fixed = FIXED_MS[unit]
  if (fixed !== undefined) return Math.floor(localMs / fixed) * fixed
  const months = CALENDAR_MONTHS[unit]
  if (months === undefined) throw unknownUnit(unit)
  const { year, month } = civilFromDays(Math.floor(localMs / DAY_MS))
  // Centuries and millennia start in year 1, decades and shorter at 0.
  const origin = unit === 'CENTURY' || unit === 'MILLENNIUM' ? 12 : 0
  const total = year * 12 + month - 1 - origin
  const start = Math.floor(total / months) * months + origin
  return daysFromCivil(Math.floor(start / 12), (((start % 12) + 12) % 12) + 1, 1) * DAY_MS
}

/** The start of the next unit, or the time itself when it is a start. */
export function ceilToUnit(localMs: number, unit: string): number {
  const floor = floorToUnit(localMs, unit)
  return floor === localMs ? localMs : addUnits(unit, 1, floor)
}

export function addUnits(unit: string, count: number, localMs: number): number {
  const fixed = FIXED_MS[unit]
  if (fixed !== undefined) return localMs + count * fixed
  const months = CALENDAR_MONTHS[unit]
  if (months === undefined) throw unknownUnit(unit)
  const days = Math.floor(localMs / DAY_MS)
  return addMonths(days, months * count) * DAY_MS + (localMs - days * DAY_MS)
}

/** Whole units from one time to another, towards zero. */
export function unitsBetween(unit: string, fromMs: number, toMs: number): number {
  const fixed = FIXED_MS[unit]
  if (fixed !== undefined) return Math.trunc((toMs - fromMs) / fixed)
  const months = CALENDAR_MONTHS[unit]
  if (months === undefined) throw unknownUnit(unit)
  return Math.trunc(monthsBetween(fromMs, toMs) / months) + 0
}

/**
 * Whole months: as many as may be added to the earlier day without passing the later, less one when
 * the time of day says so.
 */
function monthsBetween(fromMs: number, toMs: number): number {
  const from = Math.floor(fromMs / DAY_MS)
  const to = Math.floor(toMs / DAY_MS)
  const count = to >= from ? monthsAfter(from, to) : -monthsAfter(to, from)
  const isShort = toMs - to * DAY_MS < fromMs - from * DAY_MS
  return isShort && addMonths(from, count) === to ? count - 1 : count
}

/**
 * Months from one day to a later one; the last day of a month counts as the same day
 * of a longer one.
 */
function monthsAfter(from: number, to: number): number {
  const a = civilFromDays(from)
  const b = civilFromDays(to)
  const count = (b.year - a.year) * 12 + b.month - a.month
  return addMonths(from, count) > to ? count - 1 : count
}
