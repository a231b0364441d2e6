/**
 * StateMemory: the managed memory of a slot, shared evenly by the tables that are there.
 *
 * Invariant: the shares together are never more than the whole.
 */
export interface MemoryShare {
  /** Now; becomes less when another table comes. */
  readonly bytes: number
  leave(): void
}

export class StateMemory {
  readonly totalBytes: number
  #members = 0
  readonly #others = new Map<number, StateMemory>()

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes
  }

  /** What the tables of this slot share whose job sets another size. */
  of(totalBytes: number): StateMemory {
    const known = this.#others.get(totalBytes) ?? new StateMemory(totalBytes)
    this.#others.set(totalBytes, known)
    return known
  }

  join(): MemoryShare {
    const memory = this
    this.#members++
    let isMember = true
    return {
      get bytes() {
        return memory.totalBytes / Math.max(1, memory.#members)
      },
      leave() {
        if (isMember) memory.#members--
        isMember = false
      },
    }
  }
}
