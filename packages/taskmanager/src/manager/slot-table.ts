/**
 * SlotTable: which slot is allocated to whom.
 *
 * The TaskManager's book of slots. Invariant: a slot index has at most one allocation, and it stays
 * occupied from the request until its thread has ended.
 */
import type { SlotReport } from '@millrace/protocol'
import type { SlotMetrics } from '../slot/slot-messages.ts'
import type { TaskSlot } from './task-slot.ts'

export class SlotTable {
  /** By slot index; null: free. A slot that is being started is in here too. */
  readonly #slots: (TaskSlot | null)[]
  readonly #addresses = new Map<TaskSlot, Promise<string>>()

  constructor(slotCount: number) {
    this.#slots = new Array(slotCount).fill(null)
  }

  all(): TaskSlot[] {
    return this.#slots.filter((slot) => slot !== null)
  }

  at(index: number): TaskSlot | null {
    return this.#slots[index] ?? null
  }

  get freeCount(): number {
    return this.#slots.filter((slot) => slot === null).length
  }

  ofAllocation(allocationId: string): TaskSlot | undefined {
    return this.all().find((slot) => slot.settings.allocationId === allocationId)
  }

  ofAttempt(attemptId: string): TaskSlot | undefined {
    return this.all().find((slot) => slot.attempts.has(attemptId))
  }

  /** Occupies the slot and starts it; resolves with its data address. */
  add(slot: TaskSlot): Promise<string> {
    const address = slot.start()
    this.#slots[slot.settings.index] = slot
    this.#addresses.set(slot, address)
    return address
  }

  addressOf(slot: TaskSlot): Promise<string> {
    return this.#addresses.get(slot) as Promise<string>
  }

  remove(slot: TaskSlot): void {
    this.#addresses.delete(slot)
    const { index } = slot.settings
    if (this.#slots[index] === slot) this.#slots[index] = null
  }

  reports(): SlotReport[] {
    return this.#slots.map((slot, slotIndex) => ({
      slotIndex,
      allocationId: slot?.settings.allocationId ?? '',
      jobId: slot?.settings.jobId ?? '',
    }))
  }

  /** Of the slots that answer in time. */
  async collectMetrics(): Promise<SlotMetrics[]> {
    const collected = await Promise.all(this.all().map((slot) => slot.collectMetrics()))
    return collected.filter((metrics) => metrics !== null)
  }
}
