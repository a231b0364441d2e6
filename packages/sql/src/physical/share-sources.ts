/**
 * One source for all that read the same table: it decodes every column that any of them uses, and
 * what each filters and computes moves into a calc of its own. Records are fetched and decoded
 * once, whatever the number of queries over them.
 *
 * Tables are the same when their options are (with those of an OPTIONS hint), their parallelism and
 * their watermark.
 */
import { type Expression, remapColumns } from '@millrace/expression'
import { SQL_OPERATORS, type TableSourceConfig } from '@millrace/sql-operators'
import { isIdentity } from '../validate/expression-parts.ts'
import { calcOver } from './build-calc.ts'
import { describeSource } from './build-source.ts'
import { digestOfConfig, isRepeatable } from './merge-equal.ts'
import { type PhysicalNode, rewritePhysical } from './physical-plan.ts'

export function shareSources(sinks: readonly PhysicalNode[]): PhysicalNode[] {
  const readers = new Map<string, PhysicalNode[]>()
  rewritePhysical(sinks, (node) => {
    if (node.factory !== SQL_OPERATORS.tableSource) return node
    const table = whatIsRead(node)
    readers.set(table, [...(readers.get(table) ?? []), node])
    return node
  })
  const shared = new Map<PhysicalNode, PhysicalNode>()
  for (const nodes of readers.values()) {
    if (nodes.length === 1 || mergeAnyway(nodes)) continue
    const source = sourceForAll(nodes)
    for (const node of nodes) shared.set(node, readerOf(node, source))
  }
  return rewritePhysical(sinks, (node, original) => shared.get(original) ?? node)
}

/** Whether `mergeEqual` makes one of them as they are. */
function mergeAnyway(nodes: readonly PhysicalNode[]): boolean {
  const digests = nodes.map(({ config }) => digestOfConfig(config))
  return nodes.every(({ config }, i) => isRepeatable(config) && digests[i] === digests[0])
}

/** Over the table's physical columns. */
function overPhysical({ projection }: TableSourceConfig) {
  return (expression: Expression) => remapColumns(expression, (index) => projection[index]!)
}

/** The table with all that must be the same. */
function whatIsRead(node: PhysicalNode): string {
  const config = node.config as TableSourceConfig
  const { watermark } = config
  const physical = overPhysical(config)
  const time =
    watermark === null
      ? null
      : {
          ...watermark,
          rowtime: physical(watermark.rowtime),
          watermark: physical(watermark.watermark),
        }
  return JSON.stringify([node.coordinator, node.parallelism, time])
}

function sourceForAll(nodes: readonly PhysicalNode[]): PhysicalNode {
  const [first] = nodes as [PhysicalNode]
  const config = first.config as TableSourceConfig
  const used = new Set(nodes.flatMap((node) => (node.config as TableSourceConfig).projection))
  const projection = [...used].sort((a, b) => a - b)
  const schema = { fields: projection.map((column) => config.physicalSchema.fields[column]!) }
  const move = mover(config, projection)
  const { watermark, filter } = config
  const wide: TableSourceConfig = {
    ...config,
    projection,
    watermark:
      watermark === null
        ? null
        : { ...watermark, rowtime: move(watermark.rowtime), watermark: move(watermark.watermark) },
    filter: filter === null || !filterAlike(nodes) ? null : move(filter),
    output: null,
    outputSchema: schema,
  }
  const lineage = {
    names: first.lineage.names,
    expressions: projection.map((index): Expression => {
      return { kind: 'column', index, type: config.physicalSchema.fields[index]!.type }
    }),
    conditions: wide.filter === null ? [] : first.lineage.conditions,
  }
  const { rowtime } = first.traits
  const columns = projection.flatMap((_, i) => (isRowtimeColumn(wide, i) ? [i] : []))
  const traits = { ...first.traits, rowtime: { ...rowtime, columns } }
  return { ...first, config: wide, details: describeSource(wide), lineage, schema, traits }
}

function isRowtimeColumn({ watermark }: TableSourceConfig, column: number): boolean {
  return watermark?.rowtime.kind === 'column' && watermark.rowtime.index === column
}

/** Whether all of them keep the same rows. */
function filterAlike(nodes: readonly PhysicalNode[]): boolean {
  const filters = nodes.map((node) => {
    const config = node.config as TableSourceConfig
    return config.filter === null ? null : JSON.stringify(overPhysical(config)(config.filter))
  })
  return filters.every((filter) => filter === filters[0])
}

/** From the columns that a source decodes now to their places in `projection`. */
function mover(config: TableSourceConfig, projection: readonly number[]) {
  const places = config.projection.map((column) => projection.indexOf(column))
  return (expression: Expression) => remapColumns(expression, (index) => places[index]!)
}

/** What `node` gave, over the shared source. */
function readerOf(node: PhysicalNode, source: PhysicalNode): PhysicalNode {
  const config = node.config as TableSourceConfig
  const { projection, filter: kept } = source.config as TableSourceConfig
  const move = mover(config, projection)
  const decoded = config.projection.map((column, index): Expression => {
    return { kind: 'column', index, type: config.physicalSchema.fields[column]!.type }
  })
  const output = (config.output ?? decoded).map(move)
  const filter = config.filter === null || kept !== null ? null : move(config.filter)
  if (filter === null && isIdentity(output, projection.length)) return source
  const calc = calcOver(source, filter, output, node.schema)
  return { ...calc, traits: { ...calc.traits, rowtime: node.traits.rowtime } }
}
