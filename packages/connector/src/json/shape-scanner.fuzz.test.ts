/**
 * What a generated scanner remembers from earlier records (texts, the minute of a timestamp)
 * against decoders that have seen none: each record is also read by the general parser of a fresh
 * decoder, intact and with one byte changed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Field, OperatorMetrics } from '@millrace/core'
import { RecordSpans } from '../format.ts'
import { rowsOfBatch } from '../testing/batch-rows.ts'
import { JsonDecoder } from './json-decoder.ts'

const FIELDS: Field[] = [
  { name: 'sensor_id', type: { kind: 'STRING', nullable: true } },
  { name: 'temperature', type: { kind: 'DOUBLE', nullable: true } },
  { name: 'seen_at', type: { kind: 'TIMESTAMP_LTZ', precision: 3, nullable: true } },
  { name: 'event_time', type: { kind: 'TIMESTAMP', precision: 3, nullable: true } },
]
const OPTIONS = {
  timestampStandard: 'ISO-8601',
  failOnMissingField: false,
  ignoreParseErrors: true,
} as const
const ORIGIN = { locate: () => ({}) }

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 4294967296
  }
}

function recordText(random: () => number): Buffer {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const id = pick([
    's',
    'sensor-1',
    'sensor-12',
    'sensor-1234567',
    'sensor-12345678',
    'sens\u00f6r-1',
  ])
  const time = (digits: number) => {
    const ms = Date.UTC(2026, 10, 22, 23, 58, 0) + Math.floor(random() * 180_000)
    return new Date(ms).toISOString().slice(0, digits)
  }
  const bytes = Buffer.from(
    `{"sensor_id":"${id}","temperature":${pick(['24', '18.3', '-0', '0.5', '1e2', '123.456'])},` +
      `"seen_at":"${time(pick([23, 23, 23, 19]))}Z","event_time":"${time(pick([23, 23, 23, 22]))}"}`,
  )
  if (random() < 0.3) {
    const at = Math.floor(random() * bytes.length)
    bytes[at] = pick([
      0x22,
      0x30,
      0x39,
      0x3a,
      0x2f,
      0x36,
      0x00,
      0x80,
      0xff,
      (bytes[at] as number) ^ 1,
    ])
  }
  return bytes
}

function decode(decoder: JsonDecoder, records: readonly Buffer[]): unknown {
  const starts = new Int32Array(records.length)
  const lengths = Int32Array.from(records, (record) => record.length)
  for (let i = 1; i < records.length; i++) {
    starts[i] = (starts[i - 1] as number) + (lengths[i - 1] as number)
  }
  const spans = new RecordSpans(Buffer.concat(records), starts, lengths, records.length)
  return rowsOfBatch(decoder.decode(spans, 0, records.length, ORIGIN))
}

test('a record reads the same whatever records came before it', () => {
  const random = randomOf(20261122)
  const decoder = new JsonDecoder(FIELDS, OPTIONS, new OperatorMetrics())
  for (let round = 0; round < 40; round++) {
    const records = Array.from({ length: 100 }, () => recordText(random))
    const alone = records.flatMap(
      (record) => decode(new JsonDecoder(FIELDS, OPTIONS, new OperatorMetrics()), [record]) as [],
    )
    assert.deepEqual(decode(decoder, records), alone)
  }
})
