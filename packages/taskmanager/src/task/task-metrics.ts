/**
 * TaskMetrics: one subtask's numbers, read when they are reported.
 *
 * The record path only adds to plain fields. Invariant: busy, idle and backpressured time per
 * second sum up to 1000.
 */
import type { OperatorMetrics, WatermarkHold } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type {
  HoldingChannel,
  OperatorMetricsReport,
  TaskDeployment,
  TaskMetricsReport,
} from '@millrace/protocol'
import { exchangeTotals, exchangeValues } from './exchange-metrics.ts'
import { MailboxLatency } from './mailbox-latency.ts'
import type { ChainNode, OperatorChain } from './operator-chain.ts'
import { Rates } from './rates.ts'
import type { SubtaskCheckpoints } from './subtask-checkpoints.ts'
import type { TaskChannels } from './task-channels.ts'
import type { TaskMailbox } from './task-mailbox.ts'
import type { TaskTiming } from './task-timing.ts'

export interface TaskMetricsSources {
  /** Channels whose producers are here are local. */
  readonly taskManagerId: string
  readonly chain: OperatorChain
  readonly channels: TaskChannels
  readonly timing: TaskTiming
  readonly mailbox: TaskMailbox
  readonly checkpoints: SubtaskCheckpoints
  readonly clock: Clock
  /** From the deployment to the first row, ms. */
  readonly initializationMs: () => number
}

/** Counters of an operator that have a rate beside them. */
const OPERATOR_RATES = ['numRecordsIn', 'numRecordsOut', 'numBytesIn', 'numBytesOut'] as const

export class TaskMetrics {
  readonly #deployment: TaskDeployment
  readonly #sources: TaskMetricsSources
  readonly #rates: Rates
  readonly #latency: MailboxLatency

  constructor(deployment: TaskDeployment, sources: TaskMetricsSources) {
    this.#deployment = deployment
    this.#sources = sources
    this.#rates = new Rates(sources.clock.monotonicMs())
    this.#latency = new MailboxLatency(sources.mailbox, sources.clock)
  }

  /** `nowMs` is monotonic; the timing has been brought up to it. */
  report(nowMs: number): TaskMetricsReport {
    const totals = this.#totals()
    const rate = this.#rates.read(nowMs, totals)
    // A pause that began before the window counts when it ends: a second still has 1000 ms.
    const timeRate = (name: string) => Math.min(1000, rate(name))
    const total = (name: string) => totals.get(name) as number
    this.#latency.sample()
    return {
      attemptId: this.#deployment.attemptId,
      numRecordsIn: total('numRecordsIn'),
      numRecordsOut: total('numRecordsOut'),
      numBytesIn: total('numBytesIn'),
      numBytesOut: total('numBytesOut'),
      numRecordsInPerSecond: rate('numRecordsIn'),
      numRecordsOutPerSecond: rate('numRecordsOut'),
      busyTimeMsPerSecond: timeRate('busyMs'),
      idleTimeMsPerSecond: timeRate('idleMs'),
      backPressuredTimeMsPerSecond: timeRate('backPressuredMs'),
      currentInputWatermark: this.#watermark(),
      heldBy: this.#heldBy(),
      operators: this.#sources.chain.nodes.map((node, index) => this.#operator(node, index, rate)),
      values: this.#values(totals, rate),
    }
  }

  /** By name, values that only grow. */
  #totals(): Map<string, number> {
    const { channels, chain, timing, mailbox, taskManagerId } = this.#sources
    const totals = new Map(
      Object.entries(exchangeTotals(this.#deployment, channels, taskManagerId)),
    )
    for (const { node } of chain.sources) {
      totals.set('numRecordsIn', (totals.get('numRecordsIn') ?? 0) + node.metrics.numRecordsIn)
    }
    totals.set('busyMs', timing.busyMs)
    totals.set('idleMs', timing.idleMs)
    totals.set('backPressuredMs', timing.backPressuredMs)
    totals.set('mails', mailbox.processed)
    let fired = 0
    chain.nodes.forEach(({ metrics }, index) => {
      for (const name of OPERATOR_RATES) totals.set(`${index} ${name}`, metrics[name])
      totals.set(`${index} late`, metrics.numLateRecordsDropped)
      fired += metrics.numFiredTimers
    })
    return totals.set('numFiredTimers', fired)
  }

  #values(
    totals: ReadonlyMap<string, number>,
    rate: (name: string) => number,
  ): Record<string, number> {
    const { channels, timing, mailbox, checkpoints } = this.#sources
    const backPressuredMs = Math.min(1000, rate('backPressuredMs'))
    return {
      ...exchangeValues(channels, totals, rate),
      ...this.#latency.values(),
      isBackPressured: timing.kind === 'backpressured' ? 1 : 0,
      accumulateBusyTimeMs: timing.busyMs,
      accumulateIdleTimeMs: timing.idleMs,
      accumulateBackPressuredTimeMs: timing.backPressuredMs,
      // A subtask never blocks inside of an operator: it gives its turn away.
      softBackPressuredTimeMsPerSecond: backPressuredMs,
      hardBackPressuredTimeMsPerSecond: 0,
      maxSoftBackPressureTimeMs: timing.takeLongestBackPressuredMs(),
      maxHardBackPressureTimeMs: 0,
      mailboxQueueSize: mailbox.size,
      mailboxMailsPerSecond: rate('mails'),
      numFiredTimers: totals.get('numFiredTimers') as number,
      numFiredTimersPerSecond: rate('numFiredTimers'),
      initializationTime: this.#sources.initializationMs(),
      checkpointAlignmentTime: checkpoints.lastAlignmentMs * 1e6,
      checkpointStartDelayNanos: checkpoints.lastStartDelayMs * 1e6,
      numBytesInPerSecond: rate('numBytesIn'),
      numBytesOutPerSecond: rate('numBytesOut'),
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

  #operator(node: ChainNode, index: number, rate: (name: string) => number): OperatorMetricsReport {
    const { metrics, descriptor } = node
    const values = operatorValues(metrics)
    for (const name of OPERATOR_RATES) values[`${name}PerSecond`] = rate(`${index} ${name}`)
    values.lateRecordsDroppedRate = rate(`${index} late`)
    const { currentInputWatermark } = metrics
    if (Number.isFinite(currentInputWatermark)) {
      values.watermarkLatency = this.#sources.clock.nowMs() - currentInputWatermark
    }
    return {
      operatorId: descriptor.id,
      operatorName: descriptor.name,
      values,
      watermarkHold: metrics.watermarkHold as WatermarkHold | null,
    }
  }
}

function operatorValues(metrics: OperatorMetrics): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value === 'number') values[name] = value
  }
  for (const [name, value] of metrics.gauges) values[name] = value
  values.numRecordsSendErrors = metrics.numRecordsOutErrors
  values.numBytesSend = metrics.numBytesOut
  return values
}
