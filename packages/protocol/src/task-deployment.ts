/**
 * TaskDeployment: everything that a slot needs to run one attempt of one subtask, as plain JSON.
 *
 * The JobManager cuts one per subtask out of the ExecutionGraph; `DeployTasks` carries all of one
 * slot together, so that fused channels inside the slot find their producers.
 */
import type { EdgeType, RestoredChannel, SubtaskStateHandles } from '@millrace/core'
import type { JobVertex, Partitioning } from '@millrace/graph'

/** One input channel: consumer's gate ← producer's subpartition. */
export interface ChannelDeployment {
  /** 0-based in the gate, in order of the producer's subtask. */
  readonly channelIndex: number
  readonly producerAttemptId: string
  /** Number of the output edge in the producer's `outputs`. */
  readonly edgeIndex: number
  readonly subpartition: number
  readonly taskManagerId: string
  readonly slotIndex: number
  /** Data server of the producer's slot. */
  readonly dataAddress: string
}

export interface GateDeployment {
  /** The gate number that operators' `inputs` refer to. */
  readonly gate: number
  /** Of every edge that goes into the gate. */
  readonly type: EdgeType
  readonly channels: readonly ChannelDeployment[]
}

export interface OutputDeployment {
  /** Number of this output in the vertex (its index here, too). */
  readonly edgeIndex: number
  /** Index in the vertex's operators whose output leaves here. */
  readonly sourceOperator: number
  readonly partitioning: Partitioning
  readonly type: EdgeType
  /** The consumer's parallelism; 1 with `forward`. */
  readonly subpartitions: number
  /** Max parallelism of the consumer: key group → subpartition. */
  readonly maxParallelism: number
  /** Whether a barrier may overtake what has not been sent: the consumer knows what to do then. */
  readonly overtakable: boolean
}

export interface TaskRestore {
  readonly checkpointId: number
  /** By operator id. Operators without state are absent. */
  readonly operators: SubtaskStateHandles
  /** Elements that come before everything new, in order. */
  readonly channels: readonly RestoredChannel[]
}

export interface TaskCheckpointing {
  readonly mode: 'exactly-once' | 'at-least-once'
  /**
   * The job's own checkpoint directory (`<execution.checkpointing.dir>/<job id>`), absolute; null:
   * in the JobManager's memory.
   */
  readonly directory: string | null
}

export interface TaskDeployment {
  readonly jobId: string
  readonly jobName: string
  readonly vertex: JobVertex
  readonly subtaskIndex: number
  /** 0 for the first attempt. */
  readonly attempt: number
  readonly attemptId: string
  readonly allocationId: string
  /** The job's configuration over the cluster's. */
  readonly configuration: Readonly<Record<string, string>>
  readonly gates: readonly GateDeployment[]
  readonly outputs: readonly OutputDeployment[]
  /** Null: start empty. */
  readonly restored: TaskRestore | null
  /** Null: no checkpoints will be taken. */
  readonly checkpointing: TaskCheckpointing | null
  /** It restores, commits what that holds, and feeds nothing until it is told to finish. */
  readonly suspended?: boolean
}

/** What a TaskManager reports about an attempt. */
export type TaskState = 'INITIALIZING' | 'RUNNING' | 'FINISHED' | 'CANCELED' | 'FAILED'
