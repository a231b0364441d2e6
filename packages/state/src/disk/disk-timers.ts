/**
 * DiskTimers: a disk table whose entries are due at a time, their first sub column.
 *
 * Windows larger than the memory: what is due is read from its own runs, a batch at a time, and
 * goes with them. Invariants: as those of `DiskTable`; of an entry that the cache has, runs are not
 * asked.
 */
import type { EntryScan, StateTableSpec, TimeEntries, TimerTable } from '@millrace/core'
import { DueTimes } from '../table/due-times.ts'
import { PARTS_MAX, partOf } from '../table/key-parts.ts'
import type { RecordLayout } from '../table/record-layout.ts'
import { ResidentTimers, readByTime } from '../table/resident-timers.ts'
import { cacheSettings, type DiskSettings } from './disk-settings.ts'
import { DiskTable } from './disk-table.ts'
import { DueEntries } from './due-entries.ts'
import type { EntryRuns, LeavingEntries } from './entry-runs.ts'
import type { Partition } from './partition.ts'
import { type BlockShape, timersShapeOf } from './record-block.ts'
import { TimedRuns } from './timed-runs.ts'

/** Of a time that has entries, about. */
const TIME_BYTES = 192
/** Of its share of the memory: what is due at some times is taken in parts that are no larger. */
const PART_SHARE = 0.25

export class DiskTimers extends DiskTable implements TimerTable {
  readonly #times = new DueTimes()
  readonly #timeWord: number
  /** What was read last, maybe not to its end. */
  #reading: DueEntries | null = null

  constructor(spec: StateTableSpec, settings: DiskSettings) {
    super(spec, settings)
    this.#timeWord = this.#timers.layout.keyed[this.timeColumn]!.word
  }

  get firstMs(): number {
    return this.#times.firstMs
  }

  override get memoryBytes(): number {
    return super.memoryBytes + this.#times.size * TIME_BYTES
  }

  entriesAt(timeMs: number, part = 0, parts = 1): TimeEntries {
    const onDisk = this.#runs.partsAt(timeMs)
    // Parts of the keys are made of whole partitions, or are within one.
    const from = Math.floor((part * onDisk.length) / parts)
    const to = Math.ceil(((part + 1) * onDisk.length) / parts)
    this.#reading?.end()
    this.#reading = new DueEntries({
      cached: this.#timers.entriesAt(timeMs, part, parts),
      partitions: onDisk.slice(from, to),
      isWanted: (keyHash) => onDisk.length >= parts || partOf(keyHash, parts) === part,
      cache: this.#timers,
      flags: this.flags,
      merging: this.mergeSettings(),
      adopt: (block, at) => this.adopt(block, at),
      giveBack: (slot) => this.giveBack(slot),
    })
    return this.#reading
  }

  partsAt(times: readonly number[]): number {
    const entries = times.reduce((sum, timeMs) => sum + this.#times.countAt(timeMs), 0)
    const wanted = (entries * this.entryBytes) / (this.settings.share.bytes * PART_SHARE)
    let parts = 1
    while (parts < wanted && parts < PARTS_MAX) parts *= 2
    return parts
  }

  removeAt(timeMs: number): void {
    this.#reading?.end()
    for (const partition of this.#runs.partsAt(timeMs)) this.changes?.goes(partition)
    this.#runs.removeAt(timeMs)
    this.#forgetCached(timeMs)
    const count = this.#times.countAt(timeMs)
    this.#times.remove(timeMs, count)
    this.left(count)
    this.limitChanges()
  }

  override scan(): EntryScan {
    throw readByTime(this.spec)
  }

  override clear(): void {
    this.#reading?.end()
    super.clear()
    this.#times.clear()
  }

  override close(): void {
    this.#reading?.end()
    super.close()
  }

  protected override makeCache(): ResidentTimers {
    return new ResidentTimers(this.spec, cacheSettings(this.settings))
  }

  protected override shapeOf(layout: RecordLayout): BlockShape {
    return timersShapeOf(layout)
  }

  protected override makeRuns(): EntryRuns {
    return new TimedRuns(this.settings, this.shape, () => this.mergeSettings())
  }

  protected override get timeColumn(): number {
    return this.spec.key.fields.length
  }

  protected override timeOf(slot: number): number {
    const { words, stride } = this.memory
    return words[slot * stride + this.#timeWord] as number
  }

  protected override entered(slots: Int32Array, count: number): void {
    super.entered(slots, count)
    for (let i = 0; i < count; i++) this.#times.add(this.timeOf(slots[i] as number))
  }

  protected override leaving(slot: number): void {
    super.leaving(slot)
    this.#times.remove(this.timeOf(slot), 1)
  }

  /**
   * Of a time in 32 parts the part; of one in fewer as much at once, but seldomer: so each time has
   * left when all parts have been asked for, and a run is not of a few entries.
   */
  protected override *leavingNext(part: number): Generator<LeavingEntries> {
    const { layout, memory } = this.#timers
    const { ints, words, stride } = memory
    const byPartition = new Map<Partition, number[]>()
    let [timeMs, parts, index] = [Number.NaN, NO_PARTS, -1]
    // As the records lie: along the lists of their times it took half of all (window-firing.bench).
    for (const slots of this.#timers.slots()) {
      for (let n = 0; n < slots.length; n++) {
        const slot = slots[n] as number
        const at = words[slot * stride + this.#timeWord] as number
        if (at !== timeMs) {
          timeMs = at
          parts = this.#runs.partsFor(timeMs, this.#times.size)
          index = leavingPart(part, timeMs, parts.length)
        }
        const keyHash = ints[slot * stride * 2 + layout.keyHashInt] as number
        if (index < 0 || partOf(keyHash, parts.length) !== index) continue
        const partition = parts[index] as Partition
        const leaving = byPartition.get(partition)
        if (leaving === undefined) byPartition.set(partition, [slot])
        else leaving.push(slot)
      }
    }
    for (const [partition, slots] of byPartition) {
      yield { partition, slots: Int32Array.from(slots) }
    }
  }

  /** Entries in the cache of a time that goes. */
  #forgetCached(timeMs: number): void {
    const slots = this.#timers.slotsAt(timeMs, 0, 1)
    this.changes?.leaving(this.cache, slots, slots.length)
    this.cache.remove(slots, slots.length)
    for (const slot of slots) this.flags.set(slot, 0)
    this.#timers.forgetEmptyTimes()
  }

  get #timers(): ResidentTimers {
    return this.cache as ResidentTimers
  }

  get #runs(): TimedRuns {
    return this.runs as TimedRuns
  }
}

const NO_PARTS: readonly Partition[] = []

/** Of a time in `parts` parts the one that leaves as part `part` of 32; -1: none. */
function leavingPart(part: number, timeMs: number, parts: number): number {
  const width = PARTS_MAX / parts
  const turn = part ^ (Math.imul(timeMs, 0x9e3779b1) >>> 27)
  return turn % width === 0 ? turn / width : -1
}
