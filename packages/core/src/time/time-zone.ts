/**
 * Time zones: what TIMESTAMP_LTZ is shown in (`table.local-time-zone`) and cast through.
 *
 * Accepts `UTC`, `GMT`, `Z`, offsets (`+08:00`, `GMT-3`) and IANA names through the runtime's
 * own zone data. Deterministic: depends on its arguments and that data alone, never on the
 * machine's zone.
 */
import { coreError } from '../error-codes.ts'
import { daysFromCivil, HOUR_MS, MINUTE_MS } from './civil-date.ts'

/** Offset from UTC, ms, as a function of the instant. */
type OffsetOf = (epochMs: number) => number

const knownZones = new Map<string, OffsetOf>()
/** Zone rules change at multiples of 15 minutes only. */
const RULE_STEP_MS = 15 * MINUTE_MS
/**
 * Instants further from 1970 than this are outside the runtime's calendar (ECMA-262, time
 * values), less a day.
 */
const CALENDAR_END_MS = 8.64e15 - 86_400_000

/** Local time minus UTC, in ms, at an instant. Throws TIME_ZONE_UNKNOWN. */
export function zoneOffsetMs(epochMs: number, zone: string): number {
  let offsetOf = knownZones.get(zone)
  if (offsetOf === undefined) {
    offsetOf = openZone(zone)
    knownZones.set(zone, offsetOf)
  }
  return offsetOf(epochMs)
}

/** The wall-clock time (ms as if UTC) that `zone` shows at an instant. */
export function utcToLocalMs(epochMs: number, zone: string): number {
  return epochMs + zoneOffsetMs(epochMs, zone)
}

/**
 * The instant at which `zone` shows a wall-clock time; in a gap the time moves on by the gap, in an
 * overlap the earlier instant.
 */
export function localToUtcMs(localMs: number, zone: string): number {
  const before = zoneOffsetMs(localMs - 24 * HOUR_MS, zone)
  const candidate = localMs - before
  if (zoneOffsetMs(candidate, zone) === before) return candidate
  const after = localMs - zoneOffsetMs(localMs + 24 * HOUR_MS, zone)
  return utcToLocalMs(after, zone) === localMs ? after : candidate
}

/** Whether `zone` is a zone. */
export function isTimeZone(zone: string): boolean {
  try {
    zoneOffsetMs(0, zone)
    return true
  } catch {
    return false
  }
}

function openZone(zone: string): OffsetOf {
  if (/^(UTC|GMT|Z|UT)$/i.test(zone)) return () => 0
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(zone)
  if (offset !== null) {
    const size = Number(offset[2]) * HOUR_MS + Number(offset[3] ?? 0) * MINUTE_MS
    const signed = offset[1] === '-' ? -size : size
    return () => signed
  }
  return openRegion(zone)
}

function openRegion(zone: string): OffsetOf {
  let formatter: Intl.DateTimeFormat
  try {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (cause) {
    throw coreError('TIME_ZONE_UNKNOWN', `Use a known time zone; it is '${zone}'.`, {
      hint: "For example 'UTC', 'Europe/Berlin' or '+08:00'.",
      cause,
    })
  }
  let cachedStep = Number.NaN
  let cachedOffset = 0
  return (epochMs) => {
    // Beyond the calendar of the runtime there are no rules.
    if (!(Math.abs(epochMs) < CALENDAR_END_MS)) return 0
    const step = Math.floor(epochMs / RULE_STEP_MS)
    if (step !== cachedStep) {
      cachedOffset = offsetAt(formatter, step * RULE_STEP_MS)
      cachedStep = step
    }
    return cachedOffset
  }
}

function offsetAt(formatter: Intl.DateTimeFormat, epochMs: number): number {
  const parts: Record<string, string> = {}
  for (const part of formatter.formatToParts(epochMs)) parts[part.type] = part.value
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
  const days = daysFromCivil(year, Number(parts.month), Number(parts.day))
  const seconds =
    (days * 24 + Number(parts.hour)) * 3600 + Number(parts.minute) * 60 + Number(parts.second)
  return seconds * 1000 - epochMs
}
