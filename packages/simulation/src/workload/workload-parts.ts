/**
 * The parts that a workload's job is made of, by name: functions, aggregates, windows, shapes; for
 * coverage counts.
 */
import { walk } from './model/expression.ts'
import { expressionsOf, queries } from './model/query.ts'
import type { Workload } from './workload.ts'

/** Each use of a part: a part that is used twice is there twice. */
export function workloadParts(workload: Workload): string[] {
  const parts = [
    `shape ${workload.shape}`,
    `source ${workload.source} ${workload.bounded ? 'bounded' : 'unbounded'}`,
    `sink ${workload.sink} ${workload.guarantee}`,
    `parallelism ${workload.parallelism}`,
    `empty partitions ${workload.emptyPartitions ?? 'none'}`,
  ]
  const expressions = workload.tables.flatMap(({ computed }) =>
    computed.map(({ expression }) => expression),
  )
  for (const query of queries(workload.query)) {
    expressions.push(...expressionsOf(query))
    parts.push(`query ${query.kind}`)
    if (query.kind === 'select') parts.push(`select in a ${query.placement}`)
    if (query.kind === 'window') parts.push(`window ${query.window.kind} ${query.form}`)
    if (query.kind !== 'window' && query.kind !== 'group') continue
    for (const call of query.aggregates) {
      const argument = call.argument === null ? '*' : call.argument.type.kind
      parts.push(`aggregate ${call.function} ${argument}`)
      if (call.distinct) parts.push(`aggregate ${call.function} DISTINCT`)
      if (call.filter !== null) parts.push('aggregate FILTER')
    }
    if (query.having !== null) parts.push('HAVING')
  }
  for (const expression of expressions) {
    for (const part of walk(expression)) {
      if (part.kind === 'call') parts.push(`operator ${part.operator}`)
    }
  }
  return parts
}
