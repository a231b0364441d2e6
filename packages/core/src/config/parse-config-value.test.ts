/** Texts of options and their layers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { option } from './config-option.ts'
import { Configuration } from './configuration.ts'
import { nearestName } from './nearest-name.ts'
import { parseDurationMs, parseMemoryBytes } from './parse-config-value.ts'

test('durations and memory sizes are read in all their spellings', () => {
  const durations: [string, number | null][] = [
    ['10 s', 10_000],
    ['500ms', 500],
    ['5 min', 300_000],
    ['2 days', 172_800_000],
    ['7', 7],
    ['PT1M30S', 90_000],
    ['P1DT2H', 93_600_000],
    ['ten', null],
    ['5 parsecs', null],
    ['', null],
  ]
  for (const [text, ms] of durations) assert.equal(parseDurationMs(text), ms, text)
  const sizes: [string, number | null][] = [
    ['1728m', 1728 * 1024 ** 2],
    ['32 kb', 32_768],
    ['1gb', 1024 ** 3],
    ['12', 12],
    ['1 zb', null],
  ]
  for (const [text, bytes] of sizes) assert.equal(parseMemoryBytes(text), bytes, text)
})

test('a value that does not fit names its key, what is expected and an example', () => {
  const retries = option.int({
    key: 'a.retries',
    aliases: ['old.retries'],
    defaultValue: 3,
    description: '',
  })
  const mode = option.enum({
    key: 'a.mode',
    values: ['fast', 'safe'],
    defaultValue: 'fast',
    description: '',
  })
  assert.equal(new Configuration().get(retries), 3)
  assert.equal(new Configuration({ 'old.retries': '5' }).get(retries), 5)
  assert.equal(new Configuration({ 'a.retries': '4', 'old.retries': '5' }).get(retries), 4)
  assert.equal(new Configuration({ 'a.mode': 'SAFE' }).get(mode), 'safe')
  assert.throws(() => new Configuration({ 'a.retries': '1.5' }).get(retries), {
    code: 'CONFIG_VALUE_INVALID',
    message: "Set 'a.retries' to a whole number; it is '1.5'.",
    hint: 'For example: 3',
  })
  assert.throws(() => new Configuration({ 'a.mode': 'slow' }).get(mode), /one of fast, safe/)
})

test('later layers win over earlier ones', () => {
  const layered = new Configuration({ a: '1', b: '1' }).withOverrides({ b: '2' })
  assert.deepEqual(layered.toObject(), { a: '1', b: '2' })
})

test('the nearest known name is found for typing errors and for nothing else', () => {
  const known = ['temperature', 'humidity', 'sensor_id', 'event_time']
  assert.equal(nearestName('temprature', known), 'temperature')
  assert.equal(nearestName('HUMIDTY', known), 'humidity')
  assert.equal(nearestName('even_ttime', known), 'event_time')
  assert.equal(nearestName('pressure', known), undefined)
})

test('a value beyond its range is refused with the range', () => {
  // Cause: a TaskManager of 0 slots started, and no job ever ran.
  const slots = option.int({ key: 'slots', defaultValue: 1, min: 1, description: '' })
  const port = option.int({ key: 'port', defaultValue: 8081, min: 0, max: 65_535, description: '' })
  const pause = option.duration({ key: 'pause', defaultValue: 5, min: 0, description: '' })
  assert.equal(new Configuration({ slots: '1' }).get(slots), 1)
  const cases = [
    [slots, '0', "Set 'slots' to a whole number of 1 or more; it is '0'."],
    [port, '99999', "Set 'port' to a whole number from 0 to 65535; it is '99999'."],
    [pause, 'PT-1S', "Set 'pause' to a duration; it is 'PT-1S'."],
    [pause, '-PT1S', "Set 'pause' to a duration of 0 ms or more; it is '-PT1S'."],
  ] as const
  for (const [declared, text, message] of cases) {
    assert.throws(() => new Configuration({ [declared.key]: text }).get(declared), { message })
  }
  const wait = option.duration({ key: 'wait', defaultValue: 5, min: -1, description: '' })
  for (const text of ['-1', '-1 ms']) assert.equal(new Configuration({ wait: text }).get(wait), -1)
  for (const text of ['-', '-1 x', '-2 ms']) {
    assert.throws(() => new Configuration({ wait: text }).get(wait), /CONFIG|duration/, text)
  }
})
