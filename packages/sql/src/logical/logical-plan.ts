/**
 * The logical plan: relational operators over typed expressions, plain data.
 *
 * Built from the syntax tree (build-query.ts), rewritten by the optimizer, turned into operators by
 * `physical`. Column indexes refer to the node's input; every node knows its output schema.
 */
import type { Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, WindowProperty, WindowSpec } from '@millrace/sql-operators'
import type { CatalogTable } from '../catalog/catalog-object.ts'

export interface ScanNode {
  readonly kind: 'scan'
  readonly table: CatalogTable
  /** The table's WITH options, with those of an OPTIONS hint over them. */
  readonly options: Readonly<Record<string, string>>
  /** Indexes among the table's columns. */
  readonly columns: readonly number[]
  readonly schema: Schema
}
export interface ValuesNode {
  readonly kind: 'values'
  readonly rows: readonly (readonly Expression[])[]
  readonly schema: Schema
}
export interface FilterNode {
  readonly kind: 'filter'
  readonly input: LogicalNode
  readonly condition: Expression
  readonly schema: Schema
}
export interface ProjectNode {
  readonly kind: 'project'
  readonly input: LogicalNode
  readonly expressions: readonly Expression[]
  readonly schema: Schema
}
/** Rows with window_start, window_end and window_time appended. */
export interface WindowTableNode {
  readonly kind: 'window-table'
  readonly input: LogicalNode
  readonly window: WindowSpec
  /** Index of the time attribute in the input. */
  readonly timeColumn: number
  readonly schema: Schema
}
/** GROUP BY without a window: keys, then aggregates. */
export interface AggregateNode {
  readonly kind: 'aggregate'
  readonly input: LogicalNode
  readonly keys: readonly Expression[]
  readonly aggregates: readonly AggregateCall[]
  /** How long its state lives, by a hint; absent: as long as `table.exec.state.ttl` says. */
  readonly stateTtl?: StateTtl
  readonly schema: Schema
}
export interface StateTtl {
  /** Of the input, as the hint names it. */
  readonly input: string
  /** As written. */
  readonly text: string
  /** 0: for ever. */
  readonly ms: number
}
/** Keys, then aggregates, then window properties. */
export interface WindowAggregateNode {
  readonly kind: 'window-aggregate'
  readonly input: LogicalNode
  readonly keys: readonly Expression[]
  readonly aggregates: readonly AggregateCall[]
  readonly window: WindowSpec
  /** Null: processing time. */
  readonly rowtime: Expression | null
  readonly properties: readonly WindowProperty[]
  readonly schema: Schema
}
export interface UnionNode {
  readonly kind: 'union'
  readonly inputs: readonly LogicalNode[]
  readonly schema: Schema
}

export type LogicalNode =
  | ScanNode
  | ValuesNode
  | FilterNode
  | ProjectNode
  | WindowTableNode
  | AggregateNode
  | WindowAggregateNode
  | UnionNode
