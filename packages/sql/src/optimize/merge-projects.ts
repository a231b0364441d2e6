/** Projections of projections become one, and projections that change nothing vanish. */
import { columnsUsed, isDeterministic } from '@millrace/expression'
import type { LogicalNode, ProjectNode } from '../logical/logical-plan.ts'
import { inlineColumns, isIdentity } from '../validate/expression-parts.ts'

export function mergeProjects(node: LogicalNode): LogicalNode {
  switch (node.kind) {
    case 'scan':
    case 'values':
      return node
    case 'union':
      return { ...node, inputs: node.inputs.map(mergeProjects) }
    case 'project':
      return mergeOne({ ...node, input: mergeProjects(node.input) })
    default:
      return { ...node, input: mergeProjects(node.input) }
  }
}

function mergeOne(node: ProjectNode): LogicalNode {
  const { input } = node
  if (isIdentity(node.expressions, input.schema.fields.length)) {
    return { ...input, schema: node.schema }
  }
  if (input.kind !== 'project' || !canInline(node, input)) return node
  const expressions = node.expressions.map((e) => inlineColumns(e, input.expressions))
  return mergeOne({ kind: 'project', input: input.input, expressions, schema: node.schema })
}

/** What reads the clock is not computed twice. */
function canInline(outer: ProjectNode, inner: ProjectNode): boolean {
  const uses = outer.expressions.flatMap((expression) => columnsUsed(expression))
  return inner.expressions.every(
    (expression, i) =>
      isDeterministic(expression) || uses.filter((index) => index === i).length <= 1,
  )
}
