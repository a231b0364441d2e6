/**
 * SubtaskCheckpoints: takes a checkpoint in one subtask — prepare, snapshot, barrier, write,
 * acknowledge.
 *
 * Driven by the subtask's loop from its source trigger or its aligned input. Operators are prepared
 * and frozen one by one in chain order, then the barrier goes out on every partition, then the
 * frozen state is written in the background, with what the barrier has overtaken, and acknowledged.
 * Invariants: no row is processed
 * between the first `prepareBarrier` and the barrier; nothing is acknowledged that is not durable;
 * an aborted checkpoint is never acknowledged.
 */
import {
  type CheckpointBarrier,
  type ErrorData,
  type KeyGroupRange,
  keyGroupRangeOf,
  type OperatorSnapshot,
  toErrorData,
} from '@millrace/core'
import type { AlignmentTimes, SubtaskInput } from '@millrace/network'
import type { CheckpointTaskMetrics, TaskDeployment } from '@millrace/protocol'
import { NO_OPERATOR, OPERATOR_WORD } from '../executor/slot-liveness.ts'
import { type InFlight, mayOvertake, passBarrier } from './in-flight.ts'
import type { ChainNode, OperatorChain } from './operator-chain.ts'
import type { TaskMailbox } from './task-mailbox.ts'
import type { TaskState } from './task-state.ts'

/** Of a subtask that is deployed to be ended: no abort of a savepoint lets it go on. */
const STOPPED_BEFORE = -1

export interface CheckpointReporter {
  acknowledge(
    checkpointId: number,
    written: { readonly state: unknown; readonly channels: unknown },
    metrics: CheckpointTaskMetrics,
  ): void
  decline(checkpointId: number, error: ErrorData): void
}

interface Running {
  readonly barrier: CheckpointBarrier
  readonly alignment: AlignmentTimes
  readonly startMs: number
  readonly snapshots: OperatorSnapshot[]
  /** The operator at hand. */
  next: number
  phase: 'prepare' | 'preparing' | 'snapshot'
}

export class SubtaskCheckpoints {
  readonly #deployment: TaskDeployment
  readonly #chain: OperatorChain
  /** Null: a source. */
  readonly #input: SubtaskInput | null
  readonly #mailbox: TaskMailbox
  readonly #state: TaskState
  readonly #reporter: CheckpointReporter
  readonly #monotonicMs: () => number
  readonly #nowMs: () => number
  readonly #livenessWords: Int32Array
  #running: Running | null = null
  readonly #writing = new Map<number, AbortController>()
  readonly #aborted = new Set<number>()
  #notified: Promise<void> = Promise.resolve()
  /** The savepoint behind whose barrier nothing more is fed, as long as it is not aborted. */
  #suspendedFor: number | null
  lastAlignmentMs = 0
  lastStartDelayMs = 0

  constructor(
    deployment: TaskDeployment,
    { chain, input }: { readonly chain: OperatorChain; readonly input: SubtaskInput | null },
    mailbox: TaskMailbox,
    state: TaskState,
    reporter: CheckpointReporter,
    place: {
      readonly monotonicMs: () => number
      readonly nowMs: () => number
      readonly livenessWords: Int32Array
    },
  ) {
    this.#deployment = deployment
    this.#chain = chain
    this.#input = input
    this.#mailbox = mailbox
    this.#state = state
    this.#reporter = reporter
    this.#monotonicMs = place.monotonicMs
    this.#nowMs = place.nowMs
    this.#livenessWords = place.livenessWords
    this.#suspendedFor = deployment.suspended === true ? STOPPED_BEFORE : null
    if (this.isSuspended) chain.holdTimers()
  }

  /** The subtask feeds nothing more: it waits for its end, or for the abort of the savepoint. */
  get isSuspended(): boolean {
    return this.#suspendedFor !== null
  }

  /**
   * A checkpoint is between its first `prepareBarrier` and its barrier: the subtask feeds nothing.
   */
  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Whether the subtask waits for an operator's promise (not for output). */
  get isPreparing(): boolean {
    return this.#running?.phase === 'preparing'
  }

  /** What comes before the barrier may go out, also where its consumers are behind. */
  expect(barrier: CheckpointBarrier): void {
    if (mayOvertake(barrier)) this.#overdraw(true)
  }

  start(barrier: CheckpointBarrier, alignment: AlignmentTimes): void {
    this.expect(barrier)
    this.lastAlignmentMs = alignment.alignmentMs
    this.lastStartDelayMs = alignment.startDelayMs
    this.#running = {
      barrier,
      alignment,
      startMs: this.#monotonicMs(),
      snapshots: [],
      next: 0,
      phase: 'prepare',
    }
  }

  /**
   * Goes on as far as nothing is blocked and no operator has to be waited for; returns whether it
   * got further.
   */
  proceed(): boolean {
    const running = this.#running
    if (running === null) return false
    const { nodes } = this.#chain
    let moved = false
    while (running.next < nodes.length) {
      if (running.phase === 'preparing' || this.#chain.isBlocked()) return moved
      const node = nodes[running.next] as ChainNode
      moved = true
      if (running.phase === 'prepare') this.#prepare(running, node)
      else this.#snapshot(running, node)
    }
    this.#running = null
    const { barrier } = running
    const { id, after } = barrier.order
    const inFlight = passBarrier(barrier, {
      deployment: this.#deployment,
      input: this.#input,
      partitions: this.#chain.partitions,
      nowMs: this.#nowMs,
      schedule: (delayMs, action) => this.#mailbox.schedule(delayMs, action),
    })
    this.#overdraw(false)
    if (after !== 'go-on' && !this.#aborted.has(id)) {
      this.#suspendedFor = id
      this.#chain.holdTimers()
    }
    void this.#write(running, inFlight)
    return true
  }

  /** The JobManager gave the checkpoint up. */
  abort(checkpointId: number): void {
    this.#state.forget(checkpointId)
    this.#writing.get(checkpointId)?.abort(new Error('The checkpoint was aborted.'))
    if (this.#running?.barrier.order.id === checkpointId) this.#aborted.add(checkpointId)
    if (this.#running === null) this.#overdraw(false)
    if (this.#suspendedFor === checkpointId) {
      this.#suspendedFor = null
      this.#chain.releaseTimers()
    }
    for (const node of this.#chain.nodes) {
      node.chained.operator.notifyCheckpointAborted?.(checkpointId)
    }
  }

  /** The checkpoint is complete: operators commit, one after the other, checkpoints in order. */
  notifyComplete(checkpointId: number): void {
    this.#state.complete(checkpointId)
    this.#notified = this.#notified.then(async () => {
      for (const node of this.#chain.nodes) {
        await node.chained.operator.notifyCheckpointComplete?.(checkpointId)
      }
    })
    this.#notified.catch((error: unknown) => this.#mailbox.fail(error))
  }

  /** Resolves when all notifications so far have been worked off. */
  get notified(): Promise<void> {
    return this.#notified
  }

  close(): void {
    if (this.#running !== null) release(this.#running)
    this.#running = null
    for (const controller of this.#writing.values()) {
      controller.abort(new Error('The task has ended.'))
    }
  }

  #prepare(running: Running, node: ChainNode): void {
    this.#livenessWords[OPERATOR_WORD] = node.ordinal
    const prepared = node.chained.operator.prepareBarrier?.(running.barrier.order.id)
    this.#livenessWords[OPERATOR_WORD] = NO_OPERATOR
    if (prepared === undefined) {
      running.phase = 'snapshot'
      return
    }
    running.phase = 'preparing'
    prepared.then(
      () =>
        this.#mailbox.post(() => {
          running.phase = 'snapshot'
        }),
      (error: unknown) => this.#mailbox.fail(error),
    )
  }

  #snapshot(running: Running, node: ChainNode): void {
    this.#livenessWords[OPERATOR_WORD] = node.ordinal
    const { order } = running.barrier
    const { id: checkpointId } = order
    const own = node.chained.operator.snapshot(checkpointId)
    // Tables that an operator gives by itself are whole, and so is then all of it.
    const since = own.keyed === undefined ? this.#state.sinceOf(order, node.descriptor.id) : null
    const frozen = node.state.freeze(checkpointId, since)
    running.snapshots.push({ ...own, keyed: [...frozen, ...(own.keyed ?? [])] })
    this.#livenessWords[OPERATOR_WORD] = NO_OPERATOR
    running.next++
    running.phase = 'prepare'
  }

  #overdraw(overdrawn: boolean): void {
    for (const partition of this.#chain.partitions) partition.overdrawn = overdrawn
  }

  async #write(running: Running, inFlight: InFlight): Promise<void> {
    const { order } = running.barrier
    const { id: checkpointId } = order
    if (this.#aborted.delete(checkpointId)) {
      release(running)
      return
    }
    const controller = new AbortController()
    this.#writing.set(checkpointId, controller)
    const writeStartMs = this.#monotonicMs()
    try {
      const written = await this.#state.write(
        order,
        this.#snapshotsById(running.snapshots),
        this.#keyGroups,
        controller.signal,
      )
      if (!(await inFlight.whole) || controller.signal.aborted) return
      const alignment = this.#input?.lastAlignment ?? running.alignment
      const channels = await this.#state.writeChannels(
        order,
        inFlight.parts,
        this.#keyGroups,
        controller.signal,
      )
      if (controller.signal.aborted) return
      const channelBytes = channels?.handle.size ?? 0
      this.#reporter.acknowledge(
        checkpointId,
        { state: written.handles, channels },
        {
          checkpointedBytes: written.bytes + channelBytes,
          stateBytes: written.stateBytes + channelBytes,
          syncDurationMs: writeStartMs - running.startMs,
          asyncDurationMs: this.#monotonicMs() - writeStartMs,
          alignmentDurationMs: alignment.alignmentMs,
          startDelayMs: alignment.startDelayMs,
          unaligned: inFlight.parts.length > 0,
          persistedBytes: (channels?.parts ?? []).reduce((sum, { size }) => sum + size, 0),
          processedBytes: alignment.processedBytes,
        },
      )
    } catch (error) {
      if (!controller.signal.aborted) this.#reporter.decline(checkpointId, toErrorData(error))
    } finally {
      this.#writing.delete(checkpointId)
      // Of operators behind one whose state could not be written.
      release(running)
    }
  }

  get #keyGroups(): KeyGroupRange {
    const { subtaskIndex, vertex } = this.#deployment
    return keyGroupRangeOf(subtaskIndex, vertex.parallelism, vertex.maxParallelism)
  }

  #snapshotsById(snapshots: readonly OperatorSnapshot[]): Map<string, OperatorSnapshot> {
    return new Map(
      snapshots.map((snapshot, index) => [
        (this.#chain.nodes[index] as ChainNode).descriptor.id,
        snapshot,
      ]),
    )
  }
}

/** What was frozen will not be written. */
function release(running: Running): void {
  for (const { keyed } of running.snapshots) for (const table of keyed ?? []) table.release()
}
