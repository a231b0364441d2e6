/**
 * JobManager-side parts of operators in general: a split enumerator is one, the collector of a
 * SELECT's rows another.
 *
 * The JobManager drives coordinators through this interface only; factories are registered by
 * `distribution`.
 */
import type { Platform } from '@millrace/platform'

export interface CoordinatorContext {
  readonly platform: Platform
  readonly jobId: string
  readonly jobName: string
  readonly operatorName: string
  readonly parallelism: number
  readonly checkpointingEnabled: boolean
  /** Delivered in order to that subtask's operator; dropped when its attempt ends. */
  sendEvent(subtaskIndex: number, event: unknown): void
  schedule(delayMs: number, action: () => void): () => void
  failJob(error: unknown): void
}

/** One method at a time. */
export interface OperatorCoordinator {
  /**
   * `restored`: what `snapshot` gave for the checkpoint the job starts from, or null. Called again
   * (after `close` of the old one) on restart.
   */
  start(restored: unknown): Promise<void> | void
  /** The subtask's attempt is RUNNING; events may be sent. */
  subtaskReady(subtaskIndex: number): void
  subtaskFailed(subtaskIndex: number): void
  /** An event from a subtask; the result (JSON) is the answer to its `sendToCoordinator`. */
  handleEvent(subtaskIndex: number, event: unknown): Promise<unknown> | unknown
  /** Plain JSON. Events sent before this belong to the checkpoint, later ones do not. */
  snapshot(checkpointId: number): unknown
  notifyCheckpointComplete?(checkpointId: number): void
  /** A client's request (REST), e.g. the next page of a SELECT's rows. */
  handleClientRequest?(request: unknown): Promise<unknown> | unknown
  /** What keeps rows from coming though the job runs, for people; null: nothing. */
  waitsFor?(): string | null
  /**
   * The job has reached a terminal state; a collector still answers client requests until `close`.
   */
  jobEnded?(state: 'FINISHED' | 'FAILED' | 'CANCELED'): void
  close(): Promise<void> | void
}

export type CoordinatorFactory = (
  config: unknown,
  context: CoordinatorContext,
) => OperatorCoordinator
export type CoordinatorRegistry = ReadonlyMap<string, CoordinatorFactory>
