/**
 * StateMemory: the managed memory of a slot, shared by the tables that are there.
 *
 * Evenly among those that need it: what a table leaves of an even share (one row of a total beside
 * all the values that it counts) is the others'. Invariant: the shares of those that fill them and
 * what the others use are together never more than the whole; a table that begins to fill its share
 * gets it back as soon as the others are asked next.
 */
export interface MemoryShare {
  /** Now; becomes less when another table comes, or needs more. */
  readonly bytes: number
  /** So much is taken now. */
  use(bytes: number): void
  leave(): void
}

interface Member {
  used: number
}

export class StateMemory {
  readonly totalBytes: number
  readonly #members = new Set<Member>()
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
    const member: Member = { used: 0 }
    this.#members.add(member)
    return {
      get bytes() {
        return memory.#shareOf(member)
      },
      use(bytes) {
        member.used = bytes
      },
      leave: () => void this.#members.delete(member),
    }
  }

  /** An even part of what those leave that use less than an even part. */
  #shareOf(asking: Member): number {
    let rest = this.totalBytes
    let needing = [...this.#members]
    for (;;) {
      const even = rest / Math.max(1, needing.length)
      const content = needing.filter((member) => member !== asking && member.used < even)
      if (content.length === 0) return even
      for (const { used } of content) rest -= used
      needing = needing.filter((member) => !content.includes(member))
    }
  }
}
