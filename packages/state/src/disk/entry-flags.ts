/**
 * EntryFlags: what a disk table knows of each slot of its cache beside the record.
 *
 * Invariant: a slot that the cache gives out anew has no flags.
 */
/** The table has accounted for the entry. */
export const KNOWN = 1
/** It is not on disk as it is. */
export const DIRTY = 2
/** Its key is gone, and a run may still have it. */
export const GONE = 4

export class EntryFlags {
  bytes = new Uint8Array(256)
  goneCount = 0

  of(slot: number): number {
    return slot < this.bytes.length ? (this.bytes[slot] as number) : 0
  }

  set(slot: number, flags: number): void {
    if (slot >= this.bytes.length) {
      const grown = new Uint8Array(Math.max(slot + 1, this.bytes.length * 2))
      grown.set(this.bytes)
      this.bytes = grown
    }
    const before = this.bytes[slot] as number
    this.goneCount += (flags & GONE) / GONE - (before & GONE) / GONE
    this.bytes[slot] = flags
  }

  clear(): void {
    this.bytes = new Uint8Array(256)
    this.goneCount = 0
  }
}
