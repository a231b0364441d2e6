/**
 * What a datagen table's options come to, and where one of its splits stands: plain data in the
 * JobGraph and in state.
 */
import type { SourceSplit } from '@millrace/connector'
import type { FieldPlan } from './field-plan.ts'

export interface DatagenConfig {
  readonly fields: readonly FieldPlan[]
  readonly rowsPerSecond: number
  /** Null: unbounded. */
  readonly rowLimit: number | null
}

/** Rows `index`, `index + count`, … of the table. */
export interface DatagenPosition {
  readonly index: number
  readonly count: number
  /** Rows emitted so far. */
  readonly emitted: number
  readonly seed: number
  /** Epoch ms of the table's first row. */
  readonly startMs: number
}

export type DatagenSplit = SourceSplit & { readonly position: DatagenPosition }
