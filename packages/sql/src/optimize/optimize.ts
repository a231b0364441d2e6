/**
 * The optimizer: a logical plan → one that does the same with less.
 *
 * Window columns that no GROUP BY has taken up become expressions. Then four passes: constants are
 * folded; filters sink towards the sources; projections merge; columns that nobody reads are
 * dropped. What then lies right on a scan goes into the source (physical/build-source.ts).
 */
import { foldConstants } from '@millrace/expression'
import type { LogicalNode } from '../logical/logical-plan.ts'
import { mapExpressions, rewriteLogical } from '../logical/node-shapes.ts'
import { expandWindowTables } from './expand-window-tables.ts'
import { mergeProjects } from './merge-projects.ts'
import { pruneColumns } from './prune-columns.ts'
import { pushFilters } from './push-filters.ts'

export function optimize(plan: LogicalNode): LogicalNode {
  const pushed = mergeProjects(pushFilters(foldAll(expandWindowTables(plan))))
  const all = new Set(pushed.schema.fields.map((_, i) => i))
  return mergeProjects(foldAll(pruneColumns(pushed, all).node))
}

/** Every expression of the plan with its constant parts worked out. */
function foldAll(plan: LogicalNode): LogicalNode {
  return rewriteLogical(plan, (node) => mapExpressions(node, foldConstants))
}
