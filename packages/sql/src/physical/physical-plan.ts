/**
 * The physical plan: one node an operator of the job, with its configuration, its parallelism and how rows reach it.
 *
 * Made from the optimized logical plan, cut into vertices by `graph`. Nodes are shared by reference where a plan is
 * a DAG.
 */
import type { Schema } from '@millrace/core'
import type { Partitioning } from '@millrace/graph'

export interface PhysicalInput {
  readonly node: PhysicalNode
  readonly partitioning: Partitioning
}

export interface PhysicalNode {
  /** For people: `GlobalWindowAggregate`; the operator's name is this with its number. */
  readonly title: string
  /** What EXPLAIN shows in parentheses, in the reference engine's manner. */
  readonly details: string
  /** Factory name in the operator registry. */
  readonly factory: string
  readonly config: unknown
  readonly coordinator?: { readonly factory: string; readonly config: unknown }
  /**
   * What makes this operator the same one after a change of the statement: its id is derived from it and its
   * inputs' ids.
   */
  readonly identity: string
  readonly schema: Schema
  readonly parallelism: number
  readonly inputs: readonly PhysicalInput[]
  /** Whether rows may be -U, +U or -D; then the operator that makes them so, for messages. */
  readonly updatedBy: string | null
  /** Whether the input ends by itself. */
  readonly bounded: boolean
}

/** `Calc(select=[a, b])`. */
export function describeNode(node: PhysicalNode): string {
  return `${node.title}(${node.details})`
}
