/**
 * The `json` format: registers under `'format' = 'json'` and makes decoders and encoders from a
 * table's options.
 */
import { Configuration, type Field, type Schema } from '@millrace/core'
import { connectorError } from '../error-codes.ts'
import type { Format } from '../format.ts'
import { JsonDecoder } from './json-decoder.ts'
import { JsonEncoder } from './json-encoder.ts'
import {
  JSON_FAIL_ON_MISSING_FIELD,
  JSON_FORMAT_OPTIONS,
  JSON_IGNORE_NULL_FIELDS,
  JSON_IGNORE_PARSE_ERRORS,
  JSON_TIMESTAMP_STANDARD,
} from './json-format-options.ts'

function validate(options: Readonly<Record<string, string>>, _schema: Schema): void {
  const configuration = new Configuration(options)
  for (const known of JSON_FORMAT_OPTIONS) configuration.get(known as never)
  const bothSet =
    configuration.get(JSON_FAIL_ON_MISSING_FIELD) && configuration.get(JSON_IGNORE_PARSE_ERRORS)
  if (bothSet) {
    throw connectorError(
      'TABLE_OPTION_INVALID',
      "Set at most one of 'json.fail-on-missing-field' and 'json.ignore-parse-errors' to true; both are.",
      { location: { optionKey: JSON_FAIL_ON_MISSING_FIELD.key } },
    )
  }
}

export const jsonFormat: Format = {
  name: 'json',
  options: JSON_FORMAT_OPTIONS,
  validate,
  createDecoder({ schema, projection, options, metrics }) {
    const configuration = new Configuration(options)
    return new JsonDecoder(
      projection.map((index) => schema.fields[index] as Field),
      {
        timestampStandard: configuration.get(JSON_TIMESTAMP_STANDARD),
        failOnMissingField: configuration.get(JSON_FAIL_ON_MISSING_FIELD),
        ignoreParseErrors: configuration.get(JSON_IGNORE_PARSE_ERRORS),
      },
      metrics,
    )
  },
  createEncoder({ schema, options }) {
    const configuration = new Configuration(options)
    return new JsonEncoder(schema, {
      timestampStandard: configuration.get(JSON_TIMESTAMP_STANDARD),
      ignoreNullFields: configuration.get(JSON_IGNORE_NULL_FIELDS),
    })
  },
}
