/** Calendar, texts and zones of times, at their edges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../batch/random-batch.ts'
import { addMonths, civilFromDays, daysFromCivil } from './civil-date.ts'
import { formatDate, parseDate } from './date-text.ts'
import { localToUtcMs, utcToLocalMs, zoneOffsetMs } from './time-zone.ts'
import { formatTimestamp, parseTimestamp, truncateToPrecision } from './timestamp-text.ts'

test('civil dates agree with the runtime’s calendar over 9999 years', () => {
  for (let days = daysFromCivil(1, 1, 1); days < daysFromCivil(9999, 12, 31); days += 97) {
    const { year, month, day } = civilFromDays(days)
    const date = new Date(days * 86_400_000)
    assert.deepEqual(
      [year, month, day],
      [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()],
    )
    assert.equal(daysFromCivil(year, month, day), days)
  }
})

test('months are added with the day capped at the month’s end', () => {
  const shifted = (text: string, months: number) => formatDate(addMonths(parseDate(text), months))
  assert.equal(shifted('2024-01-31', 1), '2024-02-29')
  assert.equal(shifted('2023-01-31', 1), '2023-02-28')
  assert.equal(shifted('2024-03-15', -15), '2022-12-15')
})

test('timestamps are read in the SQL and ISO-8601 forms and refused otherwise', () => {
  const ms = Date.UTC(2026, 10, 22, 10, 15, 30, 123)
  assert.equal(parseTimestamp('2026-11-22 10:15:30.123'), ms)
  assert.equal(parseTimestamp('2026-11-22T10:15:30.123', 'iso'), ms)
  assert.equal(parseTimestamp('2026-11-22T10:15:30.123Z', 'iso', true), ms)
  assert.equal(parseTimestamp('2026-11-22T10:15:30.123456', 'iso'), ms + 0.456)
  assert.equal(parseTimestamp('2026-11-22T10:15', 'iso'), Date.UTC(2026, 10, 22, 10, 15))
  assert.equal(parseTimestamp('2026-11-22'), Date.UTC(2026, 10, 22))
  for (const bad of [
    '2026-11-22T10:15:30.123Z',
    '2026-13-22 10:15:30',
    '2026-02-29 10:15:30',
    '2026-11-22 24:00:00',
    '2026-11-22 10:15:60',
    '2026-11-22 10:15:30.',
    '2026-11-2210:15:30',
    'x',
    '',
    '2026-11-22 1a:15:30',
    '2026-11-22  0:15:30',
    '2026-11-22 10:15:30x',
  ]) {
    assert.ok(Number.isNaN(parseTimestamp(bad)), bad)
  }
  assert.ok(Number.isNaN(parseTimestamp('2026-11-22 10:15:30', 'iso')))
  assert.ok(Number.isNaN(parseTimestamp('2026-11-22T10:15:30', 'sql')))
})

test('formatting and parsing a timestamp are inverse to the microsecond', () => {
  const random = seededRandom(5)
  for (let i = 0; i < 3000; i++) {
    const micros = Math.floor((random() * 2 - 1) * 4e15)
    const text = formatTimestamp(micros / 1000, 6)
    assert.equal(Math.round(parseTimestamp(text) * 1000), micros, text)
  }
  assert.equal(formatTimestamp(-1, 3), '1969-12-31 23:59:59.999')
  assert.equal(formatTimestamp(0, 0, { separator: 'T', suffix: 'Z' }), '1970-01-01T00:00:00Z')
})

test('a cast to fewer digits cuts towards the past', () => {
  assert.equal(truncateToPrecision(1999.9, 3), 1999)
  assert.equal(truncateToPrecision(1999, 0), 1000)
  assert.equal(truncateToPrecision(-1, 0), -1000)
  assert.equal(truncateToPrecision(0.4567, 4), 0.4)
})

test('zones shift by their rules, over gaps and overlaps', () => {
  assert.equal(zoneOffsetMs(0, '+08:30'), 8.5 * 3_600_000)
  const berlin = 'Europe/Berlin'
  const summer = parseTimestamp('2026-07-01 12:00:00')
  assert.equal(utcToLocalMs(summer, berlin) - summer, 2 * 3_600_000)
  assert.equal(
    formatTimestamp(localToUtcMs(parseTimestamp('2026-01-01 00:30:00'), berlin), 0),
    '2025-12-31 23:30:00',
  )
  // The gap of 29 March 2026: 02:30 does not exist and is taken as 03:30.
  assert.equal(
    formatTimestamp(localToUtcMs(parseTimestamp('2026-03-29 02:30:00'), berlin), 0),
    '2026-03-29 01:30:00',
  )
  // The overlap of 25 October 2026: the earlier 02:30 is in summer time.
  assert.equal(
    formatTimestamp(localToUtcMs(parseTimestamp('2026-10-25 02:30:00'), berlin), 0),
    '2026-10-25 00:30:00',
  )
  for (const beyond of [1e17, -1e17, Number.NaN]) assert.equal(zoneOffsetMs(beyond, berlin), 0)
  assert.throws(() => zoneOffsetMs(0, 'Mars/Base'), /known time zone; it is 'Mars\/Base'/)
})
