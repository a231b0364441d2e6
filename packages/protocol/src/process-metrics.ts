/**
 * ProcessMetrics: a process's own numbers, under the names that dashboards of the reference engine
 * read; of JobManager and TaskManager alike.
 *
 * Node has no JVM; `Status.JVM.*` carries the analogous value (V8 heap used → Heap.Used). CPU load
 * is the share of one core.
 */
import type { Clock, ProcessMemory } from '@millrace/platform'

export class ProcessMetrics {
  readonly #clock: Clock
  readonly #memory: (() => ProcessMemory) | null
  #lastMs: number
  #lastCpuMicros: number
  #load = 0
  #lastCollectionMs = 0
  #collectionRate = 0

  /** `memory`: null where the process is not to be asked (simulation). */
  constructor(clock: Clock, memory: (() => ProcessMemory) | null) {
    this.#clock = clock
    this.#memory = memory
    this.#lastMs = clock.monotonicMs()
    this.#lastCpuMicros = clock.processCpuMicros()
  }

  /** `threadsHeapBytes`: used in the heaps of its threads, which have their own. */
  values(threadCount: number, threadsHeapBytes = 0): Record<string, number> {
    const memory = this.#memory?.() ?? null
    this.#measure(memory?.collections.timeMs ?? 0)
    return {
      'Status.JVM.CPU.Load': this.#load,
      'Status.JVM.CPU.Time': this.#clock.processCpuMicros() * 1000,
      ...(memory === null
        ? {}
        : {
            'Status.JVM.Memory.Heap.Used': memory.heapUsedBytes + threadsHeapBytes,
            'Status.JVM.Memory.Heap.Committed': memory.heapCommittedBytes,
            'Status.JVM.Memory.Heap.Max': memory.heapMaxBytes,
            'Status.JVM.Memory.NonHeap.Used': memory.externalBytes,
            'Status.JVM.Memory.NonHeap.Committed': memory.externalBytes,
            'Status.JVM.Memory.NonHeap.Max': -1,
            'Status.JVM.Memory.Direct.MemoryUsed': memory.externalBytes,
            'Status.JVM.Memory.Direct.TotalCapacity': memory.externalBytes,
            'Status.Memory.Resident': memory.residentBytes,
            'Status.JVM.GarbageCollector.All.Count': memory.collections.count,
            'Status.JVM.GarbageCollector.All.Time': Math.round(memory.collections.timeMs),
            'Status.JVM.GarbageCollector.All.TimeMsPerSecond': this.#collectionRate,
            ...(memory.descriptors === null
              ? {}
              : {
                  'Status.JVM.FileDescriptor.Open': memory.descriptors.open,
                  'Status.JVM.FileDescriptor.Max': memory.descriptors.max,
                }),
            'Status.JVM.Threads.Count': memory.threadCount ?? threadCount,
          }),
    }
  }

  #measure(collectionMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    const elapsedMs = nowMs - this.#lastMs
    if (elapsedMs >= 500) {
      const cpuMicros = this.#clock.processCpuMicros()
      this.#load = (cpuMicros - this.#lastCpuMicros) / 1000 / elapsedMs
      this.#collectionRate = ((collectionMs - this.#lastCollectionMs) / elapsedMs) * 1000
      this.#lastCpuMicros = cpuMicros
      this.#lastCollectionMs = collectionMs
      this.#lastMs = nowMs
    }
  }
}
