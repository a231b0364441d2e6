/**
 * A subtask's numbers of the exchange: rows, bytes and buffers in and out, how full its buffers
 * are.
 *
 * Local is what comes from a subtask on the same TaskManager. Names are the reference engine's.
 */
import type { TaskDeployment } from '@millrace/protocol'
import type { TaskChannels } from './task-channels.ts'

/** By name, values that only grow. */
export function exchangeTotals(
  deployment: TaskDeployment,
  { input, partitions }: TaskChannels,
  taskManagerId: string,
): Record<string, number> {
  const places = deployment.gates.flatMap(({ channels }) => channels)
  const totals = {
    ...{ numRecordsIn: input?.recordsIn ?? 0, numBytesIn: input?.bytesIn ?? 0 },
    ...{ numRecordsOut: 0, numBytesOut: 0, numBuffersOut: 0 },
    ...{ numBytesInLocal: 0, numBytesInRemote: 0, numBuffersInLocal: 0, numBuffersInRemote: 0 },
  }
  input?.channels.forEach(({ bytesIn, segmentsIn }, index) => {
    const place = places[index]?.taskManagerId === taskManagerId ? 'Local' : 'Remote'
    totals[`numBytesIn${place}`] += bytesIn
    totals[`numBuffersIn${place}`] += segmentsIn
  })
  for (const partition of partitions) {
    totals.numRecordsOut += partition.recordsOut
    totals.numBytesOut += partition.bytesOut
    totals.numBuffersOut += partition.segmentsOut
  }
  return totals
}

const BY_PLACE = ['numBytesInLocal', 'numBytesInRemote', 'numBuffersInLocal', 'numBuffersInRemote']

export function exchangeValues(
  { input, partitions }: TaskChannels,
  totals: ReadonlyMap<string, number>,
  rate: (name: string) => number,
): Record<string, number> {
  const values: Record<string, number> = {
    numBuffersIn: input?.segmentsIn ?? 0,
    numBuffersOut: totals.get('numBuffersOut') as number,
    numBuffersOutPerSecond: rate('numBuffersOut'),
  }
  for (const name of BY_PLACE) {
    const total = totals.get(name) as number
    for (const scope of ['', 'Shuffle.Netty.Input.']) {
      values[`${scope}${name}`] = total
      values[`${scope}${name}PerSecond`] = rate(name)
    }
  }
  let held = 0
  let quota = 0
  let heldBytes = 0
  for (const partition of partitions) {
    held += partition.heldSegments
    heldBytes += partition.heldSegments * partition.segmentBytes
    quota += partition.quota
  }
  const queued = input?.queuedSegments ?? 0
  const reserved = input?.reservedSegments ?? 0
  let exclusive = 0
  let queuedBytes = 0
  for (const channel of input?.channels ?? []) {
    exclusive += channel.exclusiveCredits
    queuedBytes += channel.queuedBytes
  }
  const usage = (used: number, all: number) => (all === 0 ? 0 : Math.min(1, used / all))
  return {
    ...values,
    'Shuffle.Netty.Input.Buffers.inPoolUsage': usage(queued, reserved),
    'Shuffle.Netty.Input.Buffers.inputExclusiveBuffersUsage': usage(queued, exclusive),
    'Shuffle.Netty.Input.Buffers.inputFloatingBuffersUsage': usage(
      Math.max(0, queued - exclusive),
      reserved - exclusive,
    ),
    'Shuffle.Netty.Input.Buffers.inputQueueLength': queued,
    'Shuffle.Netty.Input.Buffers.inputQueueSize': queuedBytes,
    'Shuffle.Netty.Output.Buffers.outPoolUsage': quota === 0 ? 0 : held / quota,
    'Shuffle.Netty.Output.Buffers.outputQueueLength': held,
    'Shuffle.Netty.Output.Buffers.outputQueueSize': heldBytes,
  }
}
