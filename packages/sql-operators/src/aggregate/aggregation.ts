/**
 * Aggregation: keys, groups and accumulators of one operator, put together.
 *
 * What the local, the global and the unbounded aggregate share: evaluate → key ids → slots → words, and back to
 * columns. It knows
 * neither watermarks nor output.
 */
import {
  type Column,
  ColumnBatch,
  type Field,
  Float64Column,
  Int64Column,
  type KeyedTableSnapshot,
  keyGroupOf,
  physicalTypeOf,
  type Schema,
  StringColumn,
  type StringPool,
} from '@millrace/core'
import type { AccumulatorPlan } from './accumulator-plan.ts'
import { groupSchema } from './accumulator-schema.ts'
import { resultColumn } from './aggregate-results.ts'
import { CodeSlots } from './code-slots.ts'
import {
  emptyWords,
  generateMergeLoop,
  generateMergeSlots,
  generateUpdateLoop,
  type MergeLoop,
  type MergeSlots,
  type UpdateLoop,
} from './generate-loops.ts'
import { GroupTable } from './group-table.ts'
import { KeyDictionary } from './key-dictionary.ts'
import type { SliceCursor } from './slice-cursor.ts'
import { StringHeap } from './string-heap.ts'
import { ValueCounts } from './value-counts.ts'

export class Aggregation {
  readonly plan: AccumulatorPlan
  readonly keyFields: readonly Field[]
  readonly keys: KeyDictionary
  readonly table: GroupTable
  heap = new StringHeap()
  /** Null when no input needs its values counted. */
  readonly counts: ValueCounts | null
  readonly signed: boolean
  /** Scratch of the batch in hand. */
  keyIds = new Int32Array(0)
  slots = new Int32Array(0)
  readonly #codeSlots = new WeakMap<StringPool, CodeSlots>()
  readonly #mergeLoop: MergeLoop
  readonly #mergeSlots: MergeSlots
  #plainLoop: UpdateLoop | null = null
  #nullableLoop: UpdateLoop | null = null

  constructor(plan: AccumulatorPlan, keyFields: readonly Field[], signed = false) {
    this.plan = plan
    this.keyFields = keyFields
    this.signed = signed
    this.keys = new KeyDictionary(keyFields.map((field) => physicalTypeOf(field.type)))
    this.table = new GroupTable(emptyWords(plan))
    this.counts = plan.inputs.some((_, input) => this.countsValues(input))
      ? new ValueCounts(plan.inputs.length)
      : null
    this.#mergeLoop = generateMergeLoop(plan)
    this.#mergeSlots = generateMergeSlots(plan)
  }

  /** Whether input `input` keeps its values in `counts`. */
  countsValues(input: number): boolean {
    const extremes = this.plan.words.some(
      (word) => word.input === input && (word.kind === 'min' || word.kind === 'max'),
    )
    return this.plan.inputs[input]!.distinct || (this.signed && extremes)
  }

  /** Slots of raw rows in `slots`, by key and time; gives the number of late rows. */
  resolveRows(
    keyColumns: readonly Column[],
    rowCount: number,
    times: Float64Array,
    cursor: SliceCursor,
    watermarkMs: number,
  ): number {
    const { table, keys } = this
    const first = keyColumns[0]
    if (keyColumns.length === 1 && first?.kind === 'str' && CodeSlots.takes(first)) {
      this.#reserve(rowCount)
      const { slots } = this
      const codeSlots = this.#codeSlotsOf(first.pool)
      return codeSlots.resolve(rowCount, first, times, cursor, watermarkMs, keys, table, slots)
    }
    this.resolveKeys(keyColumns, rowCount)
    return table.resolve(rowCount, this.keyIds, times, 0, cursor, watermarkMs, this.slots)
  }

  /** One cache a pool: each split of a source may have its own dictionary. */
  #codeSlotsOf(pool: StringPool): CodeSlots {
    let codeSlots = this.#codeSlots.get(pool)
    if (codeSlots === undefined) {
      codeSlots = new CodeSlots()
      this.#codeSlots.set(pool, codeSlots)
    }
    return codeSlots
  }

  #reserve(rowCount: number): void {
    if (this.slots.length >= rowCount) return
    this.keyIds = new Int32Array(rowCount)
    this.slots = new Int32Array(rowCount)
  }

  /** Key ids of the batch in `keyIds`; makes `slots` long enough. */
  resolveKeys(keyColumns: readonly Column[], rowCount: number): void {
    this.#reserve(rowCount)
    this.keys.resolve(keyColumns, rowCount, this.keyIds)
  }

  /** Adds rows to the groups in `slots`; `columns` as `UpdateLoop` takes them. */
  update(rowCount: number, columns: readonly (Column | null)[], signs: Int8Array | null): void {
    let nullable = false
    for (const column of columns) if (column !== null && column.nulls !== null) nullable = true
    const { table } = this
    this.#loop(nullable)(
      rowCount,
      this.slots,
      table.words,
      table.longs,
      this.heap,
      this.counts,
      columns,
      signs,
    )
  }

  #loop(nullable: boolean): UpdateLoop {
    const { signed } = this
    if (nullable) {
      this.#nullableLoop ??= generateUpdateLoop(this.plan, { nullable, signed })
      return this.#nullableLoop
    }
    this.#plainLoop ??= generateUpdateLoop(this.plan, { nullable, signed })
    return this.#plainLoop
  }

  /** Adds pre-aggregated rows (one column a word) to the groups in `slots`. */
  merge(rowCount: number, wordColumns: readonly Column[]): void {
    const { table } = this
    this.#mergeLoop(rowCount, this.slots, table.words, table.longs, this.heap, wordColumns)
  }

  /** Adds the words of slot `from` to slot `to` of another table of the same plan (and heap). */
  mergeSlot(from: number, target: GroupTable, to: number): void {
    const { table } = this
    this.#mergeSlots(table.words, table.longs, from, target.words, target.longs, to, this.heap)
  }

  /** Key columns of `slots[from … to)` of `table`. */
  keyColumns(table: GroupTable, slots: Int32Array, from: number, to: number): Column[] {
    const ids = new Int32Array(to - from)
    for (let i = from; i < to; i++) ids[i - from] = table.keyOf[slots[i]!]!
    const batch = new ColumnBatch(this.keys.size, this.keys.columns)
    return batch.columns.map((column) => gatherKey(column, ids))
  }

  resultColumns(table: GroupTable, slots: Int32Array, from: number, to: number): Column[] {
    return this.plan.results.map((result) =>
      resultColumn(result, table, this.heap, slots, from, to),
    )
  }

  /** One column a word of `slots[from … to)`, as `merge` takes them. */
  wordColumns(slots: Int32Array, from: number, to: number): Column[] {
    const { words, longs, stride } = this.table
    return this.plan.words.map((word, w): Column => {
      const count = to - from
      if (word.storage === 'i64') {
        const values = new BigInt64Array(count)
        for (let i = 0; i < count; i++) values[i] = longs[slots[from + i]! * stride + w]!
        return new Int64Column(values, null)
      }
      if (word.storage === 'f64') {
        const values = new Float64Array(count)
        for (let i = 0; i < count; i++) values[i] = words[slots[from + i]! * stride + w]!
        return new Float64Column(values, null)
      }
      const codes = new Int32Array(count)
      const nulls = new Uint8Array(count)
      for (let i = 0; i < count; i++) {
        const entry = words[slots[from + i]! * stride + w]!
        if (entry < 0) nulls[i] = 1
        else codes[i] = entry
      }
      return new StringColumn(this.heap.pool, codes, nulls)
    })
  }

  groupEnds(slots: Int32Array, from: number, to: number): Float64Column {
    const values = new Float64Array(to - from)
    for (let i = from; i < to; i++) values[i - from] = this.table.groupOf[slots[i]!]!
    return new Float64Column(values, null)
  }

  /** Schema of the state: keys, further columns of a group, words. */
  stateSchema(further: readonly Field[]): Schema {
    return groupSchema(this.keyFields, further, this.plan)
  }

  /** Every group as a keyed table; `further` gives the columns between keys and words. */
  snapshotTable(
    name: string,
    further: readonly Field[],
    furtherColumns: (slots: Int32Array) => Column[],
    maxParallelism: number,
  ): KeyedTableSnapshot {
    const slots = this.table.liveSlots()
    const columns = [
      ...this.keyColumns(this.table, slots, 0, slots.length),
      ...furtherColumns(slots),
      ...this.wordColumns(slots, 0, slots.length),
    ]
    const keyGroups = new Uint16Array(slots.length)
    for (let i = 0; i < slots.length; i++) {
      keyGroups[i] = this.keyGroupOfSlot(slots[i]!, maxParallelism)
    }
    return {
      name,
      schema: this.stateSchema(further),
      rows: new ColumnBatch(slots.length, columns),
      keyGroups,
    }
  }

  keyGroupOfSlot(slot: number, maxParallelism: number): number {
    return keyGroupOf(this.keys.hashes[this.table.keyOf[slot]!]!, maxParallelism)
  }

  /**
   * Gives memory of dead groups and unused keys back when they are the greater part; old slot of each new
   * one, or null.
   */
  compactWhenWorthwhile(): Int32Array | null {
    const { table, keys } = this
    const wasted = Math.max(table.freed, keys.size - table.liveCount)
    if (wasted < 1024 || wasted < table.liveCount) return null
    const live = new Uint8Array(keys.size)
    const slots = table.liveSlots()
    for (const slot of slots) live[table.keyOf[slot]!] = 1
    const oldSlots = table.compact(keys.compact(live))
    this.counts?.renumber(oldSlots)
    this.#compactHeap()
    return oldSlots
  }

  #compactHeap(): void {
    const old = this.heap
    if (old.pool.size === 0) return
    this.heap = new StringHeap()
    const { table } = this
    this.plan.words.forEach((word, w) => {
      if (word.storage !== 'str') return
      for (let slot = 1; slot < table.size; slot++) {
        const entry = table.words[slot * table.stride + w]!
        if (entry >= 0) table.words[slot * table.stride + w] = this.heap.add(old.pool, entry)
      }
    })
  }
}

/** Rows `ids` of a key column; a text column as codes into the dictionary's own pool. */
function gatherKey(column: Column, ids: Int32Array): Column {
  const source = column.nulls as Uint8Array
  let nulls: Uint8Array | null = null
  for (let i = 0; i < ids.length; i++) {
    if (source[ids[i]!] === 0) continue
    nulls ??= new Uint8Array(ids.length)
    nulls[i] = 1
  }
  if (column.kind === 'str') return new StringColumn(column.pool, ids, nulls)
  const Values = column.values.constructor as new (length: number) => Float64Array
  const Kind = column.constructor as new (values: Float64Array, nulls: Uint8Array | null) => Column
  const values = new Values(ids.length)
  const from = column.values as Float64Array
  for (let i = 0; i < ids.length; i++) values[i] = from[ids[i]!]!
  return new Kind(values, nulls)
}
