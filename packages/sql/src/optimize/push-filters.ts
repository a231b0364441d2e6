/** Filters sink towards the sources: through projections, unions and the keys of aggregates. */
import { columnsUsed, type Expression, isDeterministic } from '@millrace/expression'
import type { FilterNode, LogicalNode } from '../logical/logical-plan.ts'
import { mapInputs } from '../logical/node-shapes.ts'
import { conjunction, conjuncts, inlineColumns } from '../validate/expression-parts.ts'

export function pushFilters(node: LogicalNode): LogicalNode {
  return node.kind === 'filter' ? pushOne(node) : mapInputs(node, pushFilters)
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
      const isKept = (index: number) =>
        index < keys.length && isDeterministic(keys[index] as Expression)
      // One that reads no key is asked of groups: a query whose rows are all gone has none.
      const onKeys = (condition: Expression) => {
        const used = columnsUsed(condition)
        return used.length > 0 && used.every(isKept) && isDeterministic(condition)
      }
      const below = conditions.filter(onKeys).map((condition) => inlineColumns(condition, keys))
      const above = conditions.filter((condition) => !onKeys(condition))
      const aggregate = { ...input, input: pushFilters(filterOf(input.input, below)) }
      return { ...filterOf(aggregate, above), schema }
    }
  }
  return { ...filterOf(pushFilters(input), conditions), schema }
}
