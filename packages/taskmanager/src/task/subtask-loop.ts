/**
 * SubtaskLoop: what a subtask does next — the heart of a running task.
 *
 * A step is one unit of work, in this order: a checkpoint under way; what the JobManager asked (in
 * order); output left over in a blocked operator; one batch or element of input, if the output has
 * room. Invariants: while a checkpoint is being prepared or an operator is blocked, no row and no
 * later request enters the chain; buffers are flushed when there is nothing to do, and every buffer
 * timeout.
 */
import type { CheckpointBarrier, ColumnBatch } from '@millrace/core'
import type { AlignmentTimes, InputListener } from '@millrace/network'
import type { Clock } from '@millrace/platform'
import type { StepResult } from '../slot/slot-executor.ts'
import type { SlotLiveness } from '../slot/slot-liveness.ts'
import type { OperatorChain } from './operator-chain.ts'
import type { SubtaskCheckpoints } from './subtask-checkpoints.ts'
import type { TaskChannels } from './task-channels.ts'
import type { TaskTiming } from './task-timing.ts'

/** What the JobManager asks of a subtask; worked off in order. */
export type ControlAction =
  | { readonly kind: 'trigger'; readonly barrier: CheckpointBarrier }
  | { readonly kind: 'complete'; readonly checkpointId: number }
  | { readonly kind: 'operator-event'; readonly operatorId: string; readonly event: unknown }
  | { readonly kind: 'finish' }

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
  readonly finish: () => void
}

/**
 * A blocked operator that waits for something of its own is asked again after this long, should it
 * have forgotten to wake the task.
 */
const BLOCKED_RECHECK_MS = 20

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
  #nextSource = 0
  #control: ControlAction[] = []
  #endsPending = false
  #reportedEnd = false
  #finishing = false
  #lastFlushMs: number
  #recheck: (() => void) | null = null

  constructor(settings: SubtaskLoopSettings) {
    this.#settings = settings
    this.#chain = settings.chain
    this.#checkpoints = settings.checkpoints
    this.#sources = settings.chain.sources.map(() => ({ waiting: false, ended: false }))
    this.#lastFlushMs = settings.clock.monotonicMs()
  }

  enqueue(action: ControlAction): void {
    this.#control.push(action)
  }

  /** An aborted checkpoint's trigger that has not been looked at yet. */
  dropTrigger(checkpointId: number): void {
    this.#control = this.#control.filter(
      (action) => action.kind !== 'trigger' || action.barrier.checkpointId !== checkpointId,
    )
  }

  step(nowMs: number, ranMail: boolean): StepResult {
    const kind = this.#work(ranMail)
    if (kind === 'busy') {
      this.#flushIfDue(nowMs)
      this.#settings.timing.enter('busy', nowMs)
      return 'worked'
    }
    this.#flush(nowMs)
    this.#settings.timing.enter(kind, this.#settings.clock.monotonicMs())
    return 'waiting'
  }

  #work(ranMail: boolean): 'busy' | 'idle' | 'backpressured' {
    const chain = this.#chain
    if (this.#finishing) return ranMail ? 'busy' : 'idle'
    if (chain.isBlocked() && !chain.resume()) return ranMail ? 'busy' : this.#waitBlocked()
    if (this.#checkpoints.isRunning) {
      if (this.#checkpoints.proceed() || ranMail) return 'busy'
      return this.#checkpoints.isPreparing ? 'idle' : this.#waitBlocked()
    }
    if (this.#control.length > 0) {
      this.#perform(this.#control.shift() as ControlAction)
      return 'busy'
    }
    if (this.#endsPending) return this.#passEnds()
    if (!chain.isOutputAvailable()) return ranMail ? 'busy' : 'backpressured'
    const found = this.#settings.channels.input?.poll(this) === true || this.#pollSource()
    return found || ranMail ? 'busy' : 'idle'
  }

  onBatch(gate: number, batch: ColumnBatch): void {
    for (const { link } of this.#linksOf(gate)) link.emitBatch(batch)
  }

  onWatermark(gate: number, timestampMs: number): void {
    for (const { link } of this.#linksOf(gate)) link.emitWatermark(timestampMs)
  }

  onWatermarkStatus(gate: number, idle: boolean): void {
    for (const { link } of this.#linksOf(gate)) link.emitWatermarkStatus(idle)
  }

  onEndOfData(gate: number): void {
    this.#chain.endGate(this.#settings.channels.gateNumbers[gate] as number)
    this.#endsPending = true
  }

  onBarrier(barrier: CheckpointBarrier, alignment: AlignmentTimes): void {
    this.#checkpoints.start(barrier, alignment)
  }

  onAlignmentCancelled(checkpointId: number): void {
    this.#settings.onAlignmentCancelled(checkpointId)
  }

  #linksOf(gate: number): readonly { readonly link: InputLink }[] {
    return this.#chain.gateLinks.get(this.#settings.channels.gateNumbers[gate] as number) ?? []
  }

  #perform(action: ControlAction): void {
    switch (action.kind) {
      case 'trigger':
        // Downstream of gates the barriers come in band.
        if (this.#settings.channels.input === null) {
          const startDelayMs = this.#settings.clock.nowMs() - action.barrier.timestampMs
          this.#checkpoints.start(action.barrier, {
            alignmentMs: 0,
            startDelayMs: Math.max(0, startDelayMs),
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
        this.#settings.liveness.operator = 0
        return
      }
      case 'finish':
        this.#finishing = true
        this.#settings.finish()
    }
  }

  #passEnds(): 'busy' | 'backpressured' {
    if (!this.#chain.isOutputAvailable()) return 'backpressured'
    const allEnded = this.#chain.propagateEnds()
    this.#endsPending = this.#chain.hasPendingEnds || (this.#chain.allEnded && !allEnded)
    if (allEnded && !this.#reportedEnd) {
      this.#reportedEnd = true
      this.#flush(this.#settings.clock.monotonicMs())
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
      this.#settings.liveness.operator = 0
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

  #flushIfDue(nowMs: number): void {
    if (nowMs - this.#lastFlushMs < this.#settings.bufferTimeoutMs) return
    if (this.#settings.bufferTimeoutMs < 0) return
    this.#flush(nowMs)
  }

  #flush(nowMs: number): void {
    this.#lastFlushMs = nowMs
    const { partitions } = this.#chain
    for (let i = 0; i < partitions.length; i++) partitions[i]?.flush()
  }
}

interface InputLink {
  emitBatch(batch: ColumnBatch): void
  emitWatermark(timestampMs: number): void
  emitWatermarkStatus(idle: boolean): void
}
