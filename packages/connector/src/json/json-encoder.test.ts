/** The JSON encoder: the reference’s spelling of each type, and the way back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ColumnBatchBuilder, type LogicalType, OperatorMetrics, type Value } from '@millrace/core'
import { rowsOfBatch } from '../testing/batch-rows.ts'
import { jsonFormat } from './json-format.ts'

const nullable = true
const AT = Date.UTC(2026, 10, 22, 10, 15)
const timestamp = (precision: number): LogicalType => ({ kind: 'TIMESTAMP', precision, nullable })

function encode(type: LogicalType, value: Value, options: Record<string, string> = {}): string {
  const schema = { fields: [{ name: 'v', type }] }
  const builder = new ColumnBatchBuilder(schema)
  builder.appendRow([value])
  const spans = jsonFormat.createEncoder({ schema, options }).encode(builder.build())
  const start = spans.starts[0] as number
  return Buffer.from(spans.bytes.subarray(start, start + (spans.lengths[0] as number))).toString()
}

test('writes each type as the reference does', () => {
  const iso = { 'json.timestamp-format.standard': 'ISO-8601' }
  const cases: [LogicalType, Value, string, Record<string, string>?][] = [
    [{ kind: 'INT', nullable }, -5, '-5'],
    [{ kind: 'BIGINT', nullable }, 9223372036854775807n, '9223372036854775807'],
    [{ kind: 'BOOLEAN', nullable }, true, 'true'],
    [{ kind: 'DOUBLE', nullable }, 0.1, '0.1'],
    [{ kind: 'DOUBLE', nullable }, Number.NaN, '"NaN"'],
    [{ kind: 'DOUBLE', nullable }, null, 'null'],
    [{ kind: 'DECIMAL', precision: 10, scale: 2, nullable }, -1250n, '-12.5'],
    [{ kind: 'DECIMAL', precision: 10, scale: 4, nullable }, 5n, '0.0005'],
    [{ kind: 'STRING', nullable }, 'a"\\\n\u0001gr\u00fc\u{1f600}', '"a\\"\\\\\\n\\u0001grü😀"'],
    [timestamp(3), AT, '"2026-11-22 10:15:00"'],
    [timestamp(3), AT, '"2026-11-22T10:15:00"', iso],
    [timestamp(3), AT + 500, '"2026-11-22T10:15:00.5"', iso],
    [timestamp(3), AT + 1, '"2026-11-22T10:15:00.001"', iso],
    [timestamp(6), AT + 0.125, '"2026-11-22T10:15:00.000125"', iso],
    [timestamp(0), AT + 999, '"2026-11-22T10:15:00"', iso],
    [timestamp(3), -1, '"1969-12-31T23:59:59.999"', iso],
    [{ kind: 'TIMESTAMP_LTZ', precision: 3, nullable }, AT, '"2026-11-22T10:15:00Z"', iso],
    [{ kind: 'DATE', nullable }, 20_000, '"2024-10-04"'],
  ]
  for (const [type, value, expected, options] of cases) {
    assert.equal(encode(type, value, options), `{"v":${expected}}`, type.kind)
  }
  const ignoring = { 'json.encode.ignore-null-fields': 'true' }
  assert.equal(encode({ kind: 'INT', nullable }, null, ignoring), '{}')
})

test('what it writes, the decoder reads back', () => {
  const schema = {
    fields: [
      { name: 'quote"d', type: { kind: 'STRING', nullable } },
      { name: 'd', type: { kind: 'DOUBLE', nullable } },
      { name: 'l', type: { kind: 'BIGINT', nullable } },
      { name: 'c', type: { kind: 'DECIMAL', precision: 18, scale: 3, nullable } },
      { name: 't', type: timestamp(3) },
      { name: 'day', type: { kind: 'DATE', nullable } },
      { name: 'b', type: { kind: 'BOOLEAN', nullable } },
    ] as { name: string; type: LogicalType }[],
  }
  const builder = new ColumnBatchBuilder(schema)
  for (let i = 0; i < 2000; i++) {
    builder.appendRow([
      i % 11 === 0 ? `line\n${i}` : `s${i % 13}`,
      i % 7 === 0 ? null : (i - 1000) / 7,
      BigInt(i - 1000) * 1_234_567_890_123n,
      BigInt(i - 1000) * 987_654_321n,
      AT + i * 977,
      20_000 + i,
      i % 2 === 0,
    ])
  }
  const batch = builder.build()
  const spans = jsonFormat.createEncoder({ schema, options: {} }).encode(batch)
  const projection = schema.fields.map((_, k) => k)
  const metrics = new OperatorMetrics()
  const decoder = jsonFormat.createDecoder({ schema, projection, options: {}, metrics })
  const decoded = decoder.decode(spans, 0, spans.count, { locate: () => ({}) })
  assert.deepEqual(rowsOfBatch(decoded), rowsOfBatch(batch))
})
