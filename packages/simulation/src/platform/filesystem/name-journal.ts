/**
 * Changes of names that no sync of their directory has made durable: creations, renames, removals.
 *
 * They happen to programs at once and to the disk later. Most disks keep their order within a
 * directory, so that a crash leaves the first of them, up to a random one; some promise
 * nothing, and any of them may be left. A rename is one change, whole or not at all. Syncing a
 * directory makes its changes durable, and what those stand on; not the directory's own name,
 * which is its parent's.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { DiskDirectory, DiskNode } from './disk-node.ts'

/** One name in one directory. */
export interface NameEdit {
  readonly directory: DiskDirectory
  readonly name: string
  readonly before: DiskNode | null
  readonly after: DiskNode | null
}

interface NameChange {
  readonly host: string
  readonly edits: readonly NameEdit[]
}

/** Older ones have been written in the background. */
const UNSYNCED_NAMES_MAX = 4096

export class NameJournal {
  #changes: NameChange[] = []

  add(host: string, edits: readonly NameEdit[]): void {
    this.#changes.push({ host, edits })
    if (this.#changes.length > UNSYNCED_NAMES_MAX) {
      this.#changes = this.#changes.slice(UNSYNCED_NAMES_MAX / 2)
    }
  }

  sync(directory: DiskDirectory): void {
    const durable = new Set([directory])
    const kept: NameChange[] = []
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const change = this.#changes[index] as NameChange
      if (!change.edits.some((edit) => durable.has(edit.directory))) kept.push(change)
      else {
        for (const { directory, before, after } of change.edits) {
          durable.add(directory)
          // A directory that is gone for good takes what happened in it along.
          if (before?.isDirectory === true && after === null) durable.add(before)
        }
      }
    }
    this.#changes = kept.reverse()
  }

  /** Names with changes that a crash may undo. */
  unsynced(): { directory: DiskDirectory; name: string }[] {
    return this.#changes.flatMap((change) => change.edits)
  }

  /**
   * Undoes a random part of what `host` (null: anyone) did, by `undo`. Returns how many
   * changes were lost.
   */
  crash(host: string | null, random: SeededRandom, undo: (edit: NameEdit) => void): number {
    const survival = random.pick([0, 0.5, 0.9, 1])
    const keepsOrder = random.chance(0.75)
    const [mine, others] = this.#divide(host)
    const stopped = new Set<DiskDirectory>()
    const lost: NameChange[] = []
    for (const change of mine) {
      const isBehindLost = keepsOrder && change.edits.some((edit) => stopped.has(edit.directory))
      if (!isBehindLost && random.chance(survival)) continue
      lost.push(change)
      for (const edit of change.edits) stopped.add(edit.directory)
    }
    for (const change of lost.reverse()) for (const edit of change.edits) undo(edit)
    this.#changes = others
    return lost.length
  }

  /**
   * Changes that end with `host`, and those that do not: of other hosts, and what others have built
   * upon by a later change in the same directory, which had to leave the host for that.
   */
  #divide(host: string | null): [mine: NameChange[], others: NameChange[]] {
    if (host === null) return [this.#changes, []]
    const mine: NameChange[] = []
    const others: NameChange[] = []
    const shared = new Set<DiskDirectory>()
    for (const change of this.#changes.toReversed()) {
      if (change.host === host && !change.edits.some((edit) => shared.has(edit.directory))) {
        mine.push(change)
      } else {
        others.push(change)
        for (const edit of change.edits) shared.add(edit.directory)
      }
    }
    return [mine.reverse(), others.reverse()]
  }
}
