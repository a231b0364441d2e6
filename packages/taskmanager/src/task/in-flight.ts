/**
 * InFlight: the elements that a checkpoint's barrier overtook in one subtask, on its way in and out
 * — what of them belongs to the checkpoint.
 *
 * Between the channels of `network` and `TaskState`. Taken in one turn with the operators' last
 * snapshot, before anything else is read: an element is in the snapshot of whoever has processed
 * it, or here, and never in both.
 */
import type { ChannelPlace, CheckpointBarrier } from '@millrace/core'
import { patienceMs, type ResultPartition, type SubtaskInput } from '@millrace/network'
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

export interface BarrierPassage {
  readonly deployment: TaskDeployment
  /** Null: a source. */
  readonly input: SubtaskInput | null
  readonly partitions: readonly ResultPartition[]
  readonly nowMs: () => number
  /** Returns how to cancel it. */
  readonly schedule: (delayMs: number, action: () => void) => () => void
}

/**
 * Sends the barrier on through every output, and takes down what lies on both sides. As long as it
 * may still be waited for it goes behind what is queued, and overtakes later what has not been sent
 * by then.
 */
export function passBarrier(
  barrier: CheckpointBarrier,
  { deployment, input, partitions, nowMs, schedule }: BarrierPassage,
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
  const delayMs = patienceMs(barrier, nowMs())
  const waiting: { edge: number; partition: ResultPartition }[] = []
  const sent: Promise<void>[] = []
  const addUnsent = (edge: number, unsent: readonly (readonly Uint8Array[])[]): void => {
    for (const [subpartition, bytes] of unsent.entries()) {
      if (bytes.length === 0) continue
      parts.push({ place: { from: 'output', edge, subpartition }, bytes })
    }
  }
  for (const [edge, partition] of partitions.entries()) {
    if (!mayOvertake(barrier) || deployment.outputs[edge]?.overtakable !== true) {
      partition.emitBarrier(barrier)
      continue
    }
    if (delayMs > 0) {
      waiting.push({ edge, partition })
      sent.push(partition.passBarrier(barrier))
    } else addUnsent(edge, partition.overtake(barrier))
  }
  const whole = recording?.whole ?? Promise.resolve(true)
  if (waiting.length === 0) return { parts, whole }
  const cancel = schedule(delayMs, () => {
    for (const { edge, partition } of waiting) addUnsent(edge, partition.overtakeLate(barrier))
  })
  const allSent = Promise.all(sent).then(cancel)
  return { parts, whole: allSent.then(() => whole) }
}
