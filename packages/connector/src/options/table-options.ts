/**
 * Checks a table's WITH clause against what its connector, its format and the planner know.
 *
 * Every connector's `plan` calls it first, so that a mistyped option fails where the table is used,
 * with the nearest known name.
 */
import { type ConfigOption, nearestName, option, parseConfigValue } from '@millrace/core'
import { connectorError } from '../error-codes.ts'
import type { Format } from '../format.ts'
import type { TableConnector, TableDescription } from '../table-connector.ts'

export const FORMAT_OPTION = option.string({
  key: 'format',
  defaultValue: undefined as string | undefined,
  description: 'How records are written as bytes, e.g. `json`.',
})
export const SCAN_PARALLELISM = option.int({
  key: 'scan.parallelism',
  defaultValue: undefined as number | undefined,
  description: 'Parallelism of the source; the default is that of the job.',
})
export const SINK_PARALLELISM = option.int({
  key: 'sink.parallelism',
  defaultValue: undefined as number | undefined,
  description: 'Parallelism of the sink; the default is that of its input.',
})
export const SCAN_WATERMARK_EMIT_STRATEGY = option.enum({
  key: 'scan.watermark.emit.strategy',
  values: ['on-periodic', 'on-event'],
  defaultValue: 'on-periodic',
  description: 'When watermarks are emitted: at intervals, or after every batch of records.',
})
export const SCAN_WATERMARK_EMIT_ON_EVENT_GAP = option.int({
  key: 'scan.watermark.emit.on-event.gap',
  defaultValue: 1,
  description: 'With on-event: records between two watermarks.',
})
export const SCAN_WATERMARK_IDLE_TIMEOUT = option.duration({
  key: 'scan.watermark.idle-timeout',
  defaultValue: undefined as number | undefined,
  description: 'A split without records for so long no longer holds back the watermark.',
})
export const SCAN_WATERMARK_ALIGNMENT_GROUP = option.string({
  key: 'scan.watermark.alignment.group',
  defaultValue: undefined as string | undefined,
  description: 'Name of the group of sources whose watermarks are kept close.',
})
export const SCAN_WATERMARK_ALIGNMENT_MAX_DRIFT = option.duration({
  key: 'scan.watermark.alignment.max-drift',
  defaultValue: undefined as number | undefined,
  description: 'How far a source of the group may run ahead.',
})
export const SCAN_WATERMARK_ALIGNMENT_UPDATE_INTERVAL = option.duration({
  key: 'scan.watermark.alignment.update-interval',
  defaultValue: 1000,
  description: 'How often sources of the group compare their watermarks.',
})

/** Known for every table, whatever the connector. */
export const PLANNER_TABLE_OPTIONS: readonly ConfigOption<unknown>[] = [
  SCAN_PARALLELISM,
  SINK_PARALLELISM,
  SCAN_WATERMARK_EMIT_STRATEGY,
  SCAN_WATERMARK_EMIT_ON_EVENT_GAP,
  SCAN_WATERMARK_IDLE_TIMEOUT,
  SCAN_WATERMARK_ALIGNMENT_GROUP,
  SCAN_WATERMARK_ALIGNMENT_MAX_DRIFT,
  SCAN_WATERMARK_ALIGNMENT_UPDATE_INTERVAL,
]

/**
 * Throws TABLE_OPTION_UNKNOWN or TABLE_OPTION_INVALID for the first option that does not fit.
 * `format` is null for a connector without one. Option keys are those of the WITH clause;
 * `connector` itself may be among them.
 */
export function validateTableOptions(
  connector: Pick<TableConnector, 'name' | 'options' | 'optionPrefixes'>,
  format: Pick<Format, 'options'> | null,
  options: Readonly<Record<string, string>>,
): void {
  const known = new Map<string, ConfigOption<unknown>>()
  const declared = [...connector.options, ...(format?.options ?? []), ...PLANNER_TABLE_OPTIONS]
  for (const declaration of declared) {
    for (const key of [declaration.key, ...declaration.aliases]) known.set(key, declaration)
  }
  for (const [key, text] of Object.entries(options)) {
    if (key === 'connector') continue
    const declaration = known.get(key)
    if (declaration === undefined) {
      if (connector.optionPrefixes.some((prefix) => key.startsWith(prefix))) continue
      throw unknownOption(connector.name, key, [...known.keys()])
    }
    const parsed = parseConfigValue(declaration, text)
    if (parsed.ok) continue
    throw connectorError(
      'TABLE_OPTION_INVALID',
      `Set '${key}' to ${parsed.expected}; it is '${text}'.`,
      { location: { optionKey: key }, hint: parsed.example },
    )
  }
}

function unknownOption(connector: string, key: string, known: readonly string[]): Error {
  const nearest = nearestName(key, known)
  return connectorError(
    'TABLE_OPTION_UNKNOWN',
    `Unknown option '${key}' for connector '${connector}'.`,
    {
      location: { optionKey: key },
      hint:
        nearest === undefined
          ? `Known options: ${[...known].sort().join(', ')}.`
          : `Did you mean '${nearest}'?`,
    },
  )
}

/** The option's text; throws TABLE_OPTION_MISSING when it is not set. */
export function requiredTableOption(
  connectorName: string,
  declaration: Pick<ConfigOption<unknown>, 'key' | 'description'>,
  options: Readonly<Record<string, string>>,
): string {
  const text = options[declaration.key]
  if (text !== undefined && text !== '') return text
  throw connectorError(
    'TABLE_OPTION_MISSING',
    `Set option '${declaration.key}' of connector '${connectorName}'; it is missing.`,
    { location: { optionKey: declaration.key }, hint: declaration.description },
  )
}

/** Of the reference engine. */
const LATER_FORMATS = new Set(
  `csv raw avro avro-confluent protobuf debezium-json debezium-avro-confluent canal-json
   maxwell-json ogg-json parquet orc`
    .trim()
    .split(/\s+/),
)

/** The table's format, found by its `format` option, with `json.…` options checked. */
export function formatOfTable(
  connectorName: string,
  table: Pick<TableDescription, 'options' | 'formats' | 'schema'>,
): Format {
  const name = requiredTableOption(connectorName, FORMAT_OPTION, table.options)
  const format = table.formats.get(name)
  if (format === undefined) {
    const known = [...table.formats.keys()]
    const isLater = LATER_FORMATS.has(name)
    const nearest = isLater ? undefined : nearestName(name, known)
    const what = isLater
      ? `The format '${name}' is not supported yet.`
      : `Unknown format '${name}'.`
    throw connectorError('TABLE_OPTION_INVALID', what, {
      location: { optionKey: 'format' },
      hint: nearest ? `Did you mean '${nearest}'?` : `Known formats: ${known.sort().join(', ')}.`,
    })
  }
  format.validate(table.options, table.schema)
  return format
}
