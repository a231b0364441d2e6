/** Projections of projections become one, and projections that change nothing vanish. */
import { columnsUsed, isDeterministic } from '@millrace/expression'
import type { LogicalNode, ProjectNode } from '../logical/logical-plan.ts'
import { rewriteLogical } from '../logical/node-shapes.ts'
import { inlineColumns, isIdentity } from '../validate/expression-parts.ts'

export function mergeProjects(plan: LogicalNode): LogicalNode {
  return rewriteLogical(plan, (node) => (node.kind === 'project' ? mergeOne(node) : node))
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
