/**
 * StreamTask: one attempt of one subtask, from deployment to its final state.
 *
 * Holds the subtask's parts and its life; `subtask-loop.ts` decides what a step does,
 * `subtask-checkpoints.ts` takes checkpoints. Everything happens on the slot's executor or in a
 * message of the main thread. Invariants: one final state is reported, after operators are closed
 * and buffers are given back; after it nothing of the attempt runs.
 */
import {
  type Configuration,
  type ErrorData,
  type FinishBasis,
  isMillraceError,
  type OperatorRegistry,
  type RestoredOperatorState,
  toErrorData,
} from '@millrace/core'
import type { PeerSlot, SlotExchange } from '@millrace/network'
import type { Platform } from '@millrace/platform'
import type {
  ChannelDeployment,
  TaskState as ReportedState,
  TaskDeployment,
  TaskMetricsReport,
} from '@millrace/protocol'
import type { LocalCopies, StateMemory } from '@millrace/state'
import { taskManagerError } from '../error-codes.ts'
import type { ExecutableTask, SlotExecutor, StepResult } from '../executor/slot-executor.ts'
import { NO_OPERATOR, type SlotLiveness } from '../executor/slot-liveness.ts'
import { type ChainNode, OperatorChain } from './operator-chain.ts'
import { type CheckpointReporter, SubtaskCheckpoints } from './subtask-checkpoints.ts'
import { type ControlAction, SubtaskLoop } from './subtask-loop.ts'
import {
  createTaskChannels,
  openTaskChannels,
  subtaskName,
  type TaskChannels,
} from './task-channels.ts'
import { TaskMailbox } from './task-mailbox.ts'
import { TaskMetrics } from './task-metrics.ts'
import { TaskState } from './task-state.ts'
import { TaskTiming, type TimingKind } from './task-timing.ts'

export interface TaskReporter extends CheckpointReporter {
  state(state: ReportedState, ended: boolean, error?: ErrorData): void
  operatorEvent(operatorId: string, event: unknown): Promise<unknown>
  /** The task could not be ended in time: the slot has to go. */
  stuck(error: ErrorData): void
  /** The attempt is over. */
  done(): void
}

export interface LargestTable {
  readonly operator: string
  readonly table: string
  readonly bytes: number
}

export interface StreamTaskSettings {
  readonly deployment: TaskDeployment
  readonly configuration: Configuration
  readonly leaderEpoch: number
  readonly taskManagerId: string
  readonly platform: Platform
  readonly registry: OperatorRegistry
  readonly exchange: SlotExchange
  readonly executor: SlotExecutor
  readonly liveness: SlotLiveness
  readonly stateMemory: StateMemory
  readonly localCopies: LocalCopies
  readonly firstOrdinal: number
  readonly cancellationTimeoutMs: number
  readonly peerOf: (channel: ChannelDeployment) => PeerSlot
  readonly reporter: TaskReporter
}

export class StreamTask implements ExecutableTask {
  queued = false
  readonly deployment: TaskDeployment
  readonly #settings: StreamTaskSettings
  readonly #mailbox: TaskMailbox
  readonly #timing: TaskTiming
  #channels: TaskChannels | null = null
  #chain: OperatorChain | null = null
  #checkpoints: SubtaskCheckpoints | null = null
  #loop: SubtaskLoop | null = null
  #metrics: TaskMetrics | null = null
  readonly #createdMs: number
  #initializationMs = 0
  #restoredOf: (operatorId: string) => RestoredOperatorState | null = () => null
  #phase: 'initializing' | 'running' | 'ending' | 'done' = 'initializing'
  /** The operator whose `open` has not resolved yet. */
  #opening: ChainNode | null = null
  /** Control actions that came before the task runs. */
  readonly #early: ControlAction[] = []

  constructor(settings: StreamTaskSettings) {
    this.#settings = settings
    this.deployment = settings.deployment
    this.#createdMs = settings.platform.clock.monotonicMs()
    this.#timing = new TaskTiming(this.#createdMs)
    this.#mailbox = new TaskMailbox(
      settings.platform.clock,
      () => settings.executor.wake(this),
      (error) => this.fail(error),
    )
  }

  /** Restores, builds the chain, opens operators; the task then runs by itself. */
  async start(): Promise<void> {
    const { reporter, exchange, platform, deployment, configuration } = this.#settings
    reporter.state('INITIALIZING', false)
    try {
      this.#channels = createTaskChannels(deployment, exchange, platform.clock)
      const state = new TaskState(deployment, configuration, platform, this.#settings.localCopies)
      const restored = await state.restore()
      const replayed = await state.restoreChannels()
      if (this.#phase !== 'initializing') return
      this.#restoredOf = (operatorId) => restored.get(operatorId) ?? null
      this.#build(state)
      const { input } = this.#channels
      if (input !== null) {
        input.onFailure((error) => this.fail(error))
        input.replay(replayed)
        openTaskChannels(deployment, input, exchange, this.#settings.peerOf)
      }
      await this.#open()
      if (this.#phase !== 'initializing') return
      state.opened()
      this.#phase = 'running'
      this.#initializationMs = Math.round(platform.clock.monotonicMs() - this.#createdMs)
      reporter.state('RUNNING', false)
      for (const action of this.#early.splice(0)) this.#loop?.enqueue(action)
      this.#settings.executor.wake(this)
    } catch (error) {
      this.fail(error)
    }
  }

  step(nowMs: number): StepResult {
    if (this.#phase === 'done') return 'waiting'
    try {
      const ranMail = this.#mailbox.run()
      if (this.#phase !== 'running' || this.#loop === null) return ranMail ? 'worked' : 'waiting'
      const result = this.#loop.step(nowMs, ranMail)
      return this.#mailbox.size > 0 ? 'worked' : result
    } catch (error) {
      this.fail(error)
      return 'waiting'
    }
  }

  /** A call of the JobManager, in order with the others. */
  control(action: ControlAction): void {
    if (this.#phase === 'initializing') this.#early.push(action)
    else if (this.#phase === 'running') {
      this.#loop?.enqueue(action)
      this.#settings.executor.wake(this)
    }
  }

  /** The JobManager gave a checkpoint up: takes effect at once, ahead of what is queued. */
  abortCheckpoint(checkpointId: number): void {
    if (this.#phase !== 'running') return
    this.#mailbox.post(() => {
      this.#channels?.input?.abortCheckpoint(checkpointId)
      this.#loop?.dropTrigger(checkpointId)
      this.#checkpoints?.abort(checkpointId)
    })
  }

  cancel(): void {
    if (this.#phase === 'initializing' || this.#phase === 'running') void this.#end('CANCELED')
  }

  fail(thrown: unknown): void {
    if (this.#phase !== 'initializing' && this.#phase !== 'running') return
    void this.#end('FAILED', this.#locate(thrown))
  }

  metrics(nowMs: number): TaskMetricsReport | null {
    this.#timing.enter(this.#timing.kind, nowMs)
    return this.#metrics?.report(nowMs) ?? null
  }

  /** How it spends its time now. */
  get timingKind(): TimingKind {
    return this.#timing.kind
  }

  /** The largest table of keyed state; null without. */
  largestTable(): LargestTable | null {
    let largest: LargestTable | null = null
    for (const { state, descriptor } of this.#chain?.nodes ?? []) {
      for (const [table, bytes] of state.memoryByTable()) {
        if (bytes > (largest?.bytes ?? 0)) largest = { operator: descriptor.name, table, bytes }
      }
    }
    return largest
  }

  /** Of all tables of keyed state. */
  stateBytes(): number {
    const tables = (this.#chain?.nodes ?? []).flatMap(({ state }) => [...state.memoryByTable()])
    return tables.reduce((sum, [, bytes]) => sum + bytes, 0)
  }

  /** Addresses that tables of keyed state have set aside beyond their memory. */
  reservedBytes(): number {
    return (this.#chain?.nodes ?? []).reduce((sum, { state }) => sum + state.reservedBytes, 0)
  }

  #build(state: TaskState): void {
    const { deployment, platform, liveness, reporter } = this.#settings
    const channels = this.#channels as TaskChannels
    const { clock } = platform
    const chain = new OperatorChain({
      deployment,
      registry: this.#settings.registry,
      configuration: this.#settings.configuration,
      leaderEpoch: this.#settings.leaderEpoch,
      taskManagerId: this.#settings.taskManagerId,
      mailbox: this.#mailbox,
      files: platform.temporaryFiles,
      stateMemory: this.#settings.stateMemory,
      partitions: channels.partitions,
      livenessWords: liveness.words,
      firstOrdinal: this.#settings.firstOrdinal,
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      restoredOf: this.#restoredOf,
      sendToCoordinator: (operatorId, event) => reporter.operatorEvent(operatorId, event),
    })
    this.#chain = chain
    this.#checkpoints = new SubtaskCheckpoints(
      deployment,
      { chain, input: channels.input },
      this.#mailbox,
      state,
      reporter,
      {
        nowMs: () => clock.nowMs(),
        monotonicMs: () => clock.monotonicMs(),
        livenessWords: liveness.words,
      },
    )
    const wake = (): void => this.#settings.executor.wake(this)
    this.#loop = new SubtaskLoop({
      chain,
      channels,
      checkpoints: this.#checkpoints,
      timing: this.#timing,
      liveness,
      clock,
      bufferTimeoutMs: this.#settings.exchange.settings.bufferTimeoutMs,
      wake,
      fail: (error) => this.fail(error),
      onAllEnded: () => reporter.state('RUNNING', true),
      onAlignmentCancelled: (checkpointId) => this.#alignmentCancelled(checkpointId),
      finish: (basis) => void this.#finishAndEnd(basis),
    })
    this.#metrics = new TaskMetrics(deployment, {
      taskManagerId: this.#settings.taskManagerId,
      initializationMs: () => this.#initializationMs,
      chain,
      channels,
      timing: this.#timing,
      mailbox: this.#mailbox,
      checkpoints: this.#checkpoints,
      clock,
    })
    for (const partition of channels.partitions) partition.onAvailable(wake)
    channels.input?.onReadable(wake)
  }

  async #open(): Promise<void> {
    const nodes = this.#chain?.nodes ?? []
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i] as ChainNode
      this.#opening = node
      const restored = this.#restoredOf(node.descriptor.id)
      if (restored !== null) await node.state.restore(restored)
      if (this.#phase !== 'initializing') return
      this.#settings.liveness.operator = node.ordinal
      const opened = node.chained.operator.open()
      this.#settings.liveness.operator = NO_OPERATOR
      await opened
      if (this.#phase !== 'initializing') return
    }
    this.#opening = null
  }

  #alignmentCancelled(checkpointId: number): void {
    this.#settings.reporter.decline(
      checkpointId,
      toErrorData(
        taskManagerError(
          'TASK_FAILED',
          `Checkpoint ${checkpointId} was overtaken by the barrier of a newer one.`,
        ),
      ),
    )
  }

  async #finishAndEnd(basis: FinishBasis): Promise<void> {
    if (this.#phase === 'ending' || this.#phase === 'done') return
    // Commits that are under way come first; the mailbox goes on while operators finish.
    if (await this.#finish(basis)) await this.#end('FINISHED')
  }

  /** Ends the attempt: close, give everything back, report. */
  async #end(outcome: 'FINISHED' | 'CANCELED' | 'FAILED', error?: ErrorData): Promise<void> {
    if (this.#phase === 'ending' || this.#phase === 'done') return
    const { reporter } = this.#settings
    this.#phase = 'ending'
    this.#checkpoints?.close()
    this.#channels?.input?.close()
    if (outcome === 'FINISHED') {
      for (const partition of this.#channels?.partitions ?? []) partition.finish()
    } else {
      for (const partition of this.#channels?.partitions ?? []) partition.release()
    }
    const closeError = await this.#close()
    this.#phase = 'done'
    this.#mailbox.close()
    if (outcome === 'FINISHED' && closeError !== null) {
      reporter.state('FAILED', false, this.#locate(closeError))
    } else reporter.state(outcome, false, error)
    reporter.done()
  }

  /** False when the task ended otherwise meanwhile. */
  async #finish(basis: FinishBasis): Promise<boolean> {
    try {
      await this.#checkpoints?.notified
      for (const node of this.#chain?.nodes ?? []) {
        if (this.#phase !== 'running') return false
        await node.chained.operator.finish?.(basis)
      }
      return this.#phase === 'running'
    } catch (error) {
      this.fail(error)
      return false
    }
  }

  /** Closes every operator, first to last, in bounded time; resolves with the first error. */
  async #close(): Promise<unknown> {
    const { cancellationTimeoutMs, platform, reporter } = this.#settings
    const cancelTimer =
      cancellationTimeoutMs > 0
        ? platform.clock.setTimer(cancellationTimeoutMs, () =>
            reporter.stuck(
              toErrorData(
                taskManagerError(
                  'TASK_CANCELLATION_TIMEOUT',
                  `Task ${subtaskName(this.deployment)} did not close its operators within ${cancellationTimeoutMs} ms.`,
                  { location: this.#location() },
                ),
              ),
            ),
          )
        : null
    let first: unknown = null
    for (const node of this.#chain?.nodes ?? []) {
      try {
        await node.chained.operator.close()
      } catch (error) {
        first ??= error
      }
      node.state.close()
    }
    cancelTimer?.()
    return first
  }

  #location(operator?: string): { operator?: string; subtask: string; taskManager: string } {
    return {
      ...(operator === undefined ? {} : { operator }),
      subtask: subtaskName(this.deployment),
      taskManager: this.#settings.taskManagerId,
    }
  }

  /** The error as data, with the operator that ran, the subtask and the TaskManager. */
  #locate(thrown: unknown): ErrorData {
    const { liveness } = this.#settings
    const node = this.#chain?.nodeOfOrdinal(liveness.operator) ?? this.#opening
    liveness.operator = NO_OPERATOR
    const location = this.#location(node?.descriptor.name)
    const data = toErrorData(thrown)
    if (isMillraceError(thrown)) {
      return { ...data, location: { ...location, ...data.location } }
    }
    const where = node === null ? 'The task' : `Operator '${node.descriptor.name}'`
    return toErrorData(
      taskManagerError('TASK_FAILED', `${where} failed: ${data.message}`, {
        location,
        cause: thrown,
      }),
    )
  }
}
