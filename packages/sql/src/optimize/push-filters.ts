/** Filters sink towards the sources: through projections, unions and the keys of aggregates. */
import { columnsUsed, type Expression, isDeterministic } from '@millrace/expression'
import type { FilterNode, LogicalNode } from '../logical/logical-plan.ts'
import { conjunction, conjuncts, inlineColumns } from '../validate/expression-parts.ts'

export function pushFilters(node: LogicalNode): LogicalNode {
  switch (node.kind) {
    case 'scan':
    case 'values':
      return node
    case 'union':
      return { ...node, inputs: node.inputs.map(pushFilters) }
    case 'filter':
      return pushOne(node)
    default:
      return { ...node, input: pushFilters(node.input) }
  }
}

function isTrue(condition: Expression): boolean {
  return condition.kind === 'literal' && condition.value === true
}

function filterOf(input: LogicalNode, conditions: readonly Expression[]): LogicalNode {
  const condition = conjunction(conditions)
  return condition === null ? input : { kind: 'filter', input, condition, schema: input.schema }
}

function pushOne(node: FilterNode): LogicalNode {
  const { input, schema } = node
  const conditions = conjuncts(node.condition).filter((condition) => !isTrue(condition))
  if (conditions.length === 0) return { ...pushFilters(input), schema }
  switch (input.kind) {
    case 'filter':
      return {
        ...pushFilters(filterOf(input.input, [...conjuncts(input.condition), ...conditions])),
        schema,
      }
    case 'project': {
      const { expressions } = input
      if (!expressions.every((expression) => isDeterministic(expression))) break
      const below = conditions.map((condition) => inlineColumns(condition, expressions))
      return { ...input, input: pushFilters(filterOf(input.input, below)), schema }
    }
    case 'union':
      return {
        ...input,
        inputs: input.inputs.map((branch) => pushFilters(filterOf(branch, conditions))),
        schema,
      }
    case 'aggregate':
    case 'window-aggregate': {
      const { keys } = input
      const onKeys = (condition: Expression) =>
        keys.length > 0 && columnsUsed(condition).every((index) => index < keys.length)
      const below = conditions.filter(onKeys).map((condition) => inlineColumns(condition, keys))
      const above = conditions.filter((condition) => !onKeys(condition))
      const aggregate = { ...input, input: pushFilters(filterOf(input.input, below)) }
      return { ...filterOf(aggregate, above), schema }
    }
  }
  return { ...filterOf(pushFilters(input), conditions), schema }
}
