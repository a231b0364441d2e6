/**
 * KeyedState: an operator's state by key, as tables that somebody else keeps, freezes and restores.
 *
 * Stands between operators and package `state`. Everything goes a batch at a time: an operator
 * resolves the keys of a ColumnBatch to *slots*, its (generated) loops then work on the table's
 * records by slot number, and it says before it writes to them. So a table may be all in memory, or
 * a cache over a disk whose misses are fetched together before the loop runs. An operator knows
 * neither checkpoints nor files: the task freezes its state at the barrier and puts restored rows
 * before `open`.
 */
import type { Column, StringPool } from '../batch/column.ts'
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { FrozenTable } from './frozen-table.ts'
import type { StateTableSpec } from './state-table-spec.ts'

export interface KeyedState {
  /**
   * Makes the table of `spec`; in the operator's constructor, so that it is there when
   * stored rows are put.
   */
  table(spec: StateTableSpec, options?: TableOptions): StateTable
  /** A table whose first sub column is a time (epoch ms) at which its entries are due. */
  timers(spec: StateTableSpec, options?: TableOptions): TimerTable
  /**
   * What the tables hold now, for the checkpoint; takes time by table, not by entry. `since`: an
   * earlier checkpoint to build upon; tables that know what changed since give only that, and say
   * so.
   */
  freeze(checkpointId: number, since: number | null): readonly FrozenTable[]
}

export interface TableOptions {
  /** Value words of an entry that `resolve` makes; zeros without, and texts NULL. */
  readonly defaults?: Float64Array
}

/**
 * Where the records of a table lie: one memory, seen as doubles, 64-bit and 32-bit integers. The
 * record of slot s begins at word `s * stride`; `slotCount` slots have room. The object is replaced
 * when the memory grows or moves: read it after resolving.
 */
export interface RecordMemory {
  /** 8-byte words a record. */
  readonly stride: number
  readonly words: Float64Array
  readonly longs: BigInt64Array
  readonly ints: Int32Array
}

/**
 * Texts of a table: `words` hold their entries. Replaced when garbage is collected: read it
 * after resolving.
 */
export interface TableTexts {
  readonly pool: StringPool
  /** A copy of an entry of another pool. */
  add(source: StringPool, entry: number): number
  /**
   * The entry to hold: `held`, or a copy of the other if there is none or that is smaller (`sign`
   * 1) or larger (-1).
   */
  pick(held: number, other: StringPool, entry: number, sign: number): number
  /** No record holds the entry any more. */
  drop(entry: number): void
}

/**
 * With a time to live (`spec.ttlMs`) an entry that was written so long ago is as if it had never
 * been, whoever asks: `resolve` makes it anew, all others pass it over, and its memory is given
 * back in the course of further calls.
 */
export interface StateTable {
  readonly spec: StateTableSpec
  /** Entries that are there. */
  readonly size: number
  readonly memory: RecordMemory
  /** Texts of the records, keys and values. */
  readonly texts: TableTexts
  /** Changes when a slot that was given out may stand for another entry. */
  readonly generation: number
  /**
   * Word of each value field within a record (`i64` in `longs`, else in `words`; a text's is its
   * entry in `texts`, -1: NULL).
   */
  readonly valueWords: readonly number[]
  /**
   * Slots of the entries whose key and sub columns are rows 0 … rowCount of `columns`, in `slots`;
   * missing entries are made with the empty value of `defaults`. Slot 0 is no entry. A promise:
   * some are not in memory; await it and call again.
   */
  resolve(columns: readonly Column[], rowCount: number, slots: Int32Array): Promise<void> | null
  /** As `resolve`, but 0 for what is missing. */
  find(columns: readonly Column[], rowCount: number, slots: Int32Array): Promise<void> | null
  /**
   * The entries of each key of rows 0 … rowCount of `keys` (without sub columns), one key
   * after the other.
   */
  scan(keys: readonly Column[], rowCount: number, order?: ScanOrder): EntryScan
  /**
   * Each slot of `slots[0 … count)` other than 0 once, in order of first appearance, in `into`;
   * gives how many.
   */
  distinct(slots: Int32Array, count: number, into: Int32Array): number
  /**
   * Must be called before the value words of `slots[0 … count)` change: marks them changed, and
   * copies what a checkpoint has frozen.
   */
  beforeWrite(slots: Int32Array, count: number): void
  /** Sets the value of an entry to that of a new one. */
  reset(slot: number): void
  /**
   * Their entries are gone; slots may stand for others after the next `resolve`. 0 and
   * repetitions are ignored.
   */
  remove(slots: Int32Array, count: number): void
  /**
   * Every entry, in no order, a few thousand slots at a time; entries may be removed in between.
   */
  slots(): Iterable<Int32Array>
  /** Key (and sub) columns of `slots[from … to)`. */
  keyColumns(slots: Int32Array, from: number, to: number): Column[]
  /**
   * Stored rows (`storedSchemaOf`) as the entries of their keys, whatever was there before. Rows of
   * kind DELETE have key and sub columns alone and take their entries away; no batch has both.
   */
  put(rows: ColumnBatch): void
  /** Every entry goes. */
  clear(): void
  /** Bytes of memory that the table takes. */
  readonly memoryBytes: number
}

export interface ScanOrder {
  /** By sub columns (`ordered` tables); without, in no order. */
  readonly direction: 'ascending' | 'descending'
  /** So many entries of each key at most. */
  readonly entriesMax?: number
}

/** Pairs of a row and an entry of its key, read a batch at a time; writes to the table end it. */
export interface EntryScan {
  /**
   * Pair p is row `rows[p]` and slot `slots[p]`; the pairs of a row follow each other. Slots are
   * good until the next call of `next`: entries may have been read for it alone.
   */
  readonly rows: Int32Array
  readonly slots: Int32Array
  /**
   * The next pairs: how many, 0 at the end. A promise: some are not in memory; await it
   * and call again.
   */
  next(): number | Promise<void>
}

/** Entries that are due at a time, found by it: not by `scan`. */
export interface TimerTable extends StateTable {
  /** The earliest time with entries; Infinity without. */
  readonly firstMs: number
  /**
   * The entries of a time, a batch at a time, so that they need not be in memory all at once. With
   * `parts` (1 … 32, a power of 2) only those whose key is of part `part`: over all parts each
   * entry once, and entries of one key, whatever their times, in the same part.
   */
  entriesAt(timeMs: number, part?: number, parts?: number): TimeEntries
  /** In how many parts the entries of these times are to be taken if a part shall fit in memory. */
  partsAt(times: readonly number[]): number
  /** All entries of a time go. */
  removeAt(timeMs: number): void
}

/** A place among the entries of a time: the table's next one, and writes to the table, end it. */
export interface TimeEntries {
  /** Slots of the next ones, BATCH_ROWS_TARGET at most, good until the next call; none: the end. */
  next(): Int32Array
}
