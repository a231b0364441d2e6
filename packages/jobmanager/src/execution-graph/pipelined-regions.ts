/**
 * Regions: sets of vertices connected by exchanges. All exchanges are pipelined, so one that loses
 * a task restarts whole, and others go on.
 */
import type { JobGraph } from '@millrace/graph'

/** Vertex id → its region's vertex ids, in the graph's order (one shared array per region). */
export function pipelinedRegions(graph: JobGraph): Map<string, readonly string[]> {
  const parent = new Map(graph.vertices.map(({ id }) => [id, id]))
  const rootOf = (id: string): string => {
    let root = id
    while (parent.get(root) !== root) root = parent.get(root) as string
    return root
  }
  for (const edge of graph.edges) {
    parent.set(rootOf(edge.sourceVertexId), rootOf(edge.targetVertexId))
  }
  const regions = new Map<string, string[]>()
  for (const { id } of graph.vertices) {
    const root = rootOf(id)
    const members = regions.get(root) ?? []
    members.push(id)
    regions.set(root, members)
  }
  return new Map(graph.vertices.map(({ id }) => [id, regions.get(rootOf(id)) as string[]]))
}
