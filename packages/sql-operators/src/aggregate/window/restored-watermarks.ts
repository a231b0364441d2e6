/**
 * RestoredWatermarks: how far event time had come for each key group when a checkpoint was taken,
 * so that a window which had fired for a key does not fire for it again.
 *
 * A barrier that overtakes rows finds the subtasks of an aggregate at different watermarks, and
 * after a restore at another parallelism one subtask may hold keys of several. It starts at the
 * least of them; what others had fired beyond it is left out while it catches up.
 */
import {
  ColumnBatch,
  encodeUtf8,
  type KeyGroupRange,
  keyGroups,
  type StateTable,
} from '@millrace/core'

interface Reached {
  readonly watermarkMs: number
  readonly range: KeyGroupRange
}

export class RestoredWatermarks {
  readonly #reached: readonly Reached[]
  readonly #maxParallelism: number
  /** Where the subtask starts; null: nothing was restored. */
  readonly leastMs: number | null
  readonly #mostMs: number

  /**
   * `items`: union state, `<ms> <first key group> <last>` each; without key groups (earlier builds)
   * of all. `own`: those of the subtask.
   */
  constructor(items: readonly Uint8Array[], own: KeyGroupRange, maxParallelism: number) {
    const decoder = new TextDecoder()
    this.#reached = items.flatMap((item): Reached[] => {
      const [ms, first, last] = decoder.decode(item).split(' ')
      const start = Math.max(own.start, Number(first ?? own.start))
      const end = Math.min(own.end, Number(last ?? own.end))
      return start > end ? [] : [{ watermarkMs: Number(ms), range: { start, end } }]
    })
    this.#maxParallelism = maxParallelism
    const reached = this.#reached.map(({ watermarkMs }) => watermarkMs)
    this.leastMs = reached.length === 0 ? null : Math.min(...reached)
    this.#mostMs = Math.max(Number.NEGATIVE_INFINITY, ...reached)
  }

  /** Union state of a subtask that has come to `watermarkMs`. */
  itemsAt(watermarkMs: number, own: KeyGroupRange): Uint8Array[] {
    const ahead = this.#reached.filter((each) => each.watermarkMs > watermarkMs)
    if (ahead.length === 0) return [itemOf({ watermarkMs, range: own })]
    return this.#reached.map(({ watermarkMs: ms, range }) =>
      itemOf({ watermarkMs: Math.max(ms, watermarkMs), range }),
    )
  }

  /** Of the slots of a window that ends at `endMs`, those of keys for which it has not fired. */
  unfired(table: StateTable, slots: Int32Array, endMs: number): Int32Array {
    if (endMs - 1 > this.#mostMs || slots.length === 0) return slots
    const count = table.spec.key.fields.length
    const keys = table.keyColumns(slots, 0, slots.length).slice(0, count)
    const batch = new ColumnBatch(slots.length, keys)
    const groups = keyGroups(batch, [...keys.keys()], this.#maxParallelism)
    return slots.filter((_, i) => !this.#hadFired(groups[i] as number, endMs))
  }

  #hadFired(keyGroup: number, endMs: number): boolean {
    return this.#reached.some(
      ({ watermarkMs, range }) =>
        endMs - 1 <= watermarkMs && keyGroup >= range.start && keyGroup <= range.end,
    )
  }
}

function itemOf({ watermarkMs, range }: Reached): Uint8Array {
  return encodeUtf8(`${watermarkMs} ${range.start} ${range.end}`)
}
