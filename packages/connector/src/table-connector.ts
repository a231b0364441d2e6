/**
 * The border between SQL and the outside: a connector (`'connector' = 'kafka'`) is one
 * `TableConnector`, registered by `distribution`.
 *
 * It works in three places, joined by plain JSON: **planning** (client or gateway: checks options
 * and the schema, gives a plan), **JobManager** (a split enumerator) and **slot** (a reader or a
 * writer). Plans travel inside the JobGraph.
 */
import type {
  ColumnBatch,
  ConfigOption,
  OperatorMetrics,
  Schema,
  SubtaskInfo,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { Format } from './format.ts'

export interface TableDescription {
  /** e.g. `default_catalog.default_database.sensor_readings`. */
  readonly tableName: string
  /** Physical columns only (computed columns and watermark are the planner's). */
  readonly schema: Schema
  /** The WITH options without `connector`. */
  readonly options: Readonly<Record<string, string>>
  /** Finds the `format` option's format; throws the error that names the known ones. */
  readonly formats: ReadonlyMap<string, Format>
}

export interface SourcePlan {
  /**
   * What is read, in the words of the connector (`topic orders`): what offsets are of. A table of
   * another name that reads the same goes on with them. Absent: its name says it.
   */
  readonly reads?: readonly string[]
  /** Whether the input ends by itself. */
  readonly bounded: boolean
  /** For the reader and the enumerator; plain JSON. Holds projection-independent settings. */
  readonly config: unknown
  /** Largest useful parallelism, when known (datagen sequence); undefined otherwise. */
  readonly parallelismMax?: number
  /** `scan.parallelism`, when set. */
  readonly parallelism?: number
}

export interface SinkPlan {
  readonly config: unknown
  /** `sink.parallelism`, when set. */
  readonly parallelism?: number
  /**
   * `insert`: an updating query is refused by the planner. `upsert`: +U stands in for the row
   * before and −U is not needed (it may come where another consumer needs it). `retract`: every
   * update is −U and +U.
   */
  readonly accepts: 'insert' | 'upsert' | 'retract'
}

/** What every runtime part of a connector is given. */
export interface ConnectorContext {
  readonly platform: Platform
  readonly jobId: string
  readonly jobName: string
  readonly tableName: string
}

export interface ReaderContext extends ConnectorContext {
  readonly subtask: SubtaskInfo
  readonly metrics: OperatorMetrics
  /**
   * Physical schema of the table, and the columns (indexes in it) that the query uses,
   * in output order.
   */
  readonly schema: Schema
  readonly projection: readonly number[]
  readonly formats: ReadonlyMap<string, Format>
  /** Sends an event to the enumerator (a lost one fails the subtask). */
  sendToEnumerator(event: unknown): void
  /** Call when `poll` may find something again. Callable from any callback. */
  wakeUp(): void
  /** Fails the subtask from a callback. */
  fail(error: unknown): void
  readonly checkpointingEnabled: boolean
}

export interface WriterContext extends ConnectorContext {
  readonly subtask: SubtaskInfo
  readonly metrics: OperatorMetrics
  readonly schema: Schema
  readonly formats: ReadonlyMap<string, Format>
  /** Call when `isAvailable` may have become true again. */
  wakeUp(): void
  fail(error: unknown): void
  readonly checkpointingEnabled: boolean
}

export interface TableConnector {
  /** The `connector` option's value. */
  readonly name: string
  /**
   * Every WITH option of this connector (format options come from the format); others are refused
   * with the nearest name.
   */
  readonly options: readonly ConfigOption<unknown>[]
  /** Prefixes whose keys pass unchecked (`properties.`, `fields.`). */
  readonly optionPrefixes: readonly string[]
  /** Absent: cannot be read from. */
  readonly source?: {
    plan(table: TableDescription): SourcePlan
    createEnumerator(config: unknown, context: EnumeratorContext): SplitEnumerator
    createReader(config: unknown, context: ReaderContext): SourceReader
  }
  /** Absent: cannot be written to. */
  readonly sink?: {
    plan(table: TableDescription): SinkPlan
    createWriter(config: unknown, context: WriterContext): SinkWriter
  }
}

export type ConnectorRegistry = ReadonlyMap<string, TableConnector>

/** A part of a source (a Kafka partition, a file) with where to go on; plain JSON. */
export interface SourceSplit {
  /** Unique in the source, e.g. `sensor-readings-2`. */
  readonly id: string
  /** For people, e.g. `topic sensor-readings, partition 2`. */
  readonly description: string
  /** For people: why it is still there while it brings no rows, e.g. a file that may grow. */
  readonly silence?: string
  /** Connector-specific position and bounds. */
  readonly position: unknown
}

export interface EnumeratorContext extends ConnectorContext {
  /** Current number of reader subtasks. */
  readonly parallelism: number
  /** Subtasks whose reader has registered in this attempt. */
  registeredReaders(): readonly number[]
  assignSplits(subtaskIndex: number, splits: readonly SourceSplit[]): void
  /** No split will come for this reader any more. */
  signalNoMoreSplits(subtaskIndex: number): void
  sendToReader(subtaskIndex: number, event: unknown): void
  /** Runs `action` on the enumerator's own turn after `delayMs`; returns cancel. */
  schedule(delayMs: number, action: () => void): () => void
  /** Fails the job. */
  fail(error: unknown): void
}

/** Finds splits and deals them out; lives in the JobManager; one method at a time. */
export interface SplitEnumerator {
  /** `restored`: what `snapshot` gave for the checkpoint the job starts from, or null. */
  start(restored: unknown): Promise<void> | void
  /** A reader subtask runs and takes splits now. */
  addReader(subtaskIndex: number): void
  handleReaderEvent(subtaskIndex: number, event: unknown): void
  /**
   * Plain JSON. Splits already assigned are in the readers' state, not here (only their
   * identity as known).
   */
  snapshot(checkpointId: number): unknown
  /** What must come from outside before there are splits: `Kafka at host:9092`; null: nothing. */
  waitsFor?(): string | null
  notifyCheckpointComplete?(checkpointId: number): void
  close(): Promise<void> | void
}

export interface ReaderOutput {
  /**
   * Rows of one split, in the split's order; columns follow `ReaderContext.projection`. Valid
   * until this returns.
   */
  emit(splitId: string, batch: ColumnBatch): void
  /**
   * The split was read up to what is there now and has not delivered any record since it was
   * opened: it holds the watermark for a short time only.
   */
  splitCaughtUpEmpty(splitId: string): void
  /** The split is at its end for good. */
  splitFinished(splitId: string): void
}

/** Reads splits in a slot. I/O runs in the background; `poll` only hands over what has arrived. */
export interface SourceReader {
  start(): Promise<void> | void
  addSplits(splits: readonly SourceSplit[]): void
  noMoreSplits(): void
  handleEnumeratorEvent?(event: unknown): void
  /**
   * Emits at most one batch; 'end-of-input' once `noMoreSplits` was called and every split is
   * finished. Never waits.
   */
  poll(output: ReaderOutput): 'more' | 'empty' | 'end-of-input'
  /** The splits with the positions after the last emitted row. */
  snapshot(checkpointId: number): readonly SourceSplit[]
  notifyCheckpointComplete?(checkpointId: number): Promise<void> | void
  close(): Promise<void> | void
}

/**
 * What was pre-committed at a barrier, to be committed once the checkpoint is complete; bytes kept
 * in the checkpoint.
 */
export type Committable = Uint8Array

/** Writes rows in a slot. `write` only encodes and queues; sending runs in the background. */
export interface SinkWriter {
  /**
   * `restored` is null in a fresh start. Commits `restored.committables` first, then aborts
   * transactions of earlier attempts (../reference: Kafka exactly-once, points 3 and 4), before it
   * resolves. The attempt may have been replaced while it slept: what it does here must not harm
   * one that came after it.
   */
  open(
    restored: {
      readonly checkpointId: number
      readonly states: readonly Uint8Array[]
      readonly committables: readonly Committable[]
    } | null,
  ): Promise<void>
  write(batch: ColumnBatch): void
  /** False while its bounded queue is full. */
  isAvailable(): boolean
  /**
   * At the barrier: everything written is flushed and pre-committed under `checkpointId`; later
   * writes belong to the next checkpoint.
   */
  prepareCommit(checkpointId: number): Promise<readonly Committable[]>
  /**
   * State beside the committables (counters, names in use); called right after
   * `prepareCommit` resolved.
   */
  snapshotState(checkpointId: number): readonly Uint8Array[]
  /**
   * After a restore every writer is given the states of all; else each state goes to one of them,
   * and after a scale-up some have none.
   */
  readonly sharesStates?: boolean
  /** Makes the committables durable and visible; must be idempotent. */
  commit(committables: readonly Committable[]): Promise<void>
  /**
   * Removes what older attempts left since `open`: one that was cut off from the JobManager may go
   * on for a while. Called in the background, now and then, after a checkpoint of this attempt is
   * complete (every subtask has opened by then and committed what it was restored with, so nothing
   * of an older attempt is wanted any more), and at the end. May reach an attempt late that has
   * been replaced itself: what newer ones wrote is not touched.
   */
  removeStrays?(): Promise<void>
  /** Without checkpoints, at the end of bounded input: flush and make everything visible. */
  finish(): Promise<void>
  /**
   * At the end of bounded input behind the last checkpoint that there will be: what waits for no
   * commit gets out; `committables` and all that is written since will never be committed.
   */
  abandon?(committables: readonly Committable[]): Promise<void>
  close(): Promise<void> | void
}
