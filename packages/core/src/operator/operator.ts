/**
 * What runs inside a subtask: operators, linked into a chain, each handing batches and control
 * elements to the next.
 *
 * `taskmanager` drives operators through these interfaces alone and knows no concrete one: they
 * enter a slot as named factories (`OperatorRegistry`) that the JobGraph's `OperatorDescriptor`s
 * refer to.
 *
 * Threading: every method runs on the subtask's mailbox, one at a time. `processBatch`,
 * `processWatermark` and the `Output` methods are synchronous: no operator waits on the record
 * path. An operator whose output would grow without bound (a window firing a million keys) emits a
 * batch at a time, checks `output.isAvailable()`, keeps the rest, reports `isBlocked() === true`
 * and goes on in `resume()`. One that needs something it has to wait for (state that is not
 * resident, an answer from outside) asks for it in `prepareBatch`: the task keeps the batch.
 *
 * Watermarks, idleness, ends and barriers are the task's: it combines them over the operator's
 * inputs, tells the operator, and passes them on once the operator is not blocked, so that what a
 * watermark caused has left before it (`OperatorInputs`). Barriers follow `prepareBarrier`, then
 * `snapshot`, operator by operator in chain order.
 */
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { Configuration } from '../config/configuration.ts'
import type { KeyedState } from '../state/keyed-state.ts'
import type { OperatorMetrics } from './operator-metrics.ts'
import type { OperatorSnapshot, RestoredOperatorState } from './operator-state.ts'

/**
 * Where an operator sends what it makes: the next operator of the chain, or a result partition, or
 * several of them.
 */
export interface Output {
  emitBatch(batch: ColumnBatch): void
  emitWatermark(timestampMs: number): void
  emitWatermarkStatus(idle: boolean): void
  /**
   * False when a bounded buffer further down is full. Batches are still accepted (they overdraw),
   * but a well-behaved producer stops after the batch in hand.
   */
  isAvailable(): boolean
}

/** Schedules a call on the subtask's own mailbox. */
export interface Mailbox {
  /**
   * Runs `action` on the mailbox after what is queued; an exception fails the subtask. Callable
   * from any callback.
   */
  post(action: () => void): void
  /**
   * Runs `action` on the mailbox once, `delayMs` from now at the earliest; returns a
   * cancel function.
   */
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
  /**
   * State by key: tables are made in the constructor and hold what was restored when
   * `open` is called.
   */
  readonly state: KeyedState
  /** State to start from; null in a fresh start. */
  readonly restored: RestoredOperatorState | null
  /** Sends to the operator's coordinator in the JobManager; resolves with its answer (JSON). */
  sendToCoordinator(event: unknown): Promise<unknown>
  /** Whether the job takes checkpoints by itself. */
  readonly checkpointingEnabled: boolean
}

/** Common to sources and operators. */
export interface OperatorLifecycle {
  /**
   * Prepares and restores state. The subtask is INITIALIZING until every `open` of the chain has
   * resolved (last operator first).
   */
  open(): Promise<void> | void
  /**
   * True while an earlier call left output or a wait behind: the task feeds nothing more and takes
   * no barrier until it clears.
   */
  isBlocked?(): boolean
  /** Goes on with what is left over once the output is available again. */
  resume?(): void
  /**
   * A barrier is about to be forwarded: emit what must precede it (a local pre-aggregate's rows, a
   * sink's flush).
   */
  prepareBarrier?(checkpointId: number): Promise<void> | void
  /**
   * State other than `context.state` for the checkpoint: small, copied at once; writing
   * happens later.
   */
  snapshot(checkpointId: number): OperatorSnapshot
  /**
   * The checkpoint is complete and durable: commit what it pre-committed. Called in order; may be
   * skipped, never repeated.
   */
  notifyCheckpointComplete?(checkpointId: number): Promise<void> | void
  notifyCheckpointAborted?(checkpointId: number): void
  /** An event from the operator's coordinator in the JobManager. */
  handleCoordinatorEvent?(event: unknown): void
  /**
   * Releases everything; also called after a failure or cancel, also when `open` did not finish.
   */
  close(): Promise<void> | void
}

/** An operator with inputs. */
export interface Operator extends OperatorLifecycle {
  /**
   * The operator makes the watermarks of its output itself, from its rows: those of its inputs, and
   * their idleness, are not passed on, except for the end of time.
   */
  readonly makesWatermarks?: boolean
  /** Rows of input `input` (0-based); the batch is valid until this returns. */
  processBatch(input: number, batch: ColumnBatch): void
  /**
   * Asked before `processBatch`, for an operator that reads gates alone: null when the batch can be
   * processed now, else resolves when it can. Until then the task keeps the batch, which stays
   * valid, and whatever follows it waits in order.
   */
  prepareBatch?(input: number, batch: ColumnBatch): Promise<void> | null
  /**
   * The watermark over all inputs has grown. The task passes it on when this has returned and the
   * operator is not blocked. Not called while it is blocked.
   */
  processWatermark?(timestampMs: number): void
  /**
   * The watermark of one input has grown: for who needs a single side. Told before the one over
   * all; not called while the operator is blocked, and then with the last alone.
   */
  inputWatermark?(input: number, timestampMs: number): void
  /** All inputs that have not ended fell silent (true), or one of them woke up (false). */
  processIdle?(idle: boolean): void
  /**
   * Bit mask of the inputs that may be read now (bit n: input n); absent: all in turn. An input in
   * the mask is read even while the operator is blocked. An input that is left out keeps its
   * barriers: a checkpoint waits until it is read. Only for inputs that are gates.
   */
  readableInputs?(): number
  /**
   * Input `input` has no more rows; its watermark has become the end of time before. When all have
   * ended the operator emits what is left (the task then ends its output).
   */
  endInput(input: number): void
  /** All input has ended and no checkpoint will come any more: a sink makes durable what it may. */
  finish?(basis: FinishBasis): Promise<void> | void
}

/**
 * What stands behind the rows of a task that is told to finish: a checkpoint or savepoint that
 * holds them all and is complete (`checkpoint`); nothing, since the job takes none, so that they
 * are committed now (`end-of-input`); the last checkpoint that there was (id 0: none), so that what
 * came after it is never committed (`earlier-checkpoint`).
 */
export type FinishBasis =
  | { readonly kind: 'checkpoint' | 'end-of-input' }
  | { readonly kind: 'earlier-checkpoint'; readonly checkpointId: number }

/** What `SourceOperator.poll` found. */
export type PollResult =
  /** A batch was emitted; there may be more. */
  | 'more'
  /** Nothing to read now; `whenAvailable` tells when. */
  | 'empty'
  /** Every split has been read to its end and no split will come. */
  | 'end-of-input'

/**
 * The head of a chain that reads from outside. It emits its own watermarks and idleness; after
 * `end-of-input` the task ends event time.
 */
export interface SourceOperator extends OperatorLifecycle {
  /** Emits at most what was read of one batch. Never waits. */
  poll(): PollResult
  /** Resolves when `poll` may find something (or has ended); called after `empty`. */
  whenAvailable(): Promise<void>
  finish?(basis: FinishBasis): Promise<void> | void
}

export type ChainedOperator =
  | { readonly kind: 'source'; readonly operator: SourceOperator }
  | { readonly kind: 'operator'; readonly operator: Operator }
