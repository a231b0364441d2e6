/**
 * Columns that nobody reads are dropped, from the top of the plan down to the columns that a
 * source decodes.
 */
import { columnsUsed, type Expression, remapColumns } from '@millrace/expression'
import type {
  AggregateNode,
  LogicalNode,
  WindowAggregateNode,
  WindowTableNode,
} from '../logical/logical-plan.ts'

/** A plan that still has the required columns, and where each of them is now. */
export interface Pruned {
  readonly node: LogicalNode
  readonly positions: ReadonlyMap<number, number>
}

export function pruneColumns(node: LogicalNode, required: ReadonlySet<number>): Pruned {
  const kept = keptColumns(node, required)
  const fields = kept.map((i) => node.schema.fields[i]!)
  const positions = new Map(kept.map((column, position) => [column, position]))
  const schema = { fields }
  switch (node.kind) {
    case 'scan':
      return { node: { ...node, columns: kept.map((i) => node.columns[i]!), schema }, positions }
    case 'values': {
      const rows = node.rows.map((row) => kept.map((i) => row[i]!))
      return { node: { ...node, rows, schema }, positions }
    }
    case 'project': {
      const expressions = kept.map((i) => node.expressions[i]!)
      const input = pruneColumns(node.input, new Set(columnsUsed(expressions)))
      const moved = expressions.map((expression) => move(expression, input))
      return { node: { ...node, input: input.node, expressions: moved, schema }, positions }
    }
    case 'filter': {
      const input = pruneColumns(node.input, new Set([...required, ...columnsUsed(node.condition)]))
      const condition = move(node.condition, input)
      return {
        node: { ...node, input: input.node, condition, schema: refined(input, node.schema) },
        positions: input.positions,
      }
    }
    case 'union': {
      const inputs = node.inputs.map((input) => exactly(pruneColumns(input, new Set(kept)), kept))
      return { node: { ...node, inputs, schema }, positions }
    }
    case 'window-table':
      return pruneWindowTable(node, required)
    case 'aggregate':
    case 'window-aggregate':
      return pruneAggregate(node, required)
  }
}

/** The required columns in order; at least one, so that rows keep a shape. */
function keptColumns(node: LogicalNode, required: ReadonlySet<number>): number[] {
  const kept = node.schema.fields.map((_, i) => i).filter((i) => required.has(i))
  return kept.length === 0 && node.schema.fields.length > 0 ? [0] : kept
}

function move(expression: Expression, input: Pruned): Expression {
  return remapColumns(expression, (index) => input.positions.get(index) as number)
}

/**
 * The input's schema with the types that a filter gives its columns (NOT NULL once it has
 * kept NULLs out).
 */
function refined(input: Pruned, outer: LogicalNode['schema']): LogicalNode['schema'] {
  const fields = [...input.node.schema.fields]
  for (const [column, position] of input.positions) fields[position] = outer.fields[column]!
  return { fields }
}

/**
 * The input with the kept columns and no others, in order: what every branch of a union must have.
 */
function exactly(input: Pruned, kept: readonly number[]): LogicalNode {
  const positions = kept.map((column) => input.positions.get(column) as number)
  const { fields } = input.node.schema
  if (positions.length === fields.length && positions.every((p, i) => p === i)) return input.node
  const expressions = positions.map((index): Expression => {
    return { kind: 'column', index, type: fields[index]!.type }
  })
  const schema = { fields: positions.map((p) => fields[p]!) }
  return { kind: 'project', input: input.node, expressions, schema }
}

function pruneWindowTable(node: WindowTableNode, required: ReadonlySet<number>): Pruned {
  const width = node.input.schema.fields.length
  const below = [...required].filter((i) => i < width)
  const input = pruneColumns(node.input, new Set([...below, node.timeColumn]))
  const newWidth = input.node.schema.fields.length
  const positions = new Map(input.positions)
  for (let i = 0; i < 3; i++) positions.set(width + i, newWidth + i)
  const fields = [...input.node.schema.fields, ...node.schema.fields.slice(width)]
  const timeColumn = input.positions.get(node.timeColumn) as number
  return { node: { ...node, input: input.node, timeColumn, schema: { fields } }, positions }
}

/** Keys stay (they make the groups); aggregates and window properties that nobody reads go. */
function pruneAggregate(
  node: AggregateNode | WindowAggregateNode,
  required: ReadonlySet<number>,
): Pruned {
  const keyCount = node.keys.length
  const propertyBase = keyCount + node.aggregates.length
  const kept = node.schema.fields.map((_, i) => i).filter((i) => i < keyCount || required.has(i))
  if (kept.length === 0) kept.push(0)
  const aggregates = node.aggregates.filter((_, i) => kept.includes(keyCount + i))
  const read = [
    ...node.keys,
    ...aggregates.flatMap(({ argument, filter }) => [argument, filter]),
    node.kind === 'window-aggregate' ? node.rowtime : null,
  ].filter((part) => part !== null)
  const input = pruneColumns(node.input, new Set(columnsUsed(read)))
  const moved = (expression: Expression | null) =>
    expression === null ? null : move(expression, input)
  const common = {
    input: input.node,
    keys: node.keys.map((key) => move(key, input)),
    aggregates: aggregates.map((aggregate) => ({
      ...aggregate,
      argument: moved(aggregate.argument),
      filter: moved(aggregate.filter),
    })),
    schema: { fields: kept.map((i) => node.schema.fields[i]!) },
  }
  const positions = new Map(kept.map((column, position) => [column, position]))
  if (node.kind === 'aggregate') return { node: { ...node, ...common }, positions }
  const properties = node.properties.filter((_, i) => kept.includes(propertyBase + i))
  return {
    node: { ...node, ...common, properties, rowtime: moved(node.rowtime) },
    positions,
  }
}
