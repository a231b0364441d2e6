/** Memory that slots hold for the exchange and for keyed state, under the reference's names. */
import type { TaskManagerMemory } from '@millrace/protocol'
import type { SlotMetrics } from '../slot/slot-messages.ts'

export function memoryMetrics(
  slots: readonly SlotMetrics[],
  memory: TaskManagerMemory,
  segmentBytes: number,
): Record<string, number> {
  const sum = (value: (slot: SlotMetrics) => number) =>
    slots.reduce((total, slot) => total + value(slot), 0)
  const total = sum(({ segmentsTotal }) => segmentsTotal)
  const used = sum(({ segmentsUsed }) => segmentsUsed)
  return {
    'Status.Shuffle.Netty.TotalMemorySegments': total,
    'Status.Shuffle.Netty.UsedMemorySegments': used,
    'Status.Shuffle.Netty.AvailableMemorySegments': total - used,
    'Status.Shuffle.Netty.TotalMemory': total * segmentBytes,
    'Status.Shuffle.Netty.UsedMemory': used * segmentBytes,
    'Status.Shuffle.Netty.AvailableMemory': (total - used) * segmentBytes,
    'Status.Shuffle.Netty.RequestedMemoryUsage': total === 0 ? 0 : Math.round((used / total) * 100),
    'Status.Flink.Memory.Managed.Total': memory.managedBytes,
    'Status.Flink.Memory.Managed.Used': sum(({ stateBytes }) => stateBytes),
  }
}
