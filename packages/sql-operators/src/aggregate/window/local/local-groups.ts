/**
 * LocalGroups: (key, slice) → words, for a phase that keeps nothing beyond a barrier.
 *
 * Keys outlive a flush, so that the next batch finds most of them; the words do not. It knows
 * neither watermarks nor output.
 */
import {
  type Column,
  type Field,
  Float64Column,
  physicalTypeOf,
  referColumn,
  type StringPool,
} from '@millrace/core'
import { TextHeap } from '@millrace/state'
import { AccumulatorLoops } from '../../accumulate/accumulator-loops.ts'
import type { AccumulatorPlan } from '../../accumulate/accumulator-plan.ts'
import { emptyWords } from '../../accumulate/generate-loops.ts'
import { LOCAL_TEXT_BYTES_MAX } from '../../accumulate/local-memory.ts'
import { CodeSlots } from './code-slots.ts'
import { GroupTable } from './group-table.ts'
import { KeyDictionary } from './key-dictionary.ts'
import type { SliceCursor } from './slice-cursor.ts'

export class LocalGroups {
  readonly keys: KeyDictionary
  readonly table: GroupTable
  readonly #loops: AccumulatorLoops
  readonly #codeSlots = new WeakMap<StringPool, CodeSlots>()
  #texts = new TextHeap()
  /** Scratch of the batch in hand. */
  #keyIds = new Int32Array(0)
  #slots = new Int32Array(0)

  constructor(plan: AccumulatorPlan, keyFields: readonly Field[]) {
    this.keys = new KeyDictionary(keyFields.map((field) => physicalTypeOf(field.type)))
    this.table = new GroupTable(emptyWords(plan))
    this.#loops = new AccumulatorLoops(plan, this.table)
  }

  /** Adds rows to the groups of their keys and times; `columns` as `UpdateLoop` takes them. */
  add(
    keyColumns: readonly Column[],
    rowCount: number,
    times: Float64Array,
    cursor: SliceCursor,
    watermarkMs: number,
    columns: readonly (Column | null)[],
  ): void {
    this.#resolve(keyColumns, rowCount, times, cursor, watermarkMs)
    this.#loops.update(this.table, this.#texts, this.#slots, rowCount, columns)
  }

  /** Key columns, slice end, words of `slots[from … to)`. */
  columns(slots: Int32Array, from: number, to: number): Column[] {
    const { table } = this
    const ids = new Int32Array(to - from)
    const ends = new Float64Array(to - from)
    for (let i = from; i < to; i++) {
      ids[i - from] = table.keyOf[slots[i]!]!
      ends[i - from] = table.groupOf[slots[i]!]!
    }
    return [
      ...this.keys.columns.map((column) => referColumn(column, ids)),
      new Float64Column(ends, null),
      ...this.#loops.wordColumns(table, this.#texts.pool, slots, from, to),
    ]
  }

  /** Whether the texts take more memory than a local phase is to have. */
  get textsAreLarge(): boolean {
    return this.#texts.bytes + this.keys.textBytes > LOCAL_TEXT_BYTES_MAX
  }

  /** Forgets all groups; keys too once there are more than `keysMax`, or their texts are large. */
  clear(keysMax: number): void {
    this.table.clear()
    this.#texts = new TextHeap()
    if (this.keys.size > keysMax || this.textsAreLarge) this.keys.clear()
  }

  #resolve(
    keyColumns: readonly Column[],
    rowCount: number,
    times: Float64Array,
    cursor: SliceCursor,
    watermarkMs: number,
  ): void {
    const { table, keys } = this
    if (this.#slots.length < rowCount) {
      this.#keyIds = new Int32Array(rowCount)
      this.#slots = new Int32Array(rowCount)
    }
    const slots = this.#slots
    const first = keyColumns[0]
    if (keyColumns.length === 1 && first?.kind === 'str' && CodeSlots.takes(first)) {
      const codeSlots = this.#codeSlotsOf(first.pool)
      codeSlots.resolve(rowCount, first, times, cursor, watermarkMs, keys, table, slots)
      return
    }
    keys.resolve(keyColumns, rowCount, this.#keyIds)
    table.resolve(rowCount, this.#keyIds, times, 0, cursor, watermarkMs, slots)
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
}
