/**
 * Decides at which parallelism each vertex runs in the next round of deployment: from the graph at
 * its upper bounds, the slots that may be taken and what goes on running.
 *
 * Pure; asked at the beginning of every round, so that whoever scales a job only answers something
 * else here. Without a limit of slots it is what the graph says: the round waits for as many slots
 * as that takes.
 */
import type { JobGraph, JobVertex } from '@millrace/graph'
import { joinedVertices } from './joined-vertices.ts'

export interface ParallelismFacts {
  /** Vertices that no failure has touched, and theirs: they keep it in this round. */
  readonly running: ReadonlyMap<string, number>
  /** Fewer subtasks a vertex does not get, equal where rows go forward in order; absent: 1. */
  readonly least?: ReadonlyMap<string, number>
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
 * what the least of their vertices takes. Vertices that a required forward joins stay equal.
 */
export const decideParallelism: DecideParallelism = (jobGraph, slots, { running, least }) => {
  const caps = capsOf(jobGraph.vertices, slots, least ?? new Map())
  const decided = new Map<string, number>()
  for (const joined of joinedVertices(jobGraph)) {
    const going = joined.map(({ id }) => running.get(id)).find((one) => one !== undefined)
    const most = Math.min(...joined.map((vertex) => caps.get(vertex.slotSharingGroup) as number))
    for (const { id, parallelism } of joined) decided.set(id, going ?? Math.min(parallelism, most))
  }
  return decided
}

/** Slot sharing group → the most slots that it may hold. */
function capsOf(
  vertices: readonly JobVertex[],
  slots: number | null,
  least: ReadonlyMap<string, number>,
): Map<string, number> {
  const caps = new Map<string, number>()
  const floors = new Map<string, number>()
  for (const { id, slotSharingGroup: group, parallelism } of vertices) {
    caps.set(group, Math.max(caps.get(group) ?? 0, parallelism))
    floors.set(group, Math.max(floors.get(group) ?? 1, least.get(id) ?? 1))
  }
  if (slots === null) return caps
  let needed = [...caps.values()].reduce((sum, cap) => sum + cap, 0)
  while (needed > slots) {
    const yielding = [...caps].filter(([group, cap]) => cap > (floors.get(group) as number))
    if (yielding.length === 0) break
    const [group, cap] = yielding.reduce((most, entry) => (entry[1] > most[1] ? entry : most))
    caps.set(group, cap - 1)
    needed--
  }
  return caps
}
