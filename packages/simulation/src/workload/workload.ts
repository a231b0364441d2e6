/**
 * Workload: one generated job with its input and its schedule, as plain data.
 *
 * SQL text, input lines and expected output are all worked out from it, so that a smaller workload
 * (shrinking) is whole as well. Invariant: unless `late` is set, no row is more than the
 * watermark's delay behind any row that arrives before it, on whatever partition: nothing is ever
 * dropped as late, in whatever order partitions are read. Where `emptyPartitions` hold the
 * watermark, that is so because they do.
 */
import type { Beside } from './beside.ts'
import type { Query, SourceTable } from './model/query.ts'
import type { Row, TimestampStandard } from './model/sql-type.ts'

export interface InputRow {
  /** When the harness appends it, from the job's start; 0 for bounded jobs. */
  readonly atMs: number
  /** Physical columns. */
  readonly values: Row
  /** Number of this row among those that are late, or may be, 0 …; absent when it is on time. */
  readonly late?: number
  /** Pushes the watermark past every window at the end of an unbounded job. */
  readonly closing?: true
}

export interface TableInput {
  readonly table: string
  /** Partitions of the topic, or files of the directory. */
  readonly partitions: readonly (readonly InputRow[])[]
}

export type SourceConnector = 'kafka' | 'filesystem'
export type SinkConnector = 'kafka' | 'filesystem' | 'print'
export type Guarantee = 'exactly-once' | 'at-least-once'

/**
 * Partitions that have no row when the job starts. `hold`: they hold the watermark until their
 * first row, or their end. `hold-until-idle`: or until they are idle. `late`: they hold nothing,
 * and their rows may be too late. `late-and-idle`: they fall silent again, and are soon idle.
 */
export type EmptyPartitions = 'hold' | 'hold-until-idle' | 'late' | 'late-and-idle'

export interface Workload {
  /** The shape that was drawn, for logs. */
  readonly shape: string
  readonly tables: readonly SourceTable[]
  readonly query: Query
  readonly source: SourceConnector
  /** The job ends by itself. All input is there before it starts. */
  readonly bounded: boolean
  readonly sink: SinkConnector
  readonly guarantee: Guarantee
  /** Write 'sink.delivery-guarantee' out rather than leave it to the default. */
  readonly guaranteeWritten: boolean
  /** May be more than `parallelism`: the job needs as many slots as the larger of both. */
  readonly sinkParallelism: number | null
  readonly parallelism: number
  readonly timestampStandard: TimestampStandard
  /** SET statements. */
  readonly settings: Readonly<Record<string, string>>
  /** Further options of its Kafka tables, `properties.*`. */
  readonly sourceProperties: Readonly<Record<string, string>>
  readonly sinkProperties: Readonly<Record<string, string>>
  /** Rows in a record batch of a topic that it reads, at most. */
  readonly batchRowsMax: number
  readonly inputs: readonly TableInput[]
  /** Absent: every partition that gets a row has one from the beginning. */
  readonly emptyPartitions?: EmptyPartitions
  /** Infinity for a bounded job. */
  readonly finalWatermarkMs: number
  /** Some rows are later than the delay. */
  readonly late: boolean
  /**
   * False: a reader that stalls for longer than the idle timeout may drop rows, as it should;
   * compare exactly only without such faults.
   */
  readonly exactUnderStalls: boolean
  /** Behind all its input a savepoint stops the job, drained; absent: it is cancelled. */
  readonly isDrainedAtEnd?: boolean
  /** A second pipeline in the same job; absent: there is none. */
  readonly beside?: Beside
}

export const AFTER_TASKS_FINISH = 'execution.checkpointing.checkpoints-after-tasks-finish'

/** Its last rows wait for a checkpoint that is not taken. */
export function endsUncommitted({ settings, guarantee }: Workload): boolean {
  return settings[AFTER_TASKS_FINISH] === 'false' && guarantee === 'exactly-once'
}

export const OUTPUT = 'workload_output'

/** The Kafka topic, or directory below the input directory, that a table reads. */
export function inputName(table: string): string {
  return `${table}-input`
}

/** The Kafka topic, or directory below the output directory, that the job writes. */
export const OUTPUT_NAME = 'workload-output'

/** The time from the job's start by which all input has been appended. */
export function lastArrivalMs(workload: Workload): number {
  let last = 0
  for (const { partitions } of workload.inputs) {
    for (const rows of partitions) last = Math.max(last, rows[rows.length - 1]?.atMs ?? 0)
  }
  return last
}

export function rowCount(workload: Workload): number {
  let count = 0
  for (const { partitions } of workload.inputs) for (const rows of partitions) count += rows.length
  return count
}
