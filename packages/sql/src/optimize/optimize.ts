/**
 * The optimizer: a logical plan → one that does the same with less.
 *
 * Window columns that no GROUP BY has taken up become expressions. Then four passes: constants are folded; filters
 * sink towards
 * the sources; projections merge; columns that nobody reads are dropped. What then lies right on a scan goes into
 * the source
 * (physical/plan-source.ts).
 */
import { foldConstants } from '@millrace/expression'
import type { LogicalNode } from '../logical/logical-plan.ts'
import { expandWindowTables } from './expand-window-tables.ts'
import { mergeProjects } from './merge-projects.ts'
import { pruneColumns } from './prune-columns.ts'
import { pushFilters } from './push-filters.ts'

export function optimize(plan: LogicalNode): LogicalNode {
  const pushed = mergeProjects(pushFilters(foldPlan(expandWindowTables(plan))))
  const all = new Set(pushed.schema.fields.map((_, i) => i))
  return mergeProjects(foldPlan(pruneColumns(pushed, all).node))
}

/** Every expression of the plan with its constant parts worked out. */
function foldPlan(node: LogicalNode): LogicalNode {
  switch (node.kind) {
    case 'scan':
      return node
    case 'values':
      return { ...node, rows: node.rows.map((row) => row.map(foldConstants)) }
    case 'filter':
      return {
        ...node,
        input: foldPlan(node.input),
        condition: foldConstants(node.condition),
      }
    case 'project':
      return {
        ...node,
        input: foldPlan(node.input),
        expressions: node.expressions.map(foldConstants),
      }
    case 'window-table':
      return { ...node, input: foldPlan(node.input) }
    case 'union':
      return { ...node, inputs: node.inputs.map(foldPlan) }
    case 'aggregate':
    case 'window-aggregate':
      return {
        ...node,
        input: foldPlan(node.input),
        keys: node.keys.map(foldConstants),
        aggregates: node.aggregates.map((aggregate) => ({
          ...aggregate,
          argument: aggregate.argument === null ? null : foldConstants(aggregate.argument),
          filter: aggregate.filter === null ? null : foldConstants(aggregate.filter),
        })),
      }
  }
}
