/**
 * Resource requirements: between which bounds the parallelism of each vertex may be, as somebody
 * has asked for after the submission.
 *
 * Pure. `requiredGraph` is the job graph as rounds are planned from; nothing else of a job changes
 * with its requirements.
 */
import { forwardIsRequired, type JobGraph, type JobVertex } from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'
import { joinedVertices } from './joined-vertices.ts'

export interface ParallelismBounds {
  /** With fewer subtasks the vertex is not to run. */
  readonly lowerBound: number
  /** So many it gets where there are slots. */
  readonly upperBound: number
}

/** By vertex id, for each vertex. */
export type ResourceRequirements = Readonly<Record<string, ParallelismBounds>>

/** What a job requires that nobody has asked for anything else. */
export function submittedRequirements({ vertices }: JobGraph): ResourceRequirements {
  const bounds = vertices.map(({ id, parallelism }) => {
    return [id, { lowerBound: 1, upperBound: parallelism }] as const
  })
  return Object.fromEntries(bounds)
}

/** What a job requires that takes every slot there is: as many subtasks as it can have. */
export function reactiveRequirements(jobGraph: JobGraph): ResourceRequirements {
  const bounds = joinedVertices(jobGraph).flatMap((joined) => {
    const upperBound = Math.min(...joined.map((vertex) => parallelismMax(vertex)))
    return joined.map(({ id }) => [id, { lowerBound: 1, upperBound }] as const)
  })
  return Object.fromEntries(bounds)
}

/** Vertex id → the fewest subtasks, equal where rows go forward in order. */
export function leastParallelism(
  jobGraph: JobGraph,
  requirements: ResourceRequirements | null,
): Map<string, number> {
  const least = new Map<string, number>()
  for (const joined of joinedVertices(jobGraph)) {
    const lower = Math.max(...joined.map(({ id }) => requirements?.[id]?.lowerBound ?? 1))
    for (const { id } of joined) least.set(id, lower)
  }
  return least
}

/** The graph at the upper bounds; null: as submitted. */
export function requiredGraph(
  jobGraph: JobGraph,
  requirements: ResourceRequirements | null,
): JobGraph {
  if (requirements === null) return jobGraph
  return graphAt(jobGraph, (id) => requirements[id]?.upperBound)
}

/** The graph with that parallelism; undefined: as it is. */
export function graphAt(
  jobGraph: JobGraph,
  parallelismOf: (vertexId: string) => number | undefined,
): JobGraph {
  const vertices = jobGraph.vertices.map((vertex): JobVertex => {
    const parallelism = parallelismOf(vertex.id) ?? vertex.parallelism
    return parallelism === vertex.parallelism ? vertex : { ...vertex, parallelism }
  })
  return { ...jobGraph, vertices }
}

/** The most subtasks that a vertex can have. */
export function parallelismMax({ single, maxParallelism }: JobVertex): number {
  return single === true ? 1 : maxParallelism
}

/** All that is wrong with it is said at once. Throws RESOURCE_REQUIREMENTS_INVALID. */
export function requireFitting(requirements: ResourceRequirements, jobGraph: JobGraph): void {
  const faults = jobGraph.vertices.flatMap((vertex) => {
    const bounds = requirements[vertex.id]
    if (bounds === undefined) return [`Name bounds for ${named(vertex)} too.`]
    return boundsFaults(bounds, vertex)
  })
  const known = new Set(jobGraph.vertices.map(({ id }) => id))
  for (const id of Object.keys(requirements)) {
    if (!known.has(id)) faults.push(`Name vertices of the job: it has no '${id}'.`)
  }
  if (faults.length === 0) faults.push(...forwardFaults(requirements, jobGraph))
  if (faults.length === 0) return
  throw jobManagerError('RESOURCE_REQUIREMENTS_INVALID', faults.join('\n'), {
    hint: `GET /jobs/${jobGraph.jobId}/resource-requirements answers the present ones in the form that PUT takes.`,
  })
}

function boundsFaults(
  { lowerBound: lower, upperBound: upper }: ParallelismBounds,
  vertex: JobVertex,
): string[] {
  if (![lower, upper].every((bound) => Number.isInteger(bound) && bound >= 1)) {
    return [`Give ${named(vertex)} bounds of 1 or more; they are ${lower} and ${upper}.`]
  }
  const most = parallelismMax(vertex)
  if (upper > most) {
    const why = vertex.single === true ? 'its rows cannot be dealt out' : 'its max parallelism'
    return [`Give ${named(vertex)} at most ${most} (${why}); it is ${upper}.`]
  }
  if (lower <= upper) return []
  return [`Give ${named(vertex)} a lower bound of at most the upper, ${upper}; it is ${lower}.`]
}

/** Rows that go forward in order join equal numbers. */
function forwardFaults(requirements: ResourceRequirements, { vertices, edges }: JobGraph) {
  const vertexOf = (id: string) => vertices.find((vertex) => vertex.id === id) as JobVertex
  return edges.flatMap(({ sourceVertexId, targetVertexId, partitioning }) => {
    const source = requirements[sourceVertexId]?.upperBound
    const target = requirements[targetVertexId]?.upperBound
    if (!forwardIsRequired(partitioning) || source === target) return []
    const names = `${named(vertexOf(sourceVertexId))} and ${named(vertexOf(targetVertexId))}`
    return [
      `Give ${names} the same bounds, since rows go forward between them; they are ${source} and ${target}.`,
    ]
  })
}

function named({ id, name }: JobVertex): string {
  return `vertex ${id} ('${name}')`
}
