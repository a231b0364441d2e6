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
import { LOCAL_TIME_ZONE } from '../sql-options.ts'
import type { PhysicalNode } from './physical-plan.ts'
import {
  checkedParallelism,
  describeColumns,
  exchange,
  type PlannerContext,
} from './planner-context.ts'

/** `input` has the table's physical schema. */
export function planTableSink(
  input: PhysicalNode,
  table: CatalogTable,
  options: Readonly<Record<string, string>>,
  span: Span,
  context: PlannerContext,
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
  const plan = sink.plan({
    tableName,
    schema: table.physicalSchema,
    options,
    formats: context.formats,
  })
  if (input.updatedBy !== null && !plan.acceptsChangelog) {
    throw raise(
      'SQL_CHANGELOG',
      span,
      `Table sink '${tableName}' doesn't support consuming update changes which is produced by node ${input.updatedBy}.`,
      'Group by a window, whose results are final, or write to a connector that takes updates.',
    )
  }
  const parallelism =
    plan.parallelism === undefined
      ? input.parallelism
      : checkedParallelism(plan.parallelism, 'sink.parallelism', context)
  const config: TableSinkConfig = {
    connector: table.connector,
    tableName,
    config: plan.config,
    schema: table.physicalSchema,
  }
  return {
    title: 'Sink',
    details: `table=[${tableName}], fields=${describeColumns(table.physicalSchema.fields)}`,
    factory: SQL_OPERATORS.tableSink,
    config,
    identity: `sink ${tableName}`,
    schema: table.physicalSchema,
    parallelism,
    inputs: [exchange(input, parallelism)],
    updatedBy: input.updatedBy,
    bounded: input.bounded,
  }
}

/** Rows to the client, in one subtask. */
export function planCollect(input: PhysicalNode, context: PlannerContext): PhysicalNode {
  const localTimeZone = context.configuration.get(LOCAL_TIME_ZONE)
  const bufferRowsMax = context.configuration.get(COLLECT_BUFFER_ROWS)
  const clientTimeoutMs = context.configuration.get(CLIENT_HEARTBEAT_TIMEOUT)
  const config: CollectSinkConfig = { schema: input.schema, localTimeZone }
  return {
    title: 'Collect',
    details: `fields=${describeColumns(input.schema.fields)}`,
    factory: SQL_OPERATORS.collectSink,
    config,
    coordinator: { factory: SQL_COORDINATORS.collect, config: { bufferRowsMax, clientTimeoutMs } },
    identity: 'collect',
    schema: input.schema,
    parallelism: 1,
    inputs: [exchange(input, 1)],
    updatedBy: input.updatedBy,
    bounded: input.bounded,
  }
}
