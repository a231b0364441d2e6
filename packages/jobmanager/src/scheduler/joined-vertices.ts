/** Vertices between which rows go forward in order: they have equal numbers of subtasks. Pure. */
import { forwardIsRequired, type JobGraph, type JobVertex } from '@millrace/graph'

/** Vertices in sets that required forwards join; every vertex is in one. */
export function joinedVertices(jobGraph: JobGraph): JobVertex[][] {
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
