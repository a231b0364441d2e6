/**
 * How many slots a job needs: a slot runs one subtask of every vertex of its slot sharing group.
 */
import type { JobGraph } from '@millrace/graph'

/**
 * Slot sharing group → number of slots (largest parallelism in the group), in order of first use.
 */
export function slotRequirements(graph: JobGraph): Map<string, number> {
  const slots = new Map<string, number>()
  for (const { slotSharingGroup, parallelism } of graph.vertices) {
    slots.set(slotSharingGroup, Math.max(slots.get(slotSharingGroup) ?? 0, parallelism))
  }
  return slots
}

/** Of all groups together. */
export function slotCount(graph: JobGraph): number {
  return [...slotRequirements(graph).values()].reduce((sum, slots) => sum + slots, 0)
}
