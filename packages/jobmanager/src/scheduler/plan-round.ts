/**
 * The job graph as one round of deployment runs it: with the parallelism that was decided, and
 * every edge's way fitted to it.
 *
 * Pure. Whatever decides is held to what the job can bear: key groups bound the parallelism, a
 * required forward joins equal numbers, and what goes on running cannot change. A forward that was
 * only the cheapest way becomes round robin.
 */
import { forwardIsRequired, type JobEdge, type JobGraph, type JobVertex } from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'
import type { ParallelismFacts } from './decide-parallelism.ts'

/** Throws PARALLELISM_INVALID. */
export function planRound(
  jobGraph: JobGraph,
  decided: ReadonlyMap<string, number>,
  { running }: ParallelismFacts,
): JobGraph {
  const vertices = jobGraph.vertices.map((vertex): JobVertex => {
    const parallelism = decided.get(vertex.id)
    const { name, maxParallelism } = vertex
    if (!isBetween(parallelism, 1, maxParallelism)) {
      refuse(`1 to ${maxParallelism} subtasks of '${name}'`, parallelism ?? 'nothing')
    }
    const going = running.get(vertex.id)
    if (going !== undefined && going !== parallelism) {
      refuse(`${going} subtasks of '${name}', which go on running`, parallelism)
    }
    return parallelism === vertex.parallelism ? vertex : { ...vertex, parallelism }
  })
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]))
  const edges = jobGraph.edges.map((edge): JobEdge => {
    const source = byId.get(edge.sourceVertexId) as JobVertex
    const target = byId.get(edge.targetVertexId) as JobVertex
    const { partitioning } = edge
    if (partitioning.kind !== 'forward' || source.parallelism === target.parallelism) return edge
    if (!forwardIsRequired(partitioning)) return { ...edge, partitioning: { kind: 'rebalance' } }
    return refuse(
      `as many subtasks of '${source.name}' as of '${target.name}', whose rows go forward in order`,
      `${source.parallelism} and ${target.parallelism}`,
    )
  })
  return { ...jobGraph, vertices, edges }
}

function isBetween(value: number | undefined, least: number, most: number): value is number {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= most
}

function refuse(expected: string, found: number | string): never {
  throw jobManagerError(
    'PARALLELISM_INVALID',
    `Refused to deploy: expected ${expected}; decided were ${found}.`,
  )
}
