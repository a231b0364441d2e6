/**
 * Workload → what the harness needs of it: the SQL script, and the lines of every partition
 * with their times.
 *
 * The script is complete but for the places that `WorkloadPlaces` fills in.
 */
import { besideSql } from './beside.ts'
import { expressionText } from './model/expression.ts'
import { queryColumns, type SourceTable } from './model/query.ts'
import { intervalText, queryText } from './model/query-text.ts'
import {
  jsonValue,
  quote,
  SINK_DECIMAL,
  type SqlValue,
  type TimestampStandard,
  typeText,
} from './model/sql-type.ts'
import { type InputRow, inputName, OUTPUT, OUTPUT_NAME, type Workload } from './workload.ts'

export interface WorkloadPlaces {
  /** For Kafka tables. */
  readonly bootstrapServers?: string
  /** Directory that holds one directory a table, for filesystem sources. */
  readonly inputDirectory?: string
  /** Directory in which the sink's directory is, for filesystem sinks. */
  readonly outputDirectory?: string
  /** Text before each row of a print sink; default none. */
  readonly printIdentifier?: string
  /** Name of the table that the job writes; default `OUTPUT`. */
  readonly sinkTable?: string
  /** Of a Kafka sink; default `OUTPUT_NAME`. */
  readonly sinkTopic?: string
  /** Of the tables of a second pipeline. */
  readonly besideFormat?: string
  /** Further SET statements; they win over the workload's. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface ArrivingLine {
  readonly atMs: number
  readonly line: string
}

function place(
  places: WorkloadPlaces,
  name: 'bootstrapServers' | 'inputDirectory' | 'outputDirectory',
): string {
  const value = places[name]
  if (value === undefined) throw new Error(`The workload needs places.${name}`)
  return value
}

function withClause(options: Readonly<Record<string, string>>): string {
  const entries = Object.entries(options).map(([key, value]) => `${quote(key)} = ${quote(value)}`)
  return `WITH (${entries.join(', ')})`
}

function jsonOptions(standard: TimestampStandard): Record<string, string> {
  return { format: 'json', 'json.timestamp-format.standard': standard }
}

function sourceTable(table: SourceTable, workload: Workload, places: WorkloadPlaces): string {
  const columns = table.columns.map(({ name, type }) => `${name} ${typeText(type)}`)
  for (const { name, expression } of table.computed) {
    columns.push(`${name} AS ${expressionText(expression)}`)
  }
  const delay = `${table.rowtime} - ${intervalText(table.watermarkDelayMs)}`
  columns.push(`WATERMARK FOR ${table.rowtime} AS ${delay}`)
  const options =
    workload.source === 'kafka'
      ? {
          connector: 'kafka',
          topic: table.input ?? inputName(table.name),
          'properties.bootstrap.servers': place(places, 'bootstrapServers'),
          'properties.group.id': 'workload',
          'scan.startup.mode': 'earliest-offset',
          ...(workload.bounded ? { 'scan.bounded.mode': 'latest-offset' } : {}),
          ...workload.sourceProperties,
        }
      : {
          connector: 'filesystem',
          path: `${place(places, 'inputDirectory')}/${table.input ?? inputName(table.name)}`,
          ...(workload.bounded ? {} : { 'source.monitor-interval': '200 ms' }),
        }
  return `CREATE TABLE ${table.name} (${columns.join(', ')})
${withClause({ ...options, ...jsonOptions(workload.timestampStandard) })};`
}

function sinkOptions(workload: Workload, places: WorkloadPlaces): Record<string, string> {
  const parallelism: Record<string, string> =
    workload.sinkParallelism === null
      ? {}
      : { 'sink.parallelism': String(workload.sinkParallelism) }
  switch (workload.sink) {
    case 'print':
      return {
        connector: 'print',
        'print-identifier': places.printIdentifier ?? '',
        ...parallelism,
      }
    case 'filesystem':
      return {
        connector: 'filesystem',
        path: `${place(places, 'outputDirectory')}/${OUTPUT_NAME}`,
        ...parallelism,
        ...jsonOptions(workload.timestampStandard),
      }
    case 'kafka': {
      const written: Record<string, string> = { 'sink.delivery-guarantee': workload.guarantee }
      if (workload.guarantee === 'exactly-once') {
        written['sink.transactional-id-prefix'] = 'workload'
      }
      return {
        connector: 'kafka',
        topic: places.sinkTopic ?? OUTPUT_NAME,
        'properties.bootstrap.servers': place(places, 'bootstrapServers'),
        ...(workload.guaranteeWritten ? written : {}),
        ...workload.sinkProperties,
        ...parallelism,
        ...jsonOptions(workload.timestampStandard),
      }
    }
  }
}

/**
 * The whole script: tables, views, SET statements and one INSERT, or a set of two, which is the
 * job.
 */
export function workloadSql(workload: Workload, places: WorkloadPlaces): string {
  const { tables, query } = workload
  const columns = queryColumns(query, tables).map(({ name, type }) => {
    return `${name} ${typeText(type.kind === 'DECIMAL' ? SINK_DECIMAL : type)}`
  })
  const text = queryText(query)
  const output = places.sinkTable ?? OUTPUT
  const settings = {
    'parallelism.default': String(workload.parallelism),
    ...workload.settings,
    ...places.settings,
  }
  const insert = `INSERT INTO ${output}\n${text.with}${text.select};`
  const beside = besideOf(workload, places)
  return [
    ...(beside?.tables ?? []),
    ...tables.map((table) => sourceTable(table, workload, places)),
    `CREATE TABLE ${output} (${columns.join(', ')})\n${withClause(sinkOptions(workload, places))};`,
    ...text.views,
    ...Object.entries(settings).map(([key, value]) => `SET ${quote(key)} = ${quote(value)};`),
    ...(beside === null
      ? [insert]
      : ['EXECUTE STATEMENT SET BEGIN', insert, beside.insert, 'END;']),
    '',
  ].join('\n')
}

function besideOf(workload: Workload, places: WorkloadPlaces) {
  if (workload.beside === undefined) return null
  return besideSql({
    inputDirectory: place(places, 'inputDirectory'),
    outputDirectory: place(places, 'outputDirectory'),
    format: places.besideFormat ?? 'json',
  })
}

/** The arrivals of each partition of a table, in order. */
export function inputLines(workload: Workload, table: string): readonly ArrivingLine[][] {
  const description = workload.tables.find(({ name }) => name === table)
  const input = workload.inputs.find((candidate) => candidate.table === table)
  if (description === undefined || input === undefined) throw new Error(`No table '${table}'`)
  return input.partitions.map((rows) =>
    rows.map((row, index) => ({
      atMs: row.atMs,
      line: lineOf(row, index, description, workload.timestampStandard),
    })),
  )
}

/**
 * Most lines have the columns in order; some turn them round or leave out NULLs, as
 * real producers do.
 */
function lineOf(
  row: InputRow,
  index: number,
  table: SourceTable,
  standard: TimestampStandard,
): string {
  const entries = table.columns.map(({ name, type }): [string, unknown] => [
    name,
    jsonValue(row.values[name] as SqlValue, type, standard),
  ])
  if (index % 19 === 7) entries.reverse()
  const kept = index % 5 === 3 ? entries.filter(([, value]) => value !== null) : entries
  return JSON.stringify(Object.fromEntries(kept))
}
