/**
 * TaskMetrics: one subtask's numbers, read when they are reported.
 *
 * The record path only adds to plain fields; rates are differences over the time since the last
 * report but at least a second, so that they read "per second" whoever asks how often. Invariant:
 * busy, idle and backpressured time per second sum up to 1000.
 */
import type { OperatorMetrics, WatermarkHold } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type {
  HoldingChannel,
  OperatorMetricsReport,
  TaskDeployment,
  TaskMetricsReport,
} from '@millrace/protocol'
import type { ChainNode, OperatorChain } from './operator-chain.ts'
import type { SubtaskCheckpoints } from './subtask-checkpoints.ts'
import type { TaskChannels } from './task-channels.ts'
import type { TaskMailbox } from './task-mailbox.ts'
import type { TaskTiming } from './task-timing.ts'

export interface TaskMetricsSources {
  readonly chain: OperatorChain
  readonly channels: TaskChannels
  readonly timing: TaskTiming
  readonly mailbox: TaskMailbox
  readonly checkpoints: SubtaskCheckpoints
  readonly clock: Clock
}

/** Rates are taken over at least this long. */
const RATE_WINDOW_MS_MIN = 1000

interface Totals {
  readonly atMs: number
  readonly busyMs: number
  readonly idleMs: number
  readonly backPressuredMs: number
  readonly recordsIn: number
  readonly recordsOut: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export class TaskMetrics {
  readonly #deployment: TaskDeployment
  readonly #sources: TaskMetricsSources
  #from: Totals
  #to: Totals

  constructor(deployment: TaskDeployment, sources: TaskMetricsSources) {
    this.#deployment = deployment
    this.#sources = sources
    this.#from = this.#totals(sources.clock.monotonicMs())
    this.#to = this.#from
  }

  /** `nowMs` is monotonic; the timing has been brought up to it. */
  report(nowMs: number): TaskMetricsReport {
    const now = this.#totals(nowMs)
    if (now.atMs - this.#to.atMs >= RATE_WINDOW_MS_MIN) {
      this.#from = this.#to
      this.#to = now
    }
    const from = now.atMs - this.#to.atMs >= RATE_WINDOW_MS_MIN / 2 ? this.#to : this.#from
    const seconds = Math.max(0.001, (now.atMs - from.atMs) / 1000)
    const rate = (key: Exclude<keyof Totals, 'atMs'>): number => (now[key] - from[key]) / seconds
    // A pause that began before the window counts when it ends: a second still has 1000 ms.
    const timeRate = (key: 'busyMs' | 'idleMs' | 'backPressuredMs') => Math.min(1000, rate(key))
    return {
      attemptId: this.#deployment.attemptId,
      numRecordsIn: now.recordsIn,
      numRecordsOut: now.recordsOut,
      numBytesIn: now.bytesIn,
      numBytesOut: now.bytesOut,
      numRecordsInPerSecond: rate('recordsIn'),
      numRecordsOutPerSecond: rate('recordsOut'),
      busyTimeMsPerSecond: timeRate('busyMs'),
      idleTimeMsPerSecond: timeRate('idleMs'),
      backPressuredTimeMsPerSecond: timeRate('backPressuredMs'),
      currentInputWatermark: this.#watermark(),
      heldBy: this.#heldBy(),
      operators: this.#sources.chain.nodes.map((node) => this.#operator(node)),
      values: this.#values(rate),
    }
  }

  #values(rate: (key: 'bytesIn' | 'bytesOut') => number): Record<string, number> {
    const { channels, timing, mailbox, checkpoints } = this.#sources
    let held = 0
    let quota = 0
    let buffersOut = 0
    for (const partition of channels.partitions) {
      held += partition.heldSegments
      quota += partition.quota
      buffersOut += partition.segmentsOut
    }
    const queued = channels.input?.queuedSegments ?? 0
    const reserved = channels.input?.reservedSegments ?? 0
    return {
      isBackPressured: timing.kind === 'backpressured' ? 1 : 0,
      numBytesInPerSecond: rate('bytesIn'),
      numBytesOutPerSecond: rate('bytesOut'),
      numBuffersIn: channels.input?.segmentsIn ?? 0,
      numBuffersOut: buffersOut,
      mailboxQueueSize: mailbox.size,
      checkpointAlignmentTime: checkpoints.lastAlignmentMs * 1e6,
      checkpointStartDelayNanos: checkpoints.lastStartDelayMs * 1e6,
      'Shuffle.Netty.Input.Buffers.inPoolUsage': reserved === 0 ? 0 : queued / reserved,
      'Shuffle.Netty.Input.Buffers.inputQueueLength': queued,
      'Shuffle.Netty.Output.Buffers.outPoolUsage': quota === 0 ? 0 : held / quota,
      'Shuffle.Netty.Output.Buffers.outputQueueLength': held,
    }
  }

  #watermark(): number {
    const { channels, chain } = this.#sources
    if (channels.input !== null) return channels.input.watermark
    let least = Number.POSITIVE_INFINITY
    for (const { node } of chain.sources) {
      least = Math.min(least, node.metrics.currentOutputWatermark)
    }
    return least === Number.POSITIVE_INFINITY && chain.sources.length === 0
      ? Number.NEGATIVE_INFINITY
      : least
  }

  /** The channel of the gate that holds, itself the one that holds the gate. */
  #heldBy(): HoldingChannel | null {
    const { channels, chain, clock } = this.#sources
    const { input } = channels
    const gate = chain.holdingGate
    if (input === null || gate < 0) return null
    const holder = input.watermarksOf(gate).holder
    const channel = this.#deployment.gates[gate]?.channels[holder]
    if (channel === undefined) return null
    const pausedAtMs = input.pausedSinceMs(input.channelOf(gate, holder))
    const { producerAttemptId } = channel
    if (pausedAtMs === null) return { producerAttemptId, pausedSinceMs: null }
    return { producerAttemptId, pausedSinceMs: clock.nowMs() - clock.monotonicMs() + pausedAtMs }
  }

  #operator(node: ChainNode): OperatorMetricsReport {
    const { metrics, descriptor } = node
    return {
      operatorId: descriptor.id,
      operatorName: descriptor.name,
      values: operatorValues(metrics),
      watermarkHold: metrics.watermarkHold as WatermarkHold | null,
    }
  }

  #totals(nowMs: number): Totals {
    const { channels, chain, timing } = this.#sources
    let recordsIn = channels.input?.recordsIn ?? 0
    for (const { node } of chain.sources) recordsIn += node.metrics.numRecordsIn
    let recordsOut = 0
    let bytesOut = 0
    for (const partition of channels.partitions) {
      recordsOut += partition.recordsOut
      bytesOut += partition.bytesOut
    }
    return {
      atMs: nowMs,
      busyMs: timing.busyMs,
      idleMs: timing.idleMs,
      backPressuredMs: timing.backPressuredMs,
      recordsIn,
      recordsOut,
      bytesIn: channels.input?.bytesIn ?? 0,
      bytesOut,
    }
  }
}

function operatorValues(metrics: OperatorMetrics): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value === 'number') values[name] = value
  }
  for (const [name, value] of metrics.gauges) values[name] = value
  return values
}
