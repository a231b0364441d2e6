/** Optimized logical plan → physical plan. The door of this folder, with plan-sink.ts. */
import type { Expression } from '@millrace/expression'
import { SQL_OPERATORS, type ValuesConfig } from '@millrace/sql-operators'
import { notSupported } from '../error-codes.ts'
import type { LogicalNode, UnionNode, ValuesNode } from '../logical/logical-plan.ts'
import { conjunction, inlineColumns, isIdentity } from '../validate/expression-parts.ts'
import type { PhysicalNode } from './physical-plan.ts'
import { planGroupAggregate, planWindowAggregate } from './plan-aggregate.ts'
import { calcOver } from './plan-calc.ts'
import { planSource } from './plan-source.ts'
import { describeColumns, exchange, type PlannerContext } from './planner-context.ts'

export function planPhysical(node: LogicalNode, context: PlannerContext): PhysicalNode {
  switch (node.kind) {
    case 'scan':
    case 'project':
    case 'filter':
      return planRows(node, context)
    case 'values':
      return planValues(node)
    case 'union':
      return planUnion(node, context)
    case 'window-table':
      throw notSupported(
        'A window without GROUP BY window_start, window_end',
        null,
        'Group by window_start and window_end, or read the table itself.',
      )
    case 'aggregate':
      return planGroupAggregate(node, planPhysical(node.input, context), context)
    case 'window-aggregate':
      return planWindowAggregate(node, planPhysical(node.input, context), context)
  }
}

/** Filters and projections down to what they stand on: inside the source when that is a scan, else one calc. */
function planRows(top: LogicalNode, context: PlannerContext): PhysicalNode {
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
  if (node.kind === 'scan') return planSource(node, filter, output, top.schema, context)
  const input = planPhysical(node, context)
  if (filter === null && isIdentity(output, input.schema.fields.length)) return input
  return calcOver(input, filter, output, top.schema)
}

function columnsOf(node: LogicalNode): Expression[] {
  return node.schema.fields.map(({ type }, index) => ({ kind: 'column', index, type }))
}

function planValues(node: ValuesNode): PhysicalNode {
  const config: ValuesConfig = { rows: node.rows, outputSchema: node.schema }
  return {
    title: 'Values',
    details: `rows=[${node.rows.length}], fields=${describeColumns(node.schema.fields)}`,
    factory: SQL_OPERATORS.values,
    config,
    identity: 'values',
    schema: node.schema,
    parallelism: 1,
    inputs: [],
    updatedBy: null,
    bounded: true,
  }
}

function planUnion(node: UnionNode, context: PlannerContext): PhysicalNode {
  const inputs = node.inputs.map((input) => planPhysical(input, context))
  const parallelism = Math.max(...inputs.map((input) => input.parallelism))
  return {
    title: 'Union',
    details: `all=[true], union=${describeColumns(node.schema.fields)}`,
    factory: SQL_OPERATORS.union,
    config: { inputCount: inputs.length },
    identity: 'union',
    schema: node.schema,
    parallelism,
    inputs: inputs.map((input) => exchange(input, parallelism)),
    updatedBy: inputs.find((input) => input.updatedBy !== null)?.updatedBy ?? null,
    bounded: inputs.every((input) => input.bounded),
  }
}
