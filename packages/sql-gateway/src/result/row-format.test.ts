/**
 * Values and types of result rows in both formats, as the reference engine was
 * recorded to give them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogicalType } from '@millrace/core'
import type { ResultType } from '@millrace/rest-api'
import { resultColumns, resultType } from './result-type.ts'
import { rowFormatter, toWire } from './row-format.ts'

const INTERVAL = { precision: 2 }
const N = true

type Case = [
  type: LogicalType,
  root: Omit<ResultType, 'nullable'>,
  given: unknown,
  json: string,
  text: string,
]
const CASES: readonly Case[] = [
  [{ kind: 'BOOLEAN', nullable: N }, { type: 'BOOLEAN' }, true, 'true', 'TRUE'],
  [{ kind: 'TINYINT', nullable: N }, { type: 'TINYINT' }, -7, '-7', '-7'],
  [{ kind: 'SMALLINT', nullable: N }, { type: 'SMALLINT' }, 300, '300', '300'],
  [{ kind: 'FLOAT', nullable: N }, { type: 'FLOAT' }, 1.5, '1.5', '1.5'],
  [
    { kind: 'STRING', length: 5, fixed: true, nullable: N },
    { type: 'CHAR', length: 5 },
    'ab   ',
    '"ab   "',
    'ab   ',
  ],
  [
    { kind: 'STRING', length: 4, nullable: N },
    { type: 'VARCHAR', length: 4 },
    'abc',
    '"abc"',
    'abc',
  ],
  [{ kind: 'INT', nullable: N }, { type: 'INTEGER' }, 42, '42', '42'],
  [{ kind: 'BIGINT', nullable: N }, { type: 'BIGINT' }, 7, '7', '7'],
  [
    { kind: 'BIGINT', nullable: N },
    { type: 'BIGINT' },
    '9007199254740993',
    '9007199254740993',
    '9007199254740993',
  ],
  [{ kind: 'DOUBLE', nullable: N }, { type: 'DOUBLE' }, 1e10, '10000000000', '1.0E10'],
  [{ kind: 'DOUBLE', nullable: N }, { type: 'DOUBLE' }, 'NaN', '"NaN"', 'NaN'],
  [{ kind: 'DOUBLE', nullable: N }, { type: 'DOUBLE' }, '-Infinity', '"-Infinity"', '-Infinity'],
  [{ kind: 'DOUBLE', nullable: N }, { type: 'DOUBLE' }, '-0.0', '-0.0', '-0.0'],
  [
    { kind: 'DECIMAL', precision: 10, scale: 2, nullable: N },
    { type: 'DECIMAL', precision: 10, scale: 2 },
    '12.50',
    '12.5',
    '12.50',
  ],
  [
    { kind: 'DECIMAL', precision: 18, scale: 3, nullable: N },
    { type: 'DECIMAL', precision: 18, scale: 3 },
    '123456789012345.670',
    '123456789012345.67',
    '123456789012345.670',
  ],
  [
    { kind: 'DECIMAL', precision: 18, scale: 8, nullable: N },
    { type: 'DECIMAL', precision: 18, scale: 8 },
    '0.00000010',
    '0.0000001',
    '0.00000010',
  ],
  [
    { kind: 'STRING', nullable: N },
    { type: 'VARCHAR', length: 2_147_483_647 },
    'it\'s "q" ü',
    '"it\'s \\"q\\" ü"',
    'it\'s "q" ü',
  ],
  [{ kind: 'DATE', nullable: N }, { type: 'DATE' }, '2024-02-29', '"2024-02-29"', '2024-02-29'],
  [
    { kind: 'TIMESTAMP', precision: 3, nullable: N },
    { type: 'TIMESTAMP_WITHOUT_TIME_ZONE', precision: 3 },
    '2024-02-29 10:11:12.500',
    '"2024-02-29T10:11:12.5"',
    '2024-02-29 10:11:12.500',
  ],
  [
    { kind: 'TIMESTAMP', precision: 0, nullable: N },
    { type: 'TIMESTAMP_WITHOUT_TIME_ZONE', precision: 0 },
    '2024-02-29 10:11:10',
    '"2024-02-29T10:11:10"',
    '2024-02-29 10:11:10',
  ],
  [
    { kind: 'TIMESTAMP', precision: 6, nullable: N },
    { type: 'TIMESTAMP_WITHOUT_TIME_ZONE', precision: 6 },
    '2024-02-29 10:11:10.000000',
    '"2024-02-29T10:11:10"',
    '2024-02-29 10:11:10.000000',
  ],
  [
    { kind: 'TIMESTAMP_LTZ', precision: 3, nullable: N },
    { type: 'TIMESTAMP_WITH_LOCAL_TIME_ZONE', precision: 3 },
    '2024-02-29 10:11:12.500',
    '"2024-02-29T10:11:12.5Z"',
    '2024-02-29 18:11:12.500',
  ],
  [
    { kind: 'INTERVAL_DAY_TIME', nullable: N },
    { type: 'INTERVAL_DAY_TIME', ...INTERVAL, fractionalPrecision: 3, resolution: 'SECOND' },
    93784005,
    '93784005',
    '+1 02:03:04.005',
  ],
  [
    { kind: 'INTERVAL_YEAR_MONTH', nullable: N },
    { type: 'INTERVAL_YEAR_MONTH', ...INTERVAL, resolution: 'MONTH' },
    -14,
    '-14',
    '-1-02',
  ],
]

for (const [type, root, given, json, text] of CASES) {
  test(`${type.kind} ${given} is ${json} in JSON and ${text} in plain text`, () => {
    assert.deepEqual(resultType(type), { ...root, nullable: true })
    assert.equal(resultType({ ...type, nullable: false }).nullable, false)
    const schema = { fields: [{ name: 'c', type }] }
    const row = { kind: 'INSERT' as const, fields: [given] }
    const typed = rowFormatter(schema, 'JSON', '+08:00')(row)
    assert.equal(JSON.stringify(toWire(resultColumns(schema), [typed])[0]?.fields), `[${json}]`)
    assert.deepEqual(rowFormatter(schema, 'PLAIN_TEXT', '+08:00')(row).fields, [text])
  })
}

test('NULL is null in both formats', () => {
  const schema = { fields: CASES.map(([type], index) => ({ name: `c${index}`, type })) }
  const row = { kind: 'DELETE' as const, fields: CASES.map(() => null) }
  for (const format of ['JSON', 'PLAIN_TEXT'] as const) {
    assert.deepEqual(rowFormatter(schema, format, 'UTC')(row), row)
  }
})
