/**
 * Java date patterns (the common letters) for DATE_FORMAT, TO_TIMESTAMP, FROM_UNIXTIME
 * and their kin.
 *
 * Letters: y M d H h k K m s S a E, and for writing D Q Y; text in quotes stays. Others fail with
 * FUNCTION_VALUE_INVALID, so that no pattern is misread in silence.
 */
import { addMonths, civilFromDays, DAY_MS, daysFromCivil, daysInMonth } from '@millrace/core'
import { expressionError } from '../error-codes.ts'

const LETTERS = 'yuYQMdDHhkKmsSaE'
/** Of Java's patterns. */
const LATER_LETTERS = 'GLqwWecFAnNVvzOXxZBp'

interface PatternPart {
  /** A pattern letter, or null for plain text. */
  readonly letter: string | null
  readonly text: string
}

const MONTHS =
  'January February March April May June July August September October November December'.split(' ')
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/**
 * Compiled patterns; patterns are nearly always constants, the bound only guards against those
 * made from data.
 */
const compiled = new Map<string, readonly PatternPart[]>()
const COMPILED_PATTERNS_MAX = 100

function partsOf(pattern: string): readonly PatternPart[] {
  let parts = compiled.get(pattern)
  if (parts === undefined) {
    parts = compilePattern(pattern)
    if (compiled.size >= COMPILED_PATTERNS_MAX) compiled.clear()
    compiled.set(pattern, parts)
  }
  return parts
}

function compilePattern(pattern: string): PatternPart[] {
  const parts: PatternPart[] = []
  for (const [text] of pattern.matchAll(/([A-Za-z])\1*|'(?:[^']|'')*'|[^A-Za-z']+|'/g)) {
    if (text === "'") throw invalid(pattern, 'close its quote')
    if (text.startsWith("'")) {
      parts.push({
        letter: null,
        text: text === "''" ? "'" : text.slice(1, -1).replaceAll("''", "'"),
      })
    } else if (/[A-Za-z]/.test(text)) {
      const letter = text[0] as string
      if (LATER_LETTERS.includes(letter)) {
        throw invalid(pattern, `leave out '${letter}', which is not supported yet`)
      }
      if (!LETTERS.includes(letter)) throw invalid(pattern, `'${letter}' is no letter of one`)
      parts.push({ letter: text[0] as string, text })
    } else parts.push({ letter: null, text })
  }
  return parts
}

function invalid(pattern: string, what: string): Error {
  return expressionError(
    'FUNCTION_VALUE_INVALID',
    `Mend the date pattern (${what}); it is '${pattern}'.`,
    { hint: "For example 'yyyy-MM-dd HH:mm:ss.SSS'; letters: y Y Q M d D H h k K m s S a E." },
  )
}

/** Local epoch ms → text. */
export function formatByPattern(localMs: number, pattern: string): string {
  const days = Math.floor(localMs / DAY_MS)
  const date = civilFromDays(days)
  const micros = Math.min(Math.round((localMs - days * DAY_MS) * 1000), DAY_MS * 1000 - 1)
  const second = Math.floor(micros / 1_000_000)
  const hour = Math.floor(second / 3600)
  const number = (value: number, width: number) => String(value).padStart(width, '0')
  let result = ''
  for (const { letter, text } of partsOf(pattern)) {
    const width = text.length
    switch (letter) {
      case null:
        result += text
        break
      case 'y':
      case 'u':
        result += width === 2 ? number(date.year % 100, 2) : number(date.year, width)
        break
      case 'M':
        result += width > 2 ? named(MONTHS[date.month - 1]!, width) : number(date.month, width)
        break
      case 'd':
        result += number(date.day, width)
        break
      case 'D':
        result += number(days - daysFromCivil(date.year, 1, 1) + 1, width)
        break
      case 'H':
        result += number(hour, width)
        break
      case 'Y':
        result += number(weekYear(days), width === 2 ? 2 : width).slice(width === 2 ? -2 : 0)
        break
      case 'Q':
        result += number(Math.ceil(date.month / 3), width)
        break
      case 'k':
        result += number(hour === 0 ? 24 : hour, width)
        break
      case 'K':
        result += number(hour % 12, width)
        break
      case 'h':
        result += number(hour % 12 === 0 ? 12 : hour % 12, width)
        break
      case 'm':
        result += number(Math.floor(second / 60) % 60, width)
        break
      case 's':
        result += number(second % 60, width)
        break
      case 'S':
        result += number(micros % 1_000_000, 6)
          .padEnd(9, '0')
          .slice(0, width)
        break
      case 'a':
        result += hour < 12 ? 'AM' : 'PM'
        break
      case 'E':
        result += named(DAYS[(((days + 4) % 7) + 7) % 7]!, width)
        break
    }
  }
  return result
}

/** The year of the week, which ends with its Saturday. */
function weekYear(days: number): number {
  return civilFromDays(days + 6 - ((((days + 4) % 7) + 7) % 7)).year
}

/** Whether it is a pattern at all. */
export function isPattern(pattern: string): boolean {
  try {
    partsOf(pattern)
    return true
  } catch {
    return false
  }
}

function named(name: string, width: number): string {
  return width >= 4 ? name : name.slice(0, 3)
}

interface Fields {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  micros: number
  afternoon: boolean | null
}

/** Text → local epoch ms; NaN when it does not fit the pattern or is no real time. */
export function parseByPattern(text: string, pattern: string): number {
  const read = readByPattern(text, pattern)
  return read === null || read.rest !== '' || !isRealTime(read.fields)
    ? Number.NaN
    : fieldsToMs(read.fields)
}

/**
 * As `parseByPattern`, but days and hours may run over (30 February is 2 March), and what
 * follows is not read.
 */
export function parseLeniently(text: string, pattern: string): number {
  const read = readByPattern(text, pattern)
  return read === null ? Number.NaN : fieldsToMs(read.fields)
}

/** Null: the text does not fit. */
function readByPattern(text: string, pattern: string): { fields: Fields; rest: string } | null {
  const fields: Fields = {
    year: 1970,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    micros: 0,
    afternoon: null,
  }
  let rest = text
  const parts = partsOf(pattern)
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as PatternPart
    const taken = takePart(part, rest, fields, parts[i + 1]?.letter != null)
    if (taken === 0) return null
    rest = rest.slice(taken)
  }
  return { fields, rest }
}

/**
 * Reads one part from the front of `rest`; returns the characters taken, 0 when it does not fit.
 */
function takePart(
  { letter, text }: PatternPart,
  rest: string,
  fields: Fields,
  digitsFollow: boolean,
): number {
  if (letter === null) return rest.startsWith(text) ? text.length : 0
  if (letter === 'a') {
    const half = /^(AM|PM)/i.exec(rest)?.[0]
    if (half === undefined) return 0
    fields.afternoon = half.toUpperCase() === 'PM'
    return 2
  }
  if (letter === 'M' && text.length > 2) return takeName(MONTHS, rest, text.length, fields)
  if (letter === 'E') return takeName(DAYS, rest, text.length, null)
  const widthMax = digitsFollow
    ? text.length
    : letter === 'y' || letter === 'u'
      ? 9
      : Math.max(text.length, 2)
  const digits = new RegExp(`^\\d{${Math.min(text.length, widthMax)},${widthMax}}`).exec(rest)?.[0]
  if (digits === undefined) return 0
  const value = Number(digits)
  if (letter === 'y' || letter === 'u') fields.year = text.length === 2 ? 2000 + value : value
  else if (letter === 'M') fields.month = value
  else if (letter === 'd') fields.day = value
  else if ('DQY'.includes(letter)) return 0
  else if (letter === 'h') fields.hour = value === 12 ? 0 : value
  else if (letter === 'k') fields.hour = value === 24 ? 0 : value
  else if (letter === 'H' || letter === 'K') fields.hour = value
  else if (letter === 'm') fields.minute = value
  else if (letter === 's') fields.second = value
  else fields.micros = Number(digits.padEnd(6, '0').slice(0, 6))
  return digits.length
}

function takeName(
  names: readonly string[],
  rest: string,
  width: number,
  fields: Fields | null,
): number {
  for (let i = 0; i < names.length; i++) {
    const name = named(names[i] as string, width)
    if (!rest.toLowerCase().startsWith(name.toLowerCase())) continue
    if (fields !== null) fields.month = i + 1
    return name.length
  }
  return 0
}

function hourOf({ hour, afternoon }: Fields): number {
  return hour + (afternoon === true && hour < 12 ? 12 : 0)
}

function isRealTime(fields: Fields): boolean {
  const { year, month, day, minute, second } = fields
  if (month < 1 || month > 12 || day < 1 || hourOf(fields) > 23 || minute > 59 || second > 59) {
    return false
  }
  return day <= daysInMonth(year, month)
}

function fieldsToMs(fields: Fields): number {
  const { year, month, day, minute, second, micros } = fields
  const first = addMonths(daysFromCivil(year, 1, 1), month - 1)
  const days = first + day - 1
  return days * DAY_MS + ((hourOf(fields) * 60 + minute) * 60 + second) * 1000 + micros / 1000
}
