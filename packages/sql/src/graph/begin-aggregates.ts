/**
 * A job whose aggregates join groups that a checkpoint has already: those that are new there count
 * for themselves (`beginLater`).
 *
 * Between the restore plan, which says what is stored, and the submission. Both phases of an
 * aggregate and the edge between them change together.
 */
import type { Schema } from '@millrace/core'
import type { JobEdge, JobGraph, OperatorDescriptor } from '@millrace/graph'
import {
  type AggregateCall,
  accumulatorSchema,
  beginLater,
  type GroupAggregateConfig,
  groupAccumulatorSchema,
  SQL_OPERATORS,
  type WindowAggregateConfig,
} from '@millrace/sql-operators'
import { raise } from '../error-codes.ts'
import { AGGREGATES, statesOf } from './operator-states.ts'

type AggregateConfig = GroupAggregateConfig | WindowAggregateConfig

/** What is stored for an operator: the columns of its tables; null: nobody knows. */
export interface StoredColumns {
  readonly id: string
  readonly columns: Readonly<Record<string, readonly string[]>> | null
}

/** Of the state of every aggregate. */
const GROUPS = 'groups'
const LOCAL: readonly string[] = [
  SQL_OPERATORS.localGroupAggregate,
  SQL_OPERATORS.localWindowAggregate,
]

/** Throws SQL_AGGREGATE_TOO_LATE. */
export function beginAggregates(jobGraph: JobGraph, stored: readonly StoredColumns[]): JobGraph {
  let graph = jobGraph
  for (const { id, columns } of stored) {
    const groups = columns?.[GROUPS]
    if (groups !== undefined) graph = beginIn(graph, id, new Set(groups))
  }
  return graph
}

function beginIn(graph: JobGraph, id: string, groups: ReadonlySet<string>): JobGraph {
  const vertex = graph.vertices.find(({ operators }) => operators.some((each) => each.id === id))
  const operator = vertex?.operators.find((each) => each.id === id)
  if (vertex === undefined || operator === undefined || !AGGREGATES.includes(operator.factory)) {
    return graph
  }
  const config = operator.config as AggregateConfig
  const { calls, begun } = beginLater(config.aggregates, groups)
  refuseOverChanges(operator, config, begun)
  if (calls.every((call, i) => countAlike(call, config.aggregates[i]))) return graph
  const schema = edgeSchema({ ...config, aggregates: calls })
  const gate = operator.inputs.flatMap((input) =>
    typeof input === 'number' ? [] : [input.gate],
  )[0]
  const edges = graph.edges.map((edge) => {
    const isOwn = edge.targetVertexId === vertex.id && edge.targetGate === gate
    return isOwn && isLocal(graph, edge)
      ? { ...edge, type: { kind: 'columns' as const, schema } }
      : edge
  })
  const locals = new Set(
    graph.edges
      .filter((edge, i) => edge !== edges[i])
      .map(({ sourceVertexId, sourceOperator }) => `${sourceVertexId} ${sourceOperator}`),
  )
  const vertices = graph.vertices.map((each) => ({
    ...each,
    operators: each.operators.map((other, place) => {
      if (other.id === id) return withCalls(other, calls)
      return locals.has(`${each.id} ${place}`)
        ? { ...withCalls(other, calls), outputSchema: schema }
        : other
    }),
  }))
  return { ...graph, edges, vertices }
}

function isLocal({ vertices }: JobGraph, edge: JobEdge): boolean {
  const source = vertices.find(({ id }) => id === edge.sourceVertexId)
  return LOCAL.includes(source?.operators[edge.sourceOperator]?.factory ?? '')
}

function withCalls(
  operator: OperatorDescriptor,
  aggregates: readonly AggregateCall[],
): OperatorDescriptor {
  const own = operator.config as AggregateConfig
  const calls = own.aggregates.map((call, i) => {
    const { since: _, countedRows: __, ...rest } = call
    const { since, countedRows } = aggregates[i] ?? {}
    return {
      ...rest,
      ...(since === undefined ? {} : { since }),
      ...(countedRows === undefined ? {} : { countedRows }),
    }
  })
  const config = { ...own, aggregates: calls }
  return { ...operator, config, ...statesOf(operator.factory, config) }
}

function countAlike(call: AggregateCall, other: AggregateCall | undefined): boolean {
  return call.since === other?.since && call.countedRows === other?.countedRows
}

function edgeSchema(config: AggregateConfig): Schema {
  return 'window' in config ? accumulatorSchema(config) : groupAccumulatorSchema(config)
}

/** Rows are taken back that it never saw: what it says would be of no rows at all. */
function refuseOverChanges(
  { name }: OperatorDescriptor,
  config: AggregateConfig,
  begun: readonly AggregateCall[],
): void {
  const [first] = begun
  if (first === undefined || !('inputIsChangelog' in config) || !config.inputIsChangelog) return
  throw raise(
    'SQL_AGGREGATE_TOO_LATE',
    null,
    `Leave out ${first.function} of ${first.origin} in '${name}', or start without the savepoint: ` +
      'its groups have rows that it has not seen, and its input takes such rows back.',
    'Over rows that are only added an aggregate may join groups that are there.',
  )
}
