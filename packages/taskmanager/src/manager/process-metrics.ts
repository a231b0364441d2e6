/**
 * ProcessMetrics: the TaskManager process's own numbers, under the names that dashboards of the
 * reference engine read.
 *
 * Node has no JVM; `Status.JVM.*` carries the analogous value (V8 heap used → Heap.Used). CPU load
 * is the share of one core.
 */
import type { Clock } from '@millrace/platform'
import type { SlotMetrics } from '../slot/slot-messages.ts'

/** As the composition root reads it (`process.memoryUsage()`, V8's heap limit). */
export interface ProcessMemory {
  readonly heapUsedBytes: number
  readonly heapCommittedBytes: number
  readonly heapMaxBytes: number
  /** Typed arrays and other memory outside V8's heap. */
  readonly externalBytes: number
  readonly residentBytes: number
  readonly threadCount?: number
}

export class ProcessMetrics {
  readonly #clock: Clock
  readonly #memory: (() => ProcessMemory) | null
  #lastMs: number
  #lastCpuMicros: number
  #load = 0

  constructor(clock: Clock, memory: (() => ProcessMemory) | null) {
    this.#clock = clock
    this.#memory = memory
    this.#lastMs = clock.monotonicMs()
    this.#lastCpuMicros = clock.processCpuMicros()
  }

  values(slots: readonly SlotMetrics[]): Record<string, number> {
    const memory = this.#memory?.() ?? null
    const slotHeapBytes = slots.reduce((sum, slot) => sum + slot.heapUsedBytes, 0)
    const total = slots.reduce((sum, slot) => sum + slot.segmentsTotal, 0)
    const used = slots.reduce((sum, slot) => sum + slot.segmentsUsed, 0)
    return {
      'Status.JVM.CPU.Load': this.#cpuLoad(),
      'Status.JVM.CPU.Time': this.#clock.processCpuMicros() * 1000,
      ...(memory === null
        ? {}
        : {
            'Status.JVM.Memory.Heap.Used': memory.heapUsedBytes + slotHeapBytes,
            'Status.JVM.Memory.Heap.Committed': memory.heapCommittedBytes,
            'Status.JVM.Memory.Heap.Max': memory.heapMaxBytes,
            'Status.JVM.Memory.NonHeap.Used': memory.externalBytes,
            'Status.JVM.Memory.NonHeap.Committed': memory.externalBytes,
            'Status.JVM.Memory.NonHeap.Max': -1,
            'Status.JVM.Memory.Direct.MemoryUsed': memory.externalBytes,
            'Status.Memory.Resident': memory.residentBytes,
            'Status.JVM.Threads.Count': memory.threadCount ?? slots.length + 1,
          }),
      'Status.Shuffle.Netty.TotalMemorySegments': total,
      'Status.Shuffle.Netty.UsedMemorySegments': used,
      'Status.Shuffle.Netty.AvailableMemorySegments': total - used,
    }
  }

  #cpuLoad(): number {
    const nowMs = this.#clock.monotonicMs()
    const elapsedMs = nowMs - this.#lastMs
    if (elapsedMs >= 500) {
      const cpuMicros = this.#clock.processCpuMicros()
      this.#load = (cpuMicros - this.#lastCpuMicros) / 1000 / elapsedMs
      this.#lastCpuMicros = cpuMicros
      this.#lastMs = nowMs
    }
    return this.#load
  }
}
