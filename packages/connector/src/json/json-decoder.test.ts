/**
 * The JSON decoder: each type by the general parser and by a generated scanner, and
 * what is refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ColumnBatch, type Field, type LogicalType, OperatorMetrics } from '@millrace/core'
import { RecordSpans } from '../format.ts'
import { valueAt } from '../testing/batch-rows.ts'
import { JsonDecoder } from './json-decoder.ts'
import type { JsonDecodeOptions } from './json-record-parser.ts'

const encoder = new TextEncoder()
const OPTIONS: JsonDecodeOptions = {
  timestampStandard: 'ISO-8601',
  failOnMissingField: false,
  ignoreParseErrors: false,
}
const STRING: LogicalType = { kind: 'STRING', nullable: true }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: true }
const INT: LogicalType = { kind: 'INT', nullable: true }
const TINYINT: LogicalType = { kind: 'TINYINT', nullable: true }
const SMALLINT: LogicalType = { kind: 'SMALLINT', nullable: true }
const FLOAT: LogicalType = { kind: 'FLOAT', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const BOOLEAN: LogicalType = { kind: 'BOOLEAN', nullable: true }
const DATE: LogicalType = { kind: 'DATE', nullable: true }
const timestamp = (precision: number): LogicalType => ({
  kind: 'TIMESTAMP',
  precision,
  nullable: true,
})
const DECIMAL: LogicalType = { kind: 'DECIMAL', precision: 10, scale: 2, nullable: true }
const field = (name: string, type: LogicalType): Field => ({ name, type })

function spansOf(records: readonly Uint8Array[]): RecordSpans {
  const bytes = Buffer.concat(records)
  const starts = new Int32Array(records.length)
  const lengths = Int32Array.from(records, (r) => r.length)
  for (let i = 1; i < records.length; i++) {
    starts[i] = (starts[i - 1] as number) + (lengths[i - 1] as number)
  }
  return new RecordSpans(new Uint8Array(bytes), starts, lengths, records.length)
}

function rowsOf(batch: ColumnBatch): unknown[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.columns.map((column) => valueAt(column, row)),
  )
}

function decode(
  fields: readonly Field[],
  texts: readonly string[],
  options: Partial<JsonDecodeOptions> = {},
): unknown[][] {
  const decoder = new JsonDecoder(fields, { ...OPTIONS, ...options }, new OperatorMetrics())
  const spans = spansOf(texts.map((text) => encoder.encode(text)))
  return rowsOf(decoder.decode(spans, 0, spans.count, { locate: () => ({}) }))
}

/**
 * Decodes each text as the fourth record of its own decoder, so that the generated
 * scanner meets it.
 */
function decodeBothWays(fields: readonly Field[], text: string): unknown[] {
  const [first, ...others] = decode(fields, [text, text, text])
  for (const other of others) assert.deepEqual(other, first, text)
  return first as unknown[]
}

test('reads each type from its usual and its lenient spellings, interpreted and generated alike', () => {
  const cases: [LogicalType, string, unknown][] = [
    [DOUBLE, '21.53', 21.53],
    [DOUBLE, '-0.5', -0.5],
    [DOUBLE, '-0', -0],
    [DOUBLE, '24', 24],
    [DOUBLE, '"24"', 24],
    [DOUBLE, '1e3', 1000],
    [DOUBLE, '1.7976931348623157e308', 1.7976931348623157e308],
    [DOUBLE, '123456789.123456', 123456789.123456],
    [DOUBLE, '0.1234567890123456789', Number('0.1234567890123456789')],
    [DOUBLE, '12345678901', 12345678901],
    [DOUBLE, '"NaN"', Number.NaN],
    [INT, '42', 42],
    [INT, '-2147483648', -2147483648],
    [INT, '2147483647', 2147483647],
    [INT, '" 7 "', 7],
    [INT, '7.9', 7],
    [TINYINT, '-128', -128],
    [TINYINT, '127', 127],
    [TINYINT, '" 7 "', 7],
    [SMALLINT, '32767', 32767],
    [FLOAT, '0.1', Math.fround(0.1)],
    [FLOAT, '"0.1"', Math.fround(0.1)],
    [FLOAT, '1e300', Number.POSITIVE_INFINITY],
    [BIGINT, '9007199254740993', 9007199254740993n],
    [BIGINT, '-999999999999999999', -999999999999999999n],
    [BIGINT, '-9223372036854775808', -9223372036854775808n],
    [BIGINT, '4294967296', 4294967296n],
    [BIGINT, '-4294967296', -4294967296n],
    [BIGINT, '-12', -12n],
    [BIGINT, '"12"', 12n],
    [BOOLEAN, 'true', true],
    [BOOLEAN, 'false', false],
    [BOOLEAN, '"TRUE"', true],
    [DECIMAL, '12.5', 1250n],
    [DECIMAL, '-0.05', -5n],
    [DECIMAL, '12.345', 1235n],
    [DECIMAL, '1e2', 10000n],
    [DECIMAL, '"7.10"', 710n],
    [STRING, '"plain"', 'plain'],
    [STRING, '"gr\u00fcn \u{1f600}"', 'grün 😀'],
    [STRING, '"a\\n\\u00e9\\ud83d\\ude00\\"\\\\\\/"', 'a\né😀"\\/'],
    [STRING, '"\\ud800"', '\ufffd'],
    [STRING, '12.50', '12.50'],
    [STRING, 'true', 'true'],
    [STRING, '{ "a" : [ 1, "x y" ] }', '{"a":[1,"x y"]}'],
    [STRING, 'null', null],
    [DOUBLE, 'null', null],
    [timestamp(3), '"2026-11-22T10:15:30"', Date.UTC(2026, 10, 22, 10, 15, 30)],
    [timestamp(3), '"2026-11-22T10:15:30.5"', Date.UTC(2026, 10, 22, 10, 15, 30, 500)],
    [timestamp(3), '"2026-11-22T10:15:30.123456"', Date.UTC(2026, 10, 22, 10, 15, 30, 123)],
    [timestamp(0), '"2026-11-22T10:15:30.9"', Date.UTC(2026, 10, 22, 10, 15, 30)],
    [timestamp(3), '"1969-12-31T23:59:59.999"', -1],
    [timestamp(3), '"2024-02-29T00:00:00"', Date.UTC(2024, 1, 29)],
    [
      { kind: 'TIMESTAMP_LTZ', precision: 3, nullable: true },
      '"2026-11-22T10:15:30.123Z"',
      Date.UTC(2026, 10, 22, 10, 15, 30, 123),
    ],
    [DATE, '"2026-11-22"', Date.UTC(2026, 10, 22) / 86_400_000],
    [{ kind: 'INTERVAL_DAY_TIME', nullable: true }, '86400000', 86_400_000],
  ]
  for (const [type, json, expected] of cases) {
    const row = decodeBothWays([field('v', type)], `{"v":${json}}`)
    assert.deepEqual(row, [expected], `${type.kind} from ${json}`)
  }
})

test('refuses a value that does not fit, naming field, type, text and place', () => {
  const cases: [LogicalType, string][] = [
    [DOUBLE, '"warm"'],
    [DOUBLE, 'true'],
    [DOUBLE, '{}'],
    [INT, '2147483648'],
    [INT, '"1.5"'],
    [TINYINT, '128'],
    [TINYINT, '1.5'],
    [TINYINT, '1e1'],
    [SMALLINT, '-32769'],
    [FLOAT, '"warm"'],
    [BIGINT, '9223372036854775808'],
    [BOOLEAN, '1'],
    [DECIMAL, '123456789.00'],
    [timestamp(3), '"2026-11-22 10:15:30"'],
    [timestamp(3), '"2026-11-22T10:15:30Z"'],
    [timestamp(3), '"2026-02-29T10:15:30"'],
    [timestamp(3), '"2026-11-22T24:00:00"'],
    [timestamp(3), '"2026-11-22T10:1a:00"'],
    [timestamp(3), '1795000000000'],
    [DATE, '"2026-11-22T00"'],
    [{ kind: 'TIMESTAMP_LTZ', precision: 3, nullable: true }, '"2026-11-22T10:15:30"'],
    [{ kind: 'INT', nullable: false }, 'null'],
  ]
  const good = {
    DOUBLE: '1.5',
    FLOAT: '1.5',
    TINYINT: '1',
    SMALLINT: '1',
    INT: '1',
    BIGINT: '1',
    BOOLEAN: 'true',
    DECIMAL: '1',
  }
  for (const [type, json] of cases) {
    const decoder = new JsonDecoder([field('v', type)], OPTIONS, new OperatorMetrics())
    const ok = (good as Record<string, string>)[type.kind] ?? '"2026-11-22T10:15:30"'
    const warm = type.kind === 'DATE' || type.kind === 'TIMESTAMP_LTZ' ? [] : [ok, ok]
    const texts = [...warm, json].map((value) => encoder.encode(`{"v":${value}}`))
    const place = { topic: 't', partition: 2, offset: '77' }
    assert.throws(
      () => decoder.decode(spansOf(texts), 0, texts.length, { locate: () => place }),
      (error: Error & { code?: string; location?: unknown }) => {
        assert.equal(error.code, 'FORMAT_RECORD_MALFORMED')
        assert.doesNotMatch(error.message, /topic/, 'the place stands in the location alone')
        assert.match(error.message, /'v'/)
        assert.deepEqual(error.location, place)
        return true
      },
      `${type.kind} from ${json}`,
    )
  }
})

test('skips and counts malformed records and reads misfits as NULL when told to', () => {
  const metrics = new OperatorMetrics()
  const fields = [field('a', INT), field('b', { kind: 'INT', nullable: false })]
  const decoder = new JsonDecoder(fields, { ...OPTIONS, ignoreParseErrors: true }, metrics)
  const texts = [
    '{"a":1,"b":1}',
    '{"a":2,"b":2',
    '{"a":"x","b":3}',
    '{"a":4,"b":"x"}',
    '{"a":5,"b":5}',
    '',
    '[]',
    '{"a":null,"b":6}',
  ]
  const spans = spansOf(texts.map((text) => encoder.encode(text)))
  const batch = decoder.decode(spans, 0, spans.count, { locate: () => ({}) })
  assert.deepEqual(rowsOf(batch), [
    [1, 1],
    [null, 3],
    [5, 5],
    [null, 6],
  ])
  assert.equal(metrics.numRecordsInErrors, 5)
})

test('what follows the document is not read, whatever shape the records before had', () => {
  const fields = [field('a', INT)]
  const plain = ['{"a":1}', '{"a":2}']
  const followed = ['{"a":3}{"a":4}', '{"a":5}\n{"a":6}', '{"a":7} x', '{"a":8}}', '{}]']
  for (const texts of [
    [...plain, ...followed],
    [...followed, ...plain],
  ]) {
    const read = texts.map((text) => [Number(/\d/.exec(text)?.[0] ?? 0) || null])
    assert.deepEqual(decode(fields, texts), read)
  }
  assert.throws(() => decode(fields, ['{"a":1', '{"a":2}']), /too early/)
})

test('reads missing fields as NULL, or fails when told to', () => {
  const fields = [field('a', INT), field('b', STRING)]
  assert.deepEqual(decode(fields, ['{"a":1}', '{"a":2}', '{"b":"x"}', '{}']), [
    [1, null],
    [2, null],
    [null, 'x'],
    [null, null],
  ])
  assert.throws(() => decode(fields, ['{"a":1}'], { failOnMissingField: true }), /'b' is missing/)
})

test('the last of duplicate keys wins, unknown fields are checked, tombstones give no row', () => {
  const fields = [field('a', INT)]
  assert.deepEqual(decode(fields, ['{"a":1,"a":2}', '{"a":null,"a":3}', '{"a":3,"a":null}']), [
    [2],
    [3],
    [null],
  ])
  const bad = ['{"a":1,"z":"\\x"}', '{"a":1,"z":01}', '{"a":1,"z":[1,]}', '{"a":1,"z":tru}']
  for (const text of bad) assert.throws(() => decode(fields, ['{"a":1,"z":0}', text]), text)
  const spans = spansOf([encoder.encode('{"a":1}'), new Uint8Array(0), encoder.encode('{"a":2}')])
  spans.lengths[1] = -1
  const decoder = new JsonDecoder(fields, OPTIONS, new OperatorMetrics())
  assert.deepEqual(rowsOf(decoder.decode(spans, 0, 3, { locate: () => ({}) })), [[1], [2]])
})

test('a column of many different strings turns from a dictionary to references without a change in values', () => {
  const decoder = new JsonDecoder([field('s', STRING)], OPTIONS, new OperatorMetrics())
  let kinds = ''
  for (let round = 0; round < 12; round++) {
    const values = Array.from({ length: 2000 }, (_, i) =>
      i % 500 === 3 ? `esc"\n${round}-${i}` : i % 500 === 4 ? null : `v${round}-${i}`,
    )
    const spans = spansOf(values.map((s) => encoder.encode(JSON.stringify({ s }))))
    const batch = decoder.decode(spans, 0, spans.count, { locate: () => ({}) })
    const column = batch.columns[0]
    kinds += column?.kind === 'str' && column.codes === null ? 'r' : 'd'
    assert.deepEqual(
      rowsOf(batch).map((row) => row[0]),
      values,
    )
  }
  assert.match(kinds, /^d+r+$/)
})
