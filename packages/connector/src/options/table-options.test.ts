/** Table options: what is known, and how mistakes are named. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { option } from '@millrace/core'
import { jsonFormat } from '../json/json-format.ts'
import { validateTableOptions } from './table-options.ts'

const topic = option.string({ key: 'topic', defaultValue: '', description: 'Topic.' })
const connector = { name: 'kafka', options: [topic], optionPrefixes: ['properties.'] }

test('knows the options of connector, format and planner, and prefixes', () => {
  validateTableOptions(connector, jsonFormat, {
    connector: 'kafka',
    topic: 't',
    'properties.anything': 'x',
    'json.ignore-parse-errors': 'TRUE',
    'scan.watermark.idle-timeout': '5 s',
    'scan.parallelism': '2',
    'sink.parallelism': '2',
  })
})

test('refuses others with the nearest name, and values of the wrong type with an example', () => {
  const refuse = (options: Record<string, string>, code: string, hint: RegExp) =>
    assert.throws(
      () => validateTableOptions(connector, jsonFormat, options),
      (error: Error & { code?: string; hint?: string; location?: { optionKey?: string } }) => {
        assert.equal(error.code, code)
        assert.match(error.hint ?? '', hint)
        assert.equal(error.location?.optionKey, Object.keys(options)[0])
        return true
      },
    )
  refuse({ topics: 't' }, 'TABLE_OPTION_UNKNOWN', /'topic'/)
  refuse({ 'json.ignore-parse-error': 't' }, 'TABLE_OPTION_UNKNOWN', /'json.ignore-parse-errors'/)
  refuse({ 'scan.paralelism': '1' }, 'TABLE_OPTION_UNKNOWN', /'scan.parallelism'/)
  refuse({ qqqqqqqqqq: '1' }, 'TABLE_OPTION_UNKNOWN', /Known options: /)
  refuse({ 'scan.watermark.idle-timeout': 'soon' }, 'TABLE_OPTION_INVALID', /10 s/)
})

test('the json format refuses options that contradict each other', () => {
  const both = { 'json.fail-on-missing-field': 'true', 'json.ignore-parse-errors': 'true' }
  assert.throws(() => jsonFormat.validate(both, { fields: [] }), /at most one/)
})
