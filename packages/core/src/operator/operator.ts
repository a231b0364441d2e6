/**
 * What runs inside a subtask: operators, linked into a chain, each handing batches and control elements to the next.
 *
 * `taskmanager` drives operators through these interfaces alone and knows no concrete one: they enter a slot as named
 * factories (`OperatorRegistry`) that the JobGraph's `OperatorDescriptor`s refer to.
 *
 * Threading: every method runs on the subtask's mailbox, one at a time. `processBatch`, `processWatermark` and the
 * `Output`
 * methods are synchronous: no operator waits on the record path. An operator whose output would grow without bound
 * (a window
 * firing a million keys) emits a batch at a time, checks `output.isAvailable()`, keeps the rest, reports
 * `isBlocked() === true`
 * and goes on in `resume()`.
 *
 * Control elements are forwarded by the operator itself (a watermark only after everything it caused has been emitted);
 * barriers are forwarded by the task, which calls `prepareBarrier`, then `snapshot`, operator by operator in chain
 * order.
 */
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { Configuration } from '../config/configuration.ts'
import type { ErrorData } from '../error/millrace-error.ts'
import type { OperatorMetrics } from './operator-metrics.ts'
import type { OperatorSnapshot, RestoredOperatorState } from './operator-state.ts'

/** Where an operator sends what it makes: the next operator of the chain, or a result partition, or several of them. */
export interface Output {
  emitBatch(batch: ColumnBatch): void
  emitWatermark(timestampMs: number): void
  emitWatermarkStatus(idle: boolean): void
  /**
   * False when a bounded buffer further down is full. Batches are still accepted (they overdraw), but a well-behaved
   * producer stops after the batch in hand.
   */
  isAvailable(): boolean
}

/** Schedules a call on the subtask's own mailbox. */
export interface Mailbox {
  /** Runs `action` on the mailbox after what is queued; an exception fails the subtask. Callable from any callback. */
  post(action: () => void): void
  /** Runs `action` on the mailbox once, `delayMs` from now at the earliest; returns a cancel function. */
  schedule(delayMs: number, action: () => void): () => void
  /** Fails the subtask with `error` (from a callback outside the mailbox). */
  fail(error: unknown): void
}

export interface SubtaskInfo {
  readonly jobId: string
  readonly jobName: string
  readonly vertexId: string
  readonly vertexName: string
  readonly operatorId: string
  readonly operatorName: string
  readonly subtaskIndex: number
  readonly parallelism: number
  readonly maxParallelism: number
  /** Epoch of the leading JobManager that deployed this attempt; `isOlderAttempt` compares two. */
  readonly leaderEpoch: number
  readonly attempt: number
  readonly taskManagerId: string
}

export interface OperatorContext {
  readonly subtask: SubtaskInfo
  /** The job's configuration over the cluster's. */
  readonly configuration: Configuration
  readonly mailbox: Mailbox
  readonly metrics: OperatorMetrics
  readonly output: Output
  /** Processing time, epoch ms. */
  nowMs(): number
  /** For durations: never goes back, and does not jump when the machine's clock is set. */
  monotonicMs(): number
  /** State to start from; null in a fresh start. */
  readonly restored: RestoredOperatorState | null
  /** Sends to the operator's coordinator in the JobManager; resolves with its answer (JSON). */
  sendToCoordinator(event: unknown): Promise<unknown>
  /** Whether checkpoints are configured: if not, a sink commits at `finish`. */
  readonly checkpointingEnabled: boolean
}

/** Common to sources and operators. */
export interface OperatorLifecycle {
  /**
   * Prepares and restores state. The subtask is INITIALIZING until every `open` of the chain has resolved
   * (last operator first).
   */
  open(): Promise<void> | void
  /**
   * True while an earlier call left output or a wait behind: the task feeds nothing more and takes no
   * barrier until it clears.
   */
  isBlocked?(): boolean
  /** Goes on with what is left over once the output is available again. */
  resume?(): void
  /** A barrier is about to be forwarded: emit what must precede it (a local pre-aggregate's rows, a sink's flush). */
  prepareBarrier?(checkpointId: number): Promise<void> | void
  /** Freezes the state for the checkpoint; cheap and synchronous (arrays are copied, writing happens later). */
  snapshot(checkpointId: number): OperatorSnapshot
  /**
   * The checkpoint is complete and durable: commit what it pre-committed. Called in order; may be skipped,
   * never repeated.
   */
  notifyCheckpointComplete?(checkpointId: number): Promise<void> | void
  notifyCheckpointAborted?(checkpointId: number): void
  /** An event from the operator's coordinator in the JobManager. */
  handleCoordinatorEvent?(event: unknown): void
  /** Releases everything; also called after a failure or cancel, also when `open` did not finish. */
  close(): Promise<void> | void
}

/** An operator with inputs. */
export interface Operator extends OperatorLifecycle {
  /** Rows of input `input` (0-based); the batch is valid until this returns. */
  processBatch(input: number, batch: ColumnBatch): void
  /** The combined watermark of input `input` advanced. */
  processWatermark(input: number, timestampMs: number): void
  processWatermarkStatus(input: number, idle: boolean): void
  /**
   * Input `input` has no more rows. When all have ended the operator emits what is left (the task then ends
   * its output).
   */
  endInput(input: number): void
  /**
   * All input has ended and no checkpoint will come any more: make everything durable (a sink without checkpoints
   * commits).
   * With checkpointing, it is called after the final checkpoint has completed.
   */
  finish?(): Promise<void> | void
}

/** What `SourceOperator.poll` found. */
export type PollResult =
  /** A batch was emitted; there may be more. */
  | 'more'
  /** Nothing to read now; `whenAvailable` tells when. */
  | 'empty'
  /** Every split has been read to its end and no split will come. */
  | 'end-of-input'

/** The head of a chain that reads from outside. */
export interface SourceOperator extends OperatorLifecycle {
  /** Emits at most one batch. Never waits. */
  poll(): PollResult
  /** Resolves when `poll` may find something (or has ended); called after `empty`. */
  whenAvailable(): Promise<void>
  finish?(): Promise<void> | void
}

export type ChainedOperator =
  | { readonly kind: 'source'; readonly operator: SourceOperator }
  | { readonly kind: 'operator'; readonly operator: Operator }

/** Makes one subtask's instance of an operator from the JobGraph's plain-data configuration. */
export type OperatorFactory = (config: unknown, context: OperatorContext) => ChainedOperator

/** Factory name → factory; filled by `distribution`. */
export type OperatorRegistry = ReadonlyMap<string, OperatorFactory>

/** What a subtask reports when it fails. */
export interface SubtaskFailure {
  readonly subtask: SubtaskInfo
  readonly error: ErrorData
}
