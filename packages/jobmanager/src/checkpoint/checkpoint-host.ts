/** CheckpointHost: a job as the coordinator of its checkpoints sees it. */
import type { CheckpointOrder, FinishBasis, MillraceError } from '@millrace/core'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'

/** What the coordinator needs of the job. */
export interface CheckpointHost {
  readonly jobId: string
  /** Of the round that runs now. */
  graph(): ExecutionGraph
  readonly leaderEpoch: number
  /**
   * Takes the operator coordinators' states; later events are held back until `release`. Earlier
   * ones have been delivered.
   */
  snapshotCoordinators(checkpointId: number): Promise<{
    readonly states: Readonly<Record<string, unknown>>
    release(): void
  }>
  triggerSources(order: CheckpointOrder): Promise<void>
  /** To tasks and operator coordinators. */
  notify(checkpointId: number, outcome: 'complete'): Promise<void>
  /** To tasks; those that it stopped go on, or the job starts anew. */
  abort(order: CheckpointOrder): Promise<void>
  /** The job is stopped for good, by the savepoint there; its sinks are told next. */
  stopped(path: string): void
  /** Too many checkpoints failed. */
  failJob(error: MillraceError): void
  /** No checkpoint will come any more, and sinks were told of the last one: tasks may finish. */
  tasksMayFinish(basis: FinishBasis): void
}
