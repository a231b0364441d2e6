/**
 * Which free slots a job gets: spread over TaskManagers, so that cores and network are shared
 * evenly and the loss of one hits little.
 *
 * Pure. Takes one slot after another from the TaskManager with the smallest share of its slots in
 * use; ties go to the one that has more free, then to the one that registered first.
 */
export interface SlotSupply<S> {
  readonly slotCount: number
  /** Free slots, in slot order. */
  readonly free: readonly S[]
}

/** `count` slots in the order in which subtasks take them; null when there are too few. */
export function chooseSlots<S>(supplies: readonly SlotSupply<S>[], count: number): S[] | null {
  const taken = supplies.map(() => 0)
  const chosen: S[] = []
  while (chosen.length < count) {
    let best = -1
    let bestUse = 0
    let bestFree = 0
    for (let i = 0; i < supplies.length; i++) {
      const { slotCount, free } = supplies[i] as SlotSupply<S>
      const left = free.length - (taken[i] as number)
      if (left === 0) continue
      const use = (slotCount - left) / slotCount
      if (best < 0 || use < bestUse || (use === bestUse && left > bestFree)) {
        best = i
        bestUse = use
        bestFree = left
      }
    }
    if (best < 0) return null
    chosen.push((supplies[best] as SlotSupply<S>).free[taken[best] as number] as S)
    taken[best] = (taken[best] as number) + 1
  }
  return chosen
}
