/**
 * Builds the partitions and the input of one subtask from its deployment, and connects them.
 *
 * Between `TaskDeployment` (plain data) and `network`. Invariant: gates appear in the input in the
 * deployment's order, and the chain's `gateLinks` in the same.
 */

import { codecOf } from '@millrace/core'
import { type PeerSlot, ResultPartition, type SlotExchange, SubtaskInput } from '@millrace/network'
import type { Clock } from '@millrace/platform'
import type { ChannelDeployment, TaskDeployment } from '@millrace/protocol'

export interface TaskChannels {
  readonly partitions: readonly ResultPartition[]
  /** Null: a source. */
  readonly input: SubtaskInput | null
}

/** Throws NETWORK_MEMORY_INSUFFICIENT, EDGE_TYPE_UNSUPPORTED; then nothing is left reserved. */
export function createTaskChannels(
  deployment: TaskDeployment,
  exchange: SlotExchange,
  clock: Clock,
): TaskChannels {
  const owner = subtaskName(deployment)
  const { settings, pool } = exchange
  const partitions: ResultPartition[] = []
  try {
    for (const output of deployment.outputs) {
      partitions.push(
        new ResultPartition(
          {
            attemptId: deployment.attemptId,
            edgeIndex: output.edgeIndex,
            codec: codecOf(output.type),
            partitioning: output.partitioning,
            subpartitionCount: output.subpartitions,
            maxParallelism: output.maxParallelism,
            firstSubpartition: deployment.subtaskIndex,
            buffersPerChannel: settings.buffersPerChannel,
            floatingBuffers: settings.floatingBuffersPerGate,
            owner,
          },
          pool,
        ),
      )
    }
    const input =
      deployment.gates.length === 0
        ? null
        : new SubtaskInput(
            {
              gates: deployment.gates.map((gate) => ({
                codec: codecOf(gate.type),
                channels: gate.channels.map(
                  (channel) =>
                    `gate ${gate.gate}, channel ${channel.channelIndex} from ${channel.producerAttemptId}`,
                ),
              })),
              buffersPerChannel: settings.buffersPerChannel,
              floatingBuffersPerGate: settings.floatingBuffersPerGate,
              owner,
              nowMs: () => clock.nowMs(),
              monotonicMs: () => clock.monotonicMs(),
              setTimer: (delayMs, action) => clock.setTimer(delayMs, action),
            },
            pool,
          )
    for (const partition of partitions) exchange.registerPartition(partition)
    return { partitions, input }
  } catch (error) {
    for (const partition of partitions) partition.release()
    throw error
  }
}

/** Asks the producers for their subpartitions. */
export function openTaskChannels(
  deployment: TaskDeployment,
  input: SubtaskInput,
  exchange: SlotExchange,
  peerOf: (channel: ChannelDeployment) => PeerSlot,
): void {
  let index = 0
  for (const gate of deployment.gates) {
    for (const channel of gate.channels) {
      const inputChannel = input.channels[index++]
      if (inputChannel === undefined) continue
      exchange.openChannel(inputChannel, peerOf(channel), {
        attemptId: channel.producerAttemptId,
        edgeIndex: channel.edgeIndex,
        subpartition: channel.subpartition,
      })
    }
  }
}

/** e.g. `Source: readings -> Calc (2/3)`. */
export function subtaskName(deployment: TaskDeployment): string {
  return `${deployment.vertex.name} (${deployment.subtaskIndex + 1}/${deployment.vertex.parallelism})`
}
