/**
 * JobGraph: what is submitted — vertices (operator chains) and the edges between them, as plain JSON data.
 *
 * Made by `sql` (later also `datastream`), posted to REST, expanded by the JobManager into an ExecutionGraph, cut by
 * it into one
 * `TaskDeployment` a subtask (`protocol`). Operators are named factories with plain-data configuration: neither
 * JobManager nor
 * TaskManager knows what they do.
 */
import type { Schema } from '@millrace/core'

/** How rows get from a producer's subtasks to a consumer's. */
export type Partitioning =
  /** Subtask i → subtask i; equal parallelism. */
  | { readonly kind: 'forward' }
  /** By key group of the given columns (indexes in the edge's schema). */
  | { readonly kind: 'hash'; readonly keyColumns: readonly number[] }
  /** Batch by batch, round robin. */
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'broadcast' }

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
   * Where the input comes from: an index in the same chain (fused), or `gate` for the vertex's input edges; a source
   * has none. Input
   * number n of the operator is entry n.
   */
  readonly inputs: readonly (number | { readonly gate: number })[]
  readonly outputSchema: Schema
  /** JobManager-side part: split enumerator, collect coordinator. */
  readonly coordinator?: { readonly factory: string; readonly config: unknown }
}

export interface JobVertex {
  readonly id: string
  /** Operator names joined by ` -> `. */
  readonly name: string
  readonly parallelism: number
  readonly maxParallelism: number
  readonly slotSharingGroup: string
  /** In chain order: every input index is smaller than the operator's own. */
  readonly operators: readonly OperatorDescriptor[]
}

export interface JobEdge {
  readonly sourceVertexId: string
  /** Index in the source vertex's `operators` whose output leaves here. */
  readonly sourceOperator: number
  readonly targetVertexId: string
  /** Gate number at the target vertex. */
  readonly targetGate: number
  readonly partitioning: Partitioning
  readonly schema: Schema
}

export interface JobGraph {
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
