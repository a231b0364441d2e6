/** Options of the `json` format, as written in a table's WITH clause. */
import { option } from '@millrace/core'

export const JSON_TIMESTAMP_STANDARD = option.enum({
  key: 'json.timestamp-format.standard',
  values: ['SQL', 'ISO-8601'],
  defaultValue: 'SQL',
  description:
    'SQL writes `2026-11-22 10:15:30.5`, ISO-8601 `2026-11-22T10:15:30.5`; TIMESTAMP_LTZ has a `Z` at the end.',
})
export const JSON_FAIL_ON_MISSING_FIELD = option.boolean({
  key: 'json.fail-on-missing-field',
  defaultValue: false,
  description:
    'Whether a record without one of the columns used is an error; else the column is NULL.',
})
export const JSON_IGNORE_PARSE_ERRORS = option.boolean({
  key: 'json.ignore-parse-errors',
  defaultValue: false,
  description:
    'Skip records that do not parse, and read fields that do not fit as NULL, instead of failing; both are counted in numRecordsInErrors.',
})
export const JSON_MAP_NULL_KEY_MODE = option.enum({
  key: 'json.map-null-key.mode',
  values: ['FAIL', 'DROP', 'LITERAL'],
  defaultValue: 'FAIL',
  description: 'Accepted so that existing tables work; there is no MAP type yet.',
})
export const JSON_MAP_NULL_KEY_LITERAL = option.string({
  key: 'json.map-null-key.literal',
  defaultValue: 'null',
  description: 'Accepted so that existing tables work; there is no MAP type yet.',
})
export const JSON_DECIMAL_AS_PLAIN_NUMBER = option.boolean({
  key: 'json.encode.decimal-as-plain-number',
  defaultValue: false,
  description:
    'Accepted; decimals are always written as plain numbers, never in scientific notation.',
})
export const JSON_IGNORE_NULL_FIELDS = option.boolean({
  key: 'json.encode.ignore-null-fields',
  defaultValue: false,
  description: 'Leave NULL columns out of written records.',
})

export const JSON_FORMAT_OPTIONS = [
  JSON_TIMESTAMP_STANDARD,
  JSON_FAIL_ON_MISSING_FIELD,
  JSON_IGNORE_PARSE_ERRORS,
  JSON_MAP_NULL_KEY_MODE,
  JSON_MAP_NULL_KEY_LITERAL,
  JSON_DECIMAL_AS_PLAIN_NUMBER,
  JSON_IGNORE_NULL_FIELDS,
] as const
