/**
 * PlanInput: the input of a job as a JobGraph's sources see it — the rows of each partition, and how many of them lie
 * before a position that a checkpoint keeps.
 */
import type { Value } from '@millrace/core'

export type PlanRow = readonly Value[]

export interface PlanInput {
  /** The sources end by themselves. */
  readonly bounded: boolean
  /** Rows of each partition of a table in the order in which they are read, values by column name. */
  partitions(table: string): readonly (readonly Readonly<Record<string, Value>>[])[]
  splitId(table: string, partition: number): string
  /** `position`: of a split, as its connector writes it. */
  rowsBefore(table: string, partition: number, position: unknown): number
}
