/** The end of a pipeline: a table's writer for INSERT, the collector for a SELECT. */
import {
  CLIENT_HEARTBEAT_TIMEOUT,
  COLLECT_BUFFER_ROWS,
  type CollectSinkConfig,
  SQL_COORDINATORS,
  SQL_OPERATORS,
  type TableSinkConfig,
} from '@millrace/sql-operators'
import { type CatalogTable, formatPath } from '../catalog/catalog-object.ts'
import { raise } from '../error-codes.ts'
import type { Span } from '../parse/token.ts'
import {
  checkedParallelism,
  describeColumns,
  exchange,
  type PhysicalContext,
} from './physical-context.ts'
import type { PhysicalNode } from './physical-plan.ts'

/** `input` has the table's physical schema. */
export function buildTableSink(
  input: PhysicalNode,
  table: CatalogTable,
  options: Readonly<Record<string, string>>,
  span: Span,
  context: PhysicalContext,
): PhysicalNode {
  const tableName = formatPath(table.path)
  const sink = context.connectors.get(table.connector)?.sink
  if (sink === undefined) {
    throw raise(
      'SQL_INVALID',
      span,
      `The table '${table.path.name}' cannot be written to: connector '${table.connector}' only reads.`,
    )
  }
  const settings = sink.plan({
    tableName,
    schema: table.physicalSchema,
    options,
    formats: context.formats,
  })
  if (input.traits.changes !== 'insert' && settings.accepts === 'insert') {
    throw raise(
      'SQL_CHANGELOG',
      span,
      `Table sink '${tableName}' doesn't support consuming update changes which is produced by node ${input.traits.by}.`,
      'Group by a window, whose results are final, or write to a connector that takes updates.',
    )
  }
  const parallelism =
    settings.parallelism === undefined
      ? input.parallelism
      : checkedParallelism(settings.parallelism, 'sink.parallelism', context)
  const config: TableSinkConfig = {
    connector: table.connector,
    tableName,
    config: settings.config,
    schema: table.physicalSchema,
  }
  return {
    title: 'Sink',
    details: `table=[${tableName}], fields=${describeColumns(table.physicalSchema.fields)}`,
    factory: SQL_OPERATORS.tableSink,
    config,
    identity: `sink ${tableName}`,
    lineage: input.lineage,
    schema: table.physicalSchema,
    parallelism,
    inputs: [
      exchange(input, parallelism, settings.accepts === 'retract' ? 'needed' : 'not-needed'),
    ],
    traits: input.traits,
  }
}

/** Rows to the client, in one subtask. */
export function buildCollect(input: PhysicalNode, context: PhysicalContext): PhysicalNode {
  const bufferRowsMax = context.configuration.get(COLLECT_BUFFER_ROWS)
  const clientTimeoutMs = context.configuration.get(CLIENT_HEARTBEAT_TIMEOUT)
  const config: CollectSinkConfig = { schema: input.schema }
  return {
    title: 'Collect',
    details: `fields=${describeColumns(input.schema.fields)}`,
    factory: SQL_OPERATORS.collectSink,
    config,
    coordinator: { factory: SQL_COORDINATORS.collect, config: { bufferRowsMax, clientTimeoutMs } },
    identity: 'collect',
    lineage: input.lineage,
    schema: input.schema,
    parallelism: 1,
    single: true,
    inputs: [exchange(input, 1, 'needed')],
    traits: input.traits,
  }
}
