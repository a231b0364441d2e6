/**
 * InFlight: the elements that a checkpoint's barrier overtook in one subtask, on its way in and out
 * — what of them belongs to the checkpoint.
 *
 * Between the channels of `network` and `TaskState`. Taken in one turn with the operators' last
 * snapshot, before anything else is read: an element is in the snapshot of whoever has processed
 * it, or here, and never in both.
 */
import type { ChannelPlace, CheckpointBarrier } from '@millrace/core'
import type { ResultPartition, SubtaskInput } from '@millrace/network'
import type { TaskDeployment } from '@millrace/protocol'
import type { UnwrittenChannelPart } from '@millrace/state'

export interface InFlight {
  /** Whole once `whole` resolves to true. */
  readonly parts: readonly UnwrittenChannelPart[]
  /** False: the checkpoint was given up before every channel's barrier was here. */
  readonly whole: Promise<boolean>
}

/** Whether some barrier of the checkpoint may overtake what lies before it. */
export function mayOvertake({ order }: CheckpointBarrier): boolean {
  return typeof order.align === 'object'
}

/** Sends the barrier on through every output, and takes down what lies on both sides. */
export function passBarrier(
  barrier: CheckpointBarrier,
  deployment: TaskDeployment,
  input: SubtaskInput | null,
  partitions: readonly ResultPartition[],
): InFlight {
  const parts: UnwrittenChannelPart[] = []
  const recording = input?.record(barrier.order.id)
  for (const { gate: place, channel, restored, bytes } of recording?.parts ?? []) {
    const gate = deployment.gates[place]?.gate ?? place
    const own: ChannelPlace =
      restored === undefined
        ? { from: 'input', gate, channel }
        : { from: 'restored', gate, channel, ...restored }
    parts.push({ place: own, bytes })
  }
  for (const [edge, partition] of partitions.entries()) {
    if (!mayOvertake(barrier) || deployment.outputs[edge]?.overtakable !== true) {
      partition.emitBarrier(barrier)
      continue
    }
    for (const [subpartition, bytes] of partition.overtake(barrier).entries()) {
      parts.push({ place: { from: 'output', edge, subpartition }, bytes })
    }
  }
  return { parts, whole: recording?.whole ?? Promise.resolve(true) }
}
