/**
 * Decides at which parallelism each vertex runs in the next round of deployment: from the graph as
 * submitted, the slots that may be taken and what goes on running.
 *
 * Pure; asked at the beginning of every round, so that whoever scales a job only answers something
 * else here. Without a limit of slots it is what the graph says: the round waits for as many slots
 * as that takes.
 */
import { forwardIsRequired, type JobGraph, type JobVertex } from '@millrace/graph'

export interface ParallelismFacts {
  /** Vertices that no failure has touched, and theirs: they keep it in this round. */
  readonly running: ReadonlyMap<string, number>
}

/**
 * Vertex id → parallelism, for each vertex. `slots`: how many the job may hold; null: as many as it
 * needs.
 */
export type DecideParallelism = (
  jobGraph: JobGraph,
  slots: number | null,
  facts: ParallelismFacts,
) => ReadonlyMap<string, number>

/**
 * With fewer slots than the graph asks for, the largest slot sharing groups give way first, down to
 * one slot each. Vertices that a required forward joins stay equal.
 */
export const decideParallelism: DecideParallelism = (jobGraph, slots, { running }) => {
  const caps = capsOf(jobGraph.vertices, slots)
  const decided = new Map<string, number>()
  for (const joined of joinedVertices(jobGraph)) {
    const going = joined.map(({ id }) => running.get(id)).find((one) => one !== undefined)
    const most = Math.min(...joined.map((vertex) => caps.get(vertex.slotSharingGroup) as number))
    for (const { id, parallelism } of joined) decided.set(id, going ?? Math.min(parallelism, most))
  }
  return decided
}

/** Slot sharing group → the most slots that it may hold. */
function capsOf(vertices: readonly JobVertex[], slots: number | null): Map<string, number> {
  const caps = new Map<string, number>()
  for (const { slotSharingGroup: group, parallelism } of vertices) {
    caps.set(group, Math.max(caps.get(group) ?? 0, parallelism))
  }
  if (slots === null) return caps
  let needed = [...caps.values()].reduce((sum, cap) => sum + cap, 0)
  while (needed > slots) {
    const [group, cap] = [...caps].reduce((most, entry) => (entry[1] > most[1] ? entry : most))
    if (cap === 1) break
    caps.set(group, cap - 1)
    needed--
  }
  return caps
}

/** Vertices in sets that required forwards join; every vertex is in one. */
function joinedVertices(jobGraph: JobGraph): JobVertex[][] {
  const setOf = new Map(jobGraph.vertices.map((vertex) => [vertex.id, [vertex]]))
  for (const { sourceVertexId, targetVertexId, partitioning } of jobGraph.edges) {
    if (!forwardIsRequired(partitioning)) continue
    const into = setOf.get(sourceVertexId) as JobVertex[]
    const from = setOf.get(targetVertexId) as JobVertex[]
    if (into === from) continue
    into.push(...from)
    for (const { id } of from) setOf.set(id, into)
  }
  return [...new Set(setOf.values())]
}
