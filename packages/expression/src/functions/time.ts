/**
 * Functions of times: parts, rounding to a unit, conversion to and from text and epoch,
 * the current time.
 *
 * TIMESTAMP_LTZ is taken apart in the local time zone of the context, TIMESTAMP and DATE
 * as they stand.
 */
import {
  DAY_MS,
  type LogicalType,
  localToUtcMs,
  parseTimestamp,
  utcToLocalMs,
  type Value,
} from '@millrace/core'
import type { EvaluationContext } from '../evaluation-context.ts'
import { formatByPattern, isPattern, parseByPattern, parseLeniently } from './date-pattern.ts'
import {
  BIGINT,
  bareType,
  DATE,
  type FunctionSpec,
  INT,
  type Inferred,
  isNumeric,
  isString,
  isTime,
  isWhole,
  type Scalar,
  STRING,
  timestamp,
  timestampLtz,
} from './function-spec.ts'
import { addUnits, ceilToUnit, floorToUnit, partOf, unitsBetween } from './time-unit.ts'

/** What UNIX_TIMESTAMP answers for a text that is no time. */
const NO_UNIX_TIME = -(2n ** 63n)
const DEFAULT_PATTERN = 'yyyy-MM-dd HH:mm:ss'

/** Reads a time argument as local epoch ms. */
function toLocal(type: LogicalType): (context: EvaluationContext, value: number) => number {
  if (type.kind === 'DATE') return (_context, days) => days * DAY_MS
  if (type.kind === 'TIMESTAMP_LTZ') {
    return (context, instant) => utcToLocalMs(instant, context.localTimeZone)
  }
  return (_context, local) => local
}

/** The inverse of `toLocal`. */
function fromLocal(type: LogicalType): (context: EvaluationContext, local: number) => number {
  if (type.kind === 'DATE') return (_context, local) => Math.floor(local / DAY_MS)
  if (type.kind === 'TIMESTAMP_LTZ') {
    return (context, local) => localToUtcMs(local, context.localTimeZone)
  }
  return (_context, local) => local
}

/** EXTRACT(unit FROM time): `extract('YEAR', time)`. */
const extract: FunctionSpec = {
  name: 'extract',
  nulls: 'strict',
  zoned: true,
  infer: ([unit, time, more]) =>
    isString(unit) && isTime(time) && more === undefined ? BIGINT : 'a unit and a time',
  bind([, type]) {
    const local = toLocal(type!)
    return (context, unit: string, value: number) => {
      const instant = unit === 'EPOCH' && type!.kind !== 'DATE'
      return BigInt(partOf(unit, instant ? value : local(context, value)))
    }
  },
}

const partSpec = (name: string, unit: string): FunctionSpec => ({
  name,
  nulls: 'strict',
  zoned: true,
  infer: ([time, more]) => (isTime(time) && more === undefined ? BIGINT : 'one time'),
  bind([type]) {
    const local = toLocal(type!)
    return (context, value: number) => BigInt(partOf(unit, local(context, value)))
  },
})

/** FLOOR(time TO unit): `floor_to(time, 'MINUTE')`. */
const toUnitSpec = (name: string, round: (ms: number, unit: string) => number): FunctionSpec => ({
  name,
  nulls: 'strict',
  zoned: true,
  infer: ([time, unit, more]) =>
    isTime(time) && isString(unit) && more === undefined ? bareType(time!) : 'a time and a unit',
  bind([type]) {
    const local = toLocal(type!)
    const back = fromLocal(type!)
    return (context, value: number, unit: string) =>
      back(context, round(local(context, value), unit))
  },
})

const SMALL_UNITS = new Set(['SECOND', 'MINUTE', 'HOUR'])

const timestampAdd: FunctionSpec = {
  name: 'timestampadd',
  nulls: 'strict',
  zoned: true,
  infer: ([unit, count, time]) =>
    isString(unit) && isWhole(count) && isTime(time)
      ? time!.kind === 'DATE'
        ? timestamp(3)
        : bareType(time!)
      : 'a unit, a whole number and a time',
  bind([, , type], result) {
    const local = toLocal(type!)
    const back = fromLocal(result)
    return (context, unit: string, count: number | bigint, value: number) => {
      // An hour is an hour of real time, a day is one of the calendar.
      if (SMALL_UNITS.has(unit) && type!.kind === 'TIMESTAMP_LTZ') {
        return addUnits(unit, Number(count), value)
      }
      return back(context, addUnits(unit, Number(count), local(context, value)))
    }
  },
}

const timestampDiff: FunctionSpec = {
  name: 'timestampdiff',
  nulls: 'strict',
  zoned: true,
  infer: ([unit, from, to]) =>
    isString(unit) && isTime(from) && isTime(to) ? INT : 'a unit and two times',
  bind([, from, to]) {
    const localFrom = toLocal(from!)
    const localTo = toLocal(to!)
    return (context, unit: string, x: number, y: number) =>
      unitsBetween(unit, localFrom(context, x), localTo(context, y)) | 0
  },
}

const dateFormat: FunctionSpec = {
  name: 'date_format',
  nulls: 'strict-nullable',
  zoned: true,
  infer: ([time, pattern]) =>
    (isTime(time) || isString(time)) && isString(pattern) ? STRING : 'a time and a pattern',
  bind([type]) {
    if (isString(type)) {
      return (_context, text: string, pattern: string) => {
        const local = parseTimestamp(text)
        return Number.isNaN(local) ? null : formatByPattern(local, pattern)
      }
    }
    const local = toLocal(type!)
    return (context, value: number, pattern: string) =>
      formatByPattern(local(context, value), pattern)
  },
}

function optionalPattern(first: (type: LogicalType | undefined) => boolean, takes: string) {
  return (result: LogicalType) =>
    ([value, pattern, more]: readonly LogicalType[]): Inferred =>
      first(value) && (pattern === undefined || isString(pattern)) && more === undefined
        ? result
        : takes
}
const textAndPattern = optionalPattern(isString, 'a text and optionally a pattern')

function localOf(text: string, pattern: string | undefined): number {
  if (pattern === undefined) return parseTimestamp(text, 'any')
  return isPattern(pattern) ? parseByPattern(text, pattern) : Number.NaN
}
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value)

const CONVERSIONS: readonly FunctionSpec[] = [
  {
    name: 'to_timestamp',
    nulls: 'strict-nullable',
    infer: textAndPattern(timestamp(3)),
    bind: () => (_context, text: string, pattern?: string) =>
      orNull(Math.floor(localOf(text, pattern))),
  },
  {
    name: 'to_date',
    nulls: 'strict-nullable',
    infer: textAndPattern(DATE),
    bind: () => (_context, text: string, pattern?: string) =>
      orNull(Math.floor(localOf(text, pattern) / DAY_MS)),
  },
  {
    name: 'to_timestamp_ltz',
    nulls: 'strict-nullable',
    infer: ([value, precision]) =>
      isNumeric(value) && (precision === undefined || isWhole(precision))
        ? timestampLtz(3)
        : 'epoch seconds (precision 0) or milliseconds (precision 3)',
    bind: ([type]): Scalar => {
      const scale = type!.kind === 'DECIMAL' ? 10 ** type!.scale : 1
      return (_context, value: number | bigint, precision: number | bigint = 3): Value => {
        const number = Number(value) / scale
        const ms = Number(precision) === 0 ? number * 1000 : number
        const valid = (Number(precision) === 0 || Number(precision) === 3) && Math.abs(ms) < 2.6e14
        return valid ? Math.floor(ms) : null
      }
    },
  },
  {
    name: 'from_unixtime',
    nulls: 'strict',
    zoned: true,
    infer: optionalPattern(isWhole, 'epoch seconds and optionally a pattern')(STRING),
    bind:
      () =>
      (context, seconds: number | bigint, pattern = DEFAULT_PATTERN) =>
        formatByPattern(
          utcToLocalMs(clampInstant(Number(seconds) * 1000), context.localTimeZone),
          pattern,
        ),
  },
  {
    name: 'unix_timestamp',
    nulls: 'strict',
    deterministic: false,
    zoned: true,
    infer: (args) => (args.length === 0 ? BIGINT : textAndPattern(BIGINT)(args)),
    bind: () => (context, text?: string, pattern?: string) => {
      if (text === undefined) return BigInt(Math.floor(context.nowMs() / 1000))
      const local = parseLeniently(text, pattern ?? DEFAULT_PATTERN)
      if (Number.isNaN(local)) return NO_UNIX_TIME
      return BigInt(Math.floor(localToUtcMs(local, context.localTimeZone) / 1000))
    },
  },
]

/** Instants beyond ±8.64e15 ms are none; the calendar ends there. */
function clampInstant(ms: number): number {
  return Math.max(-8.6e15, Math.min(8.6e15, ms))
}

function clockSpec(
  name: string,
  type: LogicalType,
  read: (context: EvaluationContext) => number,
): FunctionSpec {
  return {
    name,
    nulls: 'strict',
    deterministic: false,
    infer: (args) => (args.length === 0 ? type : 'no arguments'),
    bind: () => (context) => read(context),
  }
}
const nowMs = (context: EvaluationContext) => context.nowMs()
const localNow = (context: EvaluationContext) =>
  utcToLocalMs(context.nowMs(), context.localTimeZone)

export const TIME: readonly FunctionSpec[] = [
  extract,
  partSpec('year', 'YEAR'),
  partSpec('quarter', 'QUARTER'),
  partSpec('month', 'MONTH'),
  partSpec('week', 'WEEK'),
  partSpec('dayofyear', 'DOY'),
  partSpec('dayofmonth', 'DAY'),
  partSpec('dayofweek', 'DOW'),
  partSpec('hour', 'HOUR'),
  partSpec('minute', 'MINUTE'),
  partSpec('second', 'SECOND'),
  toUnitSpec('floor_to', floorToUnit),
  toUnitSpec('ceil_to', ceilToUnit),
  timestampAdd,
  timestampDiff,
  dateFormat,
  ...CONVERSIONS,
  clockSpec('current_timestamp', timestampLtz(3), nowMs),
  clockSpec('current_row_timestamp', timestampLtz(3), nowMs),
  clockSpec('now', timestampLtz(3), nowMs),
  clockSpec('localtimestamp', timestamp(3), localNow),
  clockSpec('current_date', DATE, (context) => Math.floor(localNow(context) / DAY_MS)),
  clockSpec(
    'proctime',
    { kind: 'TIMESTAMP_LTZ', precision: 3, nullable: false, attribute: 'proctime' },
    nowMs,
  ),
]
