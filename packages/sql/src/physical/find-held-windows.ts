/**
 * Windows that never end: they go by event time, and a table that has neither a WATERMARK nor an
 * end holds it (it reaches them through UNION ALL, beside one that has a watermark).
 */
import { SQL_OPERATORS, type WindowAggregateConfig } from '@millrace/sql-operators'
import { type PhysicalNode, rewritePhysical } from './physical-plan.ts'

/** A warning for each table that holds windows of the plan. */
export function findHeldWindows(sinks: readonly PhysicalNode[]): string[] {
  const tables = new Set<string>()
  rewritePhysical(sinks, (node) => {
    const { heldBy } = node.traits.rowtime
    if (heldBy !== null && goesByEventTime(node)) tables.add(heldBy)
    return node
  })
  return [...tables].map(
    (table) =>
      `No window ends while this job runs: ${table} has neither a WATERMARK nor an end, and event time waits for it.`,
  )
}

function goesByEventTime({ factory, config }: PhysicalNode): boolean {
  return (
    factory === SQL_OPERATORS.globalWindowAggregate &&
    (config as WindowAggregateConfig).rowtime !== null
  )
}
