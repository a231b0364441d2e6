/** Optimized logical plan → physical plan. The door of this folder, with build-sink.ts. */
import type { Expression } from '@millrace/expression'
import { SQL_OPERATORS, type ValuesConfig } from '@millrace/sql-operators'
import { notSupported } from '../error-codes.ts'
import type { LogicalNode, UnionNode, ValuesNode } from '../logical/logical-plan.ts'
import { conjunction, inlineColumns, isIdentity } from '../validate/expression-parts.ts'
import { buildGroupAggregate, buildWindowAggregate } from './build-aggregate.ts'
import { calcOver } from './build-calc.ts'
import { buildSource } from './build-source.ts'
import { columnNames, lineageOfAll, ownColumns } from './lineage.ts'
import { describeColumns, exchange, type PhysicalContext } from './physical-context.ts'
import { type PhysicalNode, UNION_ALL } from './physical-plan.ts'
import { insertOnly, NO_ROWTIME, traitsOfAll } from './traits.ts'

export function buildPhysical(node: LogicalNode, context: PhysicalContext): PhysicalNode {
  switch (node.kind) {
    case 'scan':
    case 'project':
    case 'filter':
      return buildRows(node, context)
    case 'values':
      return valuesNode(node)
    case 'union':
      return unionNode(node, context)
    case 'window-table':
      throw notSupported(
        'A window without GROUP BY window_start, window_end',
        null,
        'Group by window_start and window_end, or read the table itself.',
      )
    case 'aggregate':
      return buildGroupAggregate(node, buildPhysical(node.input, context), context)
    case 'window-aggregate':
      return buildWindowAggregate(node, buildPhysical(node.input, context), context)
  }
}

/**
 * Filters and projections down to what they stand on: inside the source when that is a scan,
 * else one calc.
 */
function buildRows(top: LogicalNode, context: PhysicalContext): PhysicalNode {
  let node = top
  let output = columnsOf(top)
  let conditions: Expression[] = []
  while (node.kind === 'project' || node.kind === 'filter') {
    if (node.kind === 'filter') conditions.push(node.condition)
    else {
      const { expressions } = node
      output = output.map((expression) => inlineColumns(expression, expressions))
      conditions = conditions.map((condition) => inlineColumns(condition, expressions))
    }
    node = node.input
  }
  const filter = conjunction(conditions)
  if (node.kind === 'scan') return buildSource(node, filter, output, top.schema, context)
  const input = buildPhysical(node, context)
  if (filter === null && isIdentity(output, input.schema.fields.length)) return input
  return calcOver(input, filter, output, top.schema)
}

function columnsOf(node: LogicalNode): Expression[] {
  return node.schema.fields.map(({ type }, index) => ({ kind: 'column', index, type }))
}

function valuesNode(node: ValuesNode): PhysicalNode {
  const config: ValuesConfig = { rows: node.rows, outputSchema: node.schema }
  return {
    title: 'Values',
    details: `rows=[${node.rows.length}], fields=${describeColumns(node.schema.fields)}`,
    factory: SQL_OPERATORS.values,
    config,
    identity: 'values',
    lineage: ownColumns(columnNames(node.schema), node.schema),
    schema: node.schema,
    parallelism: 1,
    single: true,
    inputs: [],
    traits: insertOnly({ bounded: true, rowtime: NO_ROWTIME }),
  }
}

function unionNode(node: UnionNode, context: PhysicalContext): PhysicalNode {
  const inputs = node.inputs.map((input) => buildPhysical(input, context))
  const parallelism = Math.max(...inputs.map((input) => input.parallelism))
  return {
    title: 'Union',
    details: `all=[true], union=${describeColumns(node.schema.fields)}`,
    factory: UNION_ALL,
    config: null,
    identity: null,
    lineage: lineageOfAll(
      inputs.map(({ lineage }) => lineage),
      node.schema,
    ),
    schema: node.schema,
    parallelism,
    inputs: inputs.map((input) => exchange(input, parallelism, 'as-asked')),
    traits: traitsOfAll(inputs.map(({ traits }) => traits)),
  }
}
