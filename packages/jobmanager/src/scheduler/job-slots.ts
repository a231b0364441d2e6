/**
 * The slots that a job holds, by slot sharing group and number: subtask i of each vertex of the
 * group runs in slot i. Slots live for the job; how many places there are is the round's.
 */
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'

export class JobSlots {
  readonly #groups = new Map<string, (AllocatedSlot | null)[]>()

  /** Makes so many places in each group; gives back the slots that have none any more. */
  fit(requirements: ReadonlyMap<string, number>): AllocatedSlot[] {
    const surplus: AllocatedSlot[] = []
    for (const [group, count] of requirements) {
      const places = this.#groups.get(group) ?? []
      const beyond = places.splice(count).filter((slot) => slot !== null)
      while (places.length < count) places.push(null)
      // Places that lost theirs take over what would be given back.
      for (let i = 0; i < count; i++) places[i] ??= beyond.shift() ?? null
      surplus.push(...beyond)
      this.#groups.set(group, places)
    }
    return surplus
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
