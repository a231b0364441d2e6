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
