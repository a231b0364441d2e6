/**
 * A scan, with the filter and the projection right above it → one `table-source`.
 *
 * The source decodes only the physical columns that the output, the filter and the watermark read;
 * computed columns are expressions over them. When the output is the decoded columns as they are,
 * no projection runs at all.
 */
import {
  SCAN_WATERMARK_ALIGNMENT_GROUP,
  SCAN_WATERMARK_EMIT_ON_EVENT_GAP,
  SCAN_WATERMARK_EMIT_STRATEGY,
  SCAN_WATERMARK_IDLE_TIMEOUT,
  type SourcePlan,
} from '@millrace/connector'
import { Configuration, type Schema } from '@millrace/core'
import { columnsUsed, type Expression, formatExpression, remapColumns } from '@millrace/expression'
import {
  SQL_COORDINATORS,
  SQL_OPERATORS,
  type TableSourceConfig,
  type WatermarkConfig,
} from '@millrace/sql-operators'
import { formatPath } from '../catalog/catalog-object.ts'
import { notSupported, raise } from '../error-codes.ts'
import type { ScanNode } from '../logical/logical-plan.ts'
import {
  AUTO_WATERMARK_INTERVAL,
  EMPTY_SPLIT_HOLDS_WATERMARK,
  RUNTIME_MODE,
  SOURCE_IDLE_TIMEOUT,
} from '../sql-options.ts'
import { inlineColumns, isIdentity } from '../validate/expression-parts.ts'
import { columnNames, lineageThrough, ownColumns } from './lineage.ts'
import {
  checkedParallelism,
  defaultParallelism,
  describeColumns,
  type PhysicalContext,
} from './physical-context.ts'
import type { PhysicalNode } from './physical-plan.ts'
import { insertOnly, isRowtime, type Rowtime } from './traits.ts'

/** `filter` and `output` are over the scan's columns. */
export function buildSource(
  scan: ScanNode,
  filter: Expression | null,
  output: readonly Expression[],
  outputSchema: Schema,
  context: PhysicalContext,
): PhysicalNode {
  const { table } = scan
  const columns = scan.columns.map((i) => table.columns[i]!.expression)
  const overPhysical = (expression: Expression) => inlineColumns(expression, columns)
  const outputs = output.map(overPhysical)
  const condition = filter === null ? null : overPhysical(filter)
  const settings = scanSettings(scan, context)
  const watermark = watermarkOf(scan, settings.bounded, context)
  const read = [
    ...outputs,
    ...(condition === null ? [] : [condition]),
    ...(watermark === null ? [] : [watermark.rowtime, watermark.watermark]),
  ]
  const used = columnsUsed(read)
  const projection = used.length === 0 ? [0] : used
  const decoded = new Map(projection.map((column, position) => [column, position]))
  const move = (expression: Expression) =>
    remapColumns(expression, (index) => decoded.get(index) as number)
  const moved = outputs.map(move)
  const tableName = formatPath(table.path)
  const config: TableSourceConfig = {
    connector: table.connector,
    tableName,
    config: settings.config,
    physicalSchema: table.physicalSchema,
    projection,
    watermark:
      watermark === null
        ? null
        : {
            ...watermark,
            rowtime: move(watermark.rowtime),
            watermark: move(watermark.watermark),
          },
    filter: condition === null ? null : move(condition),
    output: isIdentity(moved, projection.length) ? null : moved,
    outputSchema,
  }
  const coordinatorConfig = { connector: table.connector, tableName, config: settings.config }
  return {
    title: 'TableSourceScan',
    details: describeSource(config),
    factory: SQL_OPERATORS.tableSource,
    config,
    coordinator: { factory: SQL_COORDINATORS.source, config: coordinatorConfig },
    ...sourceState(table.connector, tableName, settings.reads),
    lineage: lineageThrough(
      ownColumns(columnNames(table.physicalSchema), table.physicalSchema),
      condition,
      outputs,
    ),
    schema: outputSchema,
    parallelism: settings.parallelism,
    inputs: [],
    traits: insertOnly({ bounded: settings.bounded, rowtime: rowtimeOf(config, settings.bounded) }),
  }
}

/**
 * Offsets are of what is read; the table's name tells apart what reads the same. How it is read, by
 * which brokers, formats and watermarks, does not matter to them.
 */
function sourceState(
  connector: string,
  tableName: string,
  what: readonly string[] | undefined,
): Pick<PhysicalNode, 'identity' | 'reads' | 'content' | 'madeOf'> {
  const byTableName = `source ${tableName}`
  if (what === undefined) return { identity: byTableName }
  return {
    identity: `source ${connector} ${JSON.stringify(what)}`,
    content: tableName,
    reads: { byTableName, what: what.map((each) => `${connector} ${each}`) },
    madeOf: { reads: `${connector} ${what.join(', ')}`, table: tableName },
  }
}

/** Without a watermark a rowtime is a value like any. */
function rowtimeOf({ watermark, tableName, outputSchema }: TableSourceConfig, bounded: boolean) {
  if (watermark === null) return { columns: [], heldBy: bounded ? null : tableName }
  const columns = outputSchema.fields.flatMap(({ type }, i) => (isRowtime(type) ? [i] : []))
  return { columns, heldBy: null } satisfies Rowtime
}

export function describeSource(config: TableSourceConfig): string {
  const physical = config.projection.map((i) => config.physicalSchema.fields[i]!)
  const names = physical.map((field) => field.name)
  const shown = (expression: Expression) => formatExpression(expression, names)
  const path = config.tableName.replaceAll('.', ', ')
  const parts = [path, `project=${describeColumns(physical)}`]
  if (config.watermark !== null) parts.push(`watermark=[${shown(config.watermark.watermark)}]`)
  if (config.filter !== null) parts.push(`filter=[${shown(config.filter)}]`)
  const fields =
    config.output === null
      ? `fields=${describeColumns(config.outputSchema.fields)}`
      : `fields=[${config.output
          .map((e, i) => `${shown(e)} AS ${config.outputSchema.fields[i]?.name}`)
          .join(', ')}]`
  return `table=[[${parts.join(', ')}]], ${fields}`
}

function scanSettings(
  scan: ScanNode,
  context: PhysicalContext,
): { config: unknown; parallelism: number; bounded: boolean; reads: SourcePlan['reads'] } {
  const { table } = scan
  const connector = context.connectors.get(table.connector)
  if (connector?.source === undefined) {
    throw raise(
      'SQL_INVALID',
      null,
      `The table '${table.path.name}' cannot be read: connector '${table.connector}' only writes.`,
    )
  }
  const settings = connector.source.plan({
    tableName: formatPath(table.path),
    schema: table.physicalSchema,
    options: scan.options,
    formats: context.formats,
  })
  if (!settings.bounded && context.configuration.get(RUNTIME_MODE) === 'BATCH') {
    throw raise(
      'SQL_INVALID',
      null,
      `The table '${table.path.name}' has no end, and BATCH mode reads only tables that have one.`,
      "SET 'execution.runtime-mode' = 'STREAMING', or give the table an end (scan.bounded.mode, number-of-rows).",
    )
  }
  const wanted = settings.parallelism ?? defaultParallelism(context)
  const parallelism = Math.min(wanted, settings.parallelismMax ?? wanted)
  const option = settings.parallelism === undefined ? 'parallelism.default' : 'scan.parallelism'
  return {
    config: settings.config,
    bounded: settings.bounded,
    reads: settings.reads,
    parallelism: checkedParallelism(Math.max(parallelism, 1), option, context),
  }
}

/** The table's watermark, over the physical columns; null: it has none. */
function watermarkOf(
  scan: ScanNode,
  bounded: boolean,
  context: PhysicalContext,
): WatermarkConfig | null {
  const options = new Configuration(scan.options)
  refuseLaterOptions(options)
  const { watermark } = scan.table
  const { configuration } = context
  // Of what has an end, the end is the only watermark.
  if (watermark === null || configuration.get(RUNTIME_MODE) === 'BATCH') return null
  return {
    rowtime: watermark.rowtime,
    watermark: watermark.watermark,
    idleTimeoutMs:
      options.get(SCAN_WATERMARK_IDLE_TIMEOUT) ?? configuration.get(SOURCE_IDLE_TIMEOUT),
    emit: options.get(SCAN_WATERMARK_EMIT_STRATEGY) as WatermarkConfig['emit'],
    emitIntervalMs: configuration.get(AUTO_WATERMARK_INTERVAL),
    periodic: !bounded,
    emptySplitHolds: configuration.get(EMPTY_SPLIT_HOLDS_WATERMARK),
  }
}

function refuseLaterOptions(options: Configuration): void {
  if (options.has(SCAN_WATERMARK_ALIGNMENT_GROUP)) {
    throw notSupported(`The option '${SCAN_WATERMARK_ALIGNMENT_GROUP.key}'`, null)
  }
  if (options.get(SCAN_WATERMARK_EMIT_ON_EVENT_GAP) !== 1) {
    throw notSupported(`Another '${SCAN_WATERMARK_EMIT_ON_EVENT_GAP.key}' than 1`, null)
  }
}
