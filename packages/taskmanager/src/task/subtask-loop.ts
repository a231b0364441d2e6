/**
 * SubtaskLoop: what a subtask does next — the heart of a running task.
 *
 * A step is one unit of work, in this order: the batch in hand that an operator prepares for;
 * output left over in a blocked operator; a checkpoint under way; what the JobManager asked (in
 * order); one batch or element of input, if the output has room. Invariants: while a batch is in
 * hand, a checkpoint is being prepared or an operator is blocked, no row and no later request
 * enters the chain, but for the inputs that a blocked operator goes on reading; buffers are flushed
 * when there is nothing to do, and every buffer timeout.
 */
import type { CheckpointBarrier, ColumnBatch, FinishBasis } from '@millrace/core'
import type { AlignmentTimes, InputListener } from '@millrace/network'
import type { Clock } from '@millrace/platform'
import type { StepResult } from '../executor/slot-executor.ts'
import { NO_OPERATOR, type SlotLiveness } from '../executor/slot-liveness.ts'
import type { OperatorLink } from './chain-output.ts'
import type { OperatorChain } from './operator-chain.ts'
import { OutputFlusher } from './output-flusher.ts'
import type { SubtaskCheckpoints } from './subtask-checkpoints.ts'
import type { TaskChannels } from './task-channels.ts'
import type { TaskTiming } from './task-timing.ts'

/** What the JobManager asks of a subtask; worked off in order. */
export type ControlAction =
  | { readonly kind: 'trigger'; readonly barrier: CheckpointBarrier }
  | { readonly kind: 'complete'; readonly checkpointId: number }
  | { readonly kind: 'operator-event'; readonly operatorId: string; readonly event: unknown }
  | { readonly kind: 'finish'; readonly basis: FinishBasis }

export interface SubtaskLoopSettings {
  readonly chain: OperatorChain
  readonly channels: TaskChannels
  readonly checkpoints: SubtaskCheckpoints
  readonly timing: TaskTiming
  readonly liveness: SlotLiveness
  readonly clock: Clock
  readonly bufferTimeoutMs: number
  readonly wake: () => void
  readonly fail: (error: unknown) => void
  /** Every operator has ended; called once. */
  readonly onAllEnded: () => void
  readonly onAlignmentCancelled: (checkpointId: number) => void
  readonly finish: (basis: FinishBasis) => void
}

/**
 * A blocked operator that waits for something of its own is asked again after this long, should it
 * have forgotten to wake the task.
 */
const BLOCKED_RECHECK_MS = 20

interface BatchInHand {
  readonly links: readonly OperatorLink[]
  /** The link that it waits for; those before have had it. */
  readonly next: number
  readonly batch: ColumnBatch
  isPrepared: boolean
}

interface SourceState {
  /** `poll` said that there is nothing; `whenAvailable` has not resolved. */
  waiting: boolean
  ended: boolean
}

export class SubtaskLoop implements InputListener {
  readonly #settings: SubtaskLoopSettings
  readonly #chain: OperatorChain
  readonly #checkpoints: SubtaskCheckpoints
  readonly #sources: SourceState[]
  readonly #flusher: OutputFlusher
  #nextSource = 0
  #control: ControlAction[] = []
  #endsPending = false
  #reportedEnd = false
  #finishing = false
  /** Its sources were ended by a savepoint's order; what follows from that comes first. */
  #drained = false
  #recheck: (() => void) | null = null
  /** A gate's batch that waits for an operator's `prepareBatch`. */
  #inHand: BatchInHand | null = null

  constructor(settings: SubtaskLoopSettings) {
    this.#settings = settings
    this.#chain = settings.chain
    this.#checkpoints = settings.checkpoints
    this.#sources = settings.chain.sources.map(() => ({ waiting: false, ended: false }))
    const { partitions } = settings.chain
    this.#flusher = new OutputFlusher(partitions, settings)
  }

  enqueue(action: ControlAction): void {
    if (action.kind === 'trigger') this.#checkpoints.expect(action.barrier)
    this.#control.push(action)
  }

  /** An aborted checkpoint's trigger that has not been looked at yet. */
  dropTrigger(checkpointId: number): void {
    this.#control = this.#control.filter(
      (action) => action.kind !== 'trigger' || action.barrier.order.id !== checkpointId,
    )
  }

  step(nowMs: number, ranMail: boolean): StepResult {
    const kind = this.#work(ranMail)
    if (kind === 'busy') {
      this.#flusher.flushIfDue(nowMs)
      this.#settings.timing.enter('busy', nowMs)
      return 'worked'
    }
    if (kind === 'idle') this.#flusher.flushWhenIdle(nowMs)
    else this.#flusher.flush(nowMs)
    this.#settings.timing.enter(kind, this.#settings.clock.monotonicMs())
    return 'waiting'
  }

  #work(ranMail: boolean): 'busy' | 'idle' | 'backpressured' {
    const chain = this.#chain
    if (this.#finishing) return ranMail ? 'busy' : 'idle'
    if (this.#inHand !== null) return this.#proceedInHand(this.#inHand) || ranMail ? 'busy' : 'idle'
    if (!this.#checkpoints.isRunning) this.#settings.channels.input?.admitBarriers(this)
    if (chain.isBlocked() && !chain.resume()) {
      return this.#readWhileBlocked() || ranMail ? 'busy' : this.#waitBlocked()
    }
    if (this.#checkpoints.isRunning) {
      if (this.#checkpoints.proceed() || ranMail) return 'busy'
      return this.#checkpoints.isPreparing ? 'idle' : this.#waitBlocked()
    }
    if (this.#drained && this.#endsPending) return this.#passEnds()
    if (this.#control.length > 0) {
      this.#perform(this.#control.shift() as ControlAction)
      return 'busy'
    }
    if (this.#checkpoints.isSuspended) return ranMail ? 'busy' : 'idle'
    if (this.#endsPending) return this.#passEnds()
    if (!chain.isOutputAvailable()) return ranMail ? 'busy' : 'backpressured'
    const { input } = this.#settings.channels
    const found = input?.poll(this, chain.readableGates()) === true || this.#pollSource()
    return found || ranMail ? 'busy' : 'idle'
  }

  onBatch(gate: number, batch: ColumnBatch): void {
    const links = this.#chain.gateLinks[gate] as readonly OperatorLink[]
    for (let i = 0; i < links.length; i++) {
      const link = links[i] as OperatorLink
      const prepared = link.prepare(batch)
      if (prepared !== null) {
        this.#takeInHand(links, i, batch, prepared)
        return
      }
      link.emitBatch(batch)
    }
  }

  onWatermark(gate: number, timestampMs: number): void {
    const links = this.#chain.gateLinks[gate] as readonly OperatorLink[]
    for (const link of links) link.emitWatermark(timestampMs)
  }

  onWatermarkStatus(gate: number, idle: boolean): void {
    const links = this.#chain.gateLinks[gate] as readonly OperatorLink[]
    for (const link of links) link.emitWatermarkStatus(idle)
  }

  onEndOfData(gate: number): void {
    this.#chain.endGate(gate)
    this.#endsPending = true
  }

  onBarrier(barrier: CheckpointBarrier, alignment: AlignmentTimes): void {
    this.#checkpoints.start(barrier, alignment)
  }

  onAlignmentCancelled(checkpointId: number): void {
    this.#settings.onAlignmentCancelled(checkpointId)
  }

  #takeInHand(
    links: readonly OperatorLink[],
    next: number,
    batch: ColumnBatch,
    prepared: Promise<void>,
  ): void {
    const inHand: BatchInHand = { links, next, batch, isPrepared: false }
    this.#inHand = inHand
    prepared.then(
      () => {
        inHand.isPrepared = true
        this.#settings.wake()
      },
      (error: unknown) => this.#settings.fail(error),
    )
  }

  /** Returns whether the batch went into the chain, or on to the next that prepares for it. */
  #proceedInHand({ links, next, batch, isPrepared }: BatchInHand): boolean {
    if (!isPrepared) return false
    this.#inHand = null
    ;(links[next] as OperatorLink).emitBatch(batch)
    for (let i = next + 1; i < links.length; i++) {
      const link = links[i] as OperatorLink
      const prepared = link.prepare(batch)
      if (prepared !== null) {
        this.#takeInHand(links, i, batch, prepared)
        return true
      }
      link.emitBatch(batch)
    }
    return true
  }

  /** An operator that chooses its inputs may go on with one while it is blocked for another. */
  #readWhileBlocked(): boolean {
    const { input } = this.#settings.channels
    if (input === null || this.#checkpoints.isRunning) return false
    const gates = this.#chain.readableGatesWhileBlocked()
    return gates !== 0 && input.poll(this, gates)
  }

  #perform(action: ControlAction): void {
    switch (action.kind) {
      case 'trigger':
        // Downstream of gates the barriers come in band.
        if (this.#settings.channels.input === null) {
          if (action.barrier.order.after === 'drain' && this.#endSources()) {
            // The barrier follows what the ends let out.
            this.#control.unshift(action)
            return
          }
          const startDelayMs = this.#settings.clock.nowMs() - action.barrier.order.timestampMs
          this.#checkpoints.start(action.barrier, {
            alignmentMs: 0,
            startDelayMs: Math.max(0, startDelayMs),
            processedBytes: 0,
          })
        }
        return
      case 'complete':
        this.#checkpoints.notifyComplete(action.checkpointId)
        return
      case 'operator-event': {
        const node = this.#chain.nodes.find(({ descriptor }) => descriptor.id === action.operatorId)
        if (node === undefined) return
        this.#settings.liveness.operator = node.ordinal
        node.chained.operator.handleCoordinatorEvent?.(action.event)
        this.#settings.liveness.operator = NO_OPERATOR
        return
      }
      case 'finish':
        this.#finishing = true
        this.#settings.finish(action.basis)
    }
  }

  /** As if all had been read; false when that was so already. */
  #endSources(): boolean {
    let isNews = false
    for (const [index, { node }] of this.#chain.sources.entries()) {
      const state = this.#sources[index] as SourceState
      if (state.ended) continue
      state.ended = true
      this.#chain.endSource(node)
      isNews = true
    }
    if (isNews) {
      this.#drained = true
      this.#endsPending = true
    }
    return isNews
  }

  #passEnds(): 'busy' | 'backpressured' {
    if (!this.#chain.isOutputAvailable()) return 'backpressured'
    const allEnded = this.#chain.propagateEnds()
    this.#endsPending = this.#chain.hasPendingEnds || (this.#chain.allEnded && !allEnded)
    if (allEnded && !this.#reportedEnd) {
      this.#reportedEnd = true
      this.#flusher.flush(this.#settings.clock.monotonicMs())
      this.#settings.onAllEnded()
    }
    return 'busy'
  }

  /** Lets the next source that may have something emit one batch. */
  #pollSource(): boolean {
    const { sources } = this.#chain
    for (let tried = 0; tried < sources.length; tried++) {
      const index = this.#nextSource
      this.#nextSource = index + 1 === sources.length ? 0 : index + 1
      const state = this.#sources[index] as SourceState
      if (state.ended || state.waiting) continue
      const { node, operator } = sources[index] as (typeof sources)[number]
      this.#settings.liveness.operator = node.ordinal
      const result = operator.poll()
      this.#settings.liveness.operator = NO_OPERATOR
      if (result === 'more') return true
      if (result === 'end-of-input') {
        state.ended = true
        this.#chain.endSource(node)
        this.#endsPending = true
        return true
      }
      state.waiting = true
      operator.whenAvailable().then(
        () => {
          state.waiting = false
          this.#settings.wake()
        },
        (error: unknown) => this.#settings.fail(error),
      )
    }
    return false
  }

  #waitBlocked(): 'backpressured' {
    this.#recheck ??= this.#settings.clock.setTimer(BLOCKED_RECHECK_MS, () => {
      this.#recheck = null
      this.#settings.wake()
    })
    return 'backpressured'
  }
}
