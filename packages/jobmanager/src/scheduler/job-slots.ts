/**
 * The slots that a job holds, by slot sharing group and number: subtask i of each vertex of the group runs
 * in slot i.
 */
import type { JobGraph } from '@millrace/graph'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { slotRequirements } from './slot-requirements.ts'

export class JobSlots {
  readonly #groups: Map<string, (AllocatedSlot | null)[]>

  constructor(graph: JobGraph) {
    this.#groups = new Map(
      [...slotRequirements(graph)].map(([group, count]) => [group, Array(count).fill(null)]),
    )
  }

  get(group: string, index: number): AllocatedSlot | null {
    return this.#groups.get(group)?.[index] ?? null
  }

  missing(): number {
    let count = 0
    for (const slots of this.#groups.values()) for (const slot of slots) if (slot === null) count++
    return count
  }

  held(): AllocatedSlot[] {
    return [...this.#groups.values()].flat().filter((slot) => slot !== null)
  }

  /** Puts new slots into the places that have none; must be exactly as many. */
  fill(slots: readonly AllocatedSlot[]): void {
    let next = 0
    for (const group of this.#groups.values()) {
      for (let i = 0; i < group.length; i++) {
        if (group[i] === null) group[i] = slots[next++] as AllocatedSlot
      }
    }
    if (next !== slots.length) throw new Error(`${slots.length} slots for ${next} places`)
  }

  /** Takes out the slots that `condition` names. */
  remove(condition: (slot: AllocatedSlot) => boolean): AllocatedSlot[] {
    const removed: AllocatedSlot[] = []
    for (const group of this.#groups.values()) {
      for (let i = 0; i < group.length; i++) {
        const slot = group[i] as AllocatedSlot | null
        if (slot === null || !condition(slot)) continue
        removed.push(slot)
        group[i] = null
      }
    }
    return removed
  }
}
