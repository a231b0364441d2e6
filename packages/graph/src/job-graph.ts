/**
 * JobGraph: what is submitted — vertices (operator chains) and the edges between them, as
 * plain JSON data.
 *
 * Made by `sql` (later also `datastream`), posted to REST, expanded by the JobManager into an
 * ExecutionGraph, cut by it into one `TaskDeployment` a subtask (`protocol`). Operators are named
 * factories with plain-data configuration: neither JobManager nor TaskManager knows what they do.
 */
import type { EdgeType, Schema, StateTableSpec, TableNamedId } from '@millrace/core'

/** How rows get from a producer's subtasks to a consumer's. */
export type Partitioning =
  /**
   * Subtask i → subtask i; equal parallelism. `required` (unless it says false): whoever reads
   * relies on it, because rows are in an order or lie by a key. Otherwise it was only the cheapest
   * way, and becomes `rebalance` where the parallelism of a round is not equal.
   */
  | { readonly kind: 'forward'; readonly required?: boolean }
  /** By key group of the given columns (indexes in the edge's schema). */
  | { readonly kind: 'hash'; readonly keyColumns: readonly number[] }
  /** Batch by batch, round robin. */
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'broadcast' }

export function forwardIsRequired(partitioning: Partitioning): boolean {
  return partitioning.kind === 'forward' && partitioning.required !== false
}

/**
 * Where an operator may stand in a chain: behind others of its subtask (`always`), or only where
 * rows come through gates (`head`), since it keeps state by key and may have to hold a batch of its
 * input back.
 */
export type Chaining = 'always' | 'head'

/** One operator of a chain. */
export interface OperatorDescriptor {
  /** 32 hex; derived from the query's structure, so that state finds its operator again. */
  readonly id: string
  /** For people, e.g. `GlobalWindowAggregate[3]`. */
  readonly name: string
  /** Name in the `OperatorRegistry`. */
  readonly factory: string
  /** The factory's plain-data configuration. */
  readonly config: unknown
  /**
   * Where the input comes from: an index in the same chain (fused), or `gate` for the vertex's
   * input edges; a source has none. Input number n of the operator is entry n.
   */
  readonly inputs: readonly (number | { readonly gate: number })[]
  readonly outputSchema: Schema
  /** Absent: `always`. */
  readonly chaining?: Chaining
  /** Whether it keeps state; absent: not, or made by a build that did not say. */
  readonly stateful?: boolean
  /** Its tables of state by key; absent: none, or made by a build that did not say. */
  readonly states?: readonly StateTableSpec[]
  /** What its state is made of, for people, by part. */
  readonly madeOf?: Readonly<Record<string, string>>
  /** Its id by the names of the tables that are read; absent: the same, or nobody said. */
  readonly byTableName?: TableNamedId
  /** JobManager-side part: split enumerator, collect coordinator. */
  readonly coordinator?: { readonly factory: string; readonly config: unknown }
}

export interface JobVertex {
  readonly id: string
  /** Operator names: `a -> b`, and `a -> (b -> c, d)` where several read one. */
  readonly name: string
  readonly parallelism: number
  readonly maxParallelism: number
  /**
   * Its rows cannot be dealt to several subtasks (VALUES, the rows of a SELECT, changes without an
   * exchange by key): no rescale raises its parallelism. Absent: they can.
   */
  readonly single?: boolean
  readonly slotSharingGroup: string
  /** In chain order: every input index is smaller than the operator's own. */
  readonly operators: readonly OperatorDescriptor[]
}

export interface JobEdge {
  readonly sourceVertexId: string
  /** Index in the source vertex's `operators` whose output leaves here. */
  readonly sourceOperator: number
  readonly targetVertexId: string
  /**
   * Gate number at the target vertex; several edges of one schema may go into one gate (UNION ALL).
   */
  readonly targetGate: number
  readonly partitioning: Partitioning
  readonly type: EdgeType
}

/**
 * The format that this version makes and runs. It grows when the shape of the graph or of an
 * operator's configuration changes so that an older one cannot be run; a graph without a version
 * is of format 1.
 */
export const JOB_GRAPH_VERSION = 2

export interface JobGraph {
  /** `JOB_GRAPH_VERSION` of whoever made it. */
  readonly formatVersion: number
  /** 32 hex, chosen by the submitter; submitting the same id twice is refused. */
  readonly jobId: string
  readonly name: string
  readonly vertices: readonly JobVertex[]
  readonly edges: readonly JobEdge[]
  /**
   * The job's configuration, over the cluster's: `execution.checkpointing.*`, `restart-strategy.*`,
   * `pipeline.*`, `table.*`.
   */
  readonly configuration: Readonly<Record<string, string>>
  readonly jobType: 'STREAMING'
}
