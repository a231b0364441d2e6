/**
 * GroupChanges: what a batch did to the groups that it touched, as rows of a changelog.
 *
 * `before` keeps the words of the touched records, `emit` compares them with what they are now and
 * sends each group's difference once: +I, -D, and for an update +U, after -U where the consumer
 * needs it. Invariant: what was emitted for a group last is what its words say.
 */
import {
  BATCH_ROWS_TARGET,
  type Column,
  ColumnBatch,
  type Output,
  RowKind,
  type StateTable,
  type StringPool,
  valueAt,
} from '@millrace/core'
import type { AccumulatorLoops } from '../accumulate/accumulator-loops.ts'
import type { AccumulatorPlan, AggregateResult } from '../accumulate/accumulator-plan.ts'
import { type Accumulators, accumulatorsOf } from '../accumulate/accumulators.ts'
import { resultColumn } from '../accumulate/aggregate-results.ts'

const SAME = 255

export class GroupChanges {
  readonly #loops: AccumulatorLoops
  readonly #plan: AccumulatorPlan
  readonly #updateBefore: boolean
  /**
   * Updates are sent even when the results are as before: the state has a time to live, and the
   * consumer's copy too.
   */
  readonly #refresh: boolean
  /**
   * Every group that is touched has changed, and only what it is now matters: rows are added to it
   * and counted in the result.
   */
  readonly #allChange: boolean
  readonly #output: Output
  /** Words of group i at `i * stride`. */
  #before: Accumulators
  #places = new Int32Array(0)
  #kinds = new Uint8Array(0)

  constructor(
    loops: AccumulatorLoops,
    output: Output,
    options: {
      readonly updateBefore: boolean
      readonly refresh: boolean
      /** The input takes no row back. */
      readonly insertsOnly: boolean
    },
  ) {
    this.#loops = loops
    this.#plan = loops.plan
    this.#output = output
    this.#updateBefore = options.updateBefore
    this.#refresh = options.refresh
    const countsRows = this.#plan.results.some(
      ({ call, valueWord }) => call.function === 'COUNT' && valueWord === 0,
    )
    this.#allChange =
      options.insertsOnly && !options.updateBefore && (options.refresh || countsRows)
    this.#before = scratch(this.#plan.words.length, 0)
  }

  /** Before the groups `touched[0 … count)` are updated. */
  keep(table: StateTable, touched: Int32Array, count: number): void {
    const width = this.#plan.words.length
    if (this.#kinds.length < count) {
      this.#before = scratch(this.#allChange ? 0 : width, count)
      this.#kinds = new Uint8Array(count)
    }
    if (this.#allChange) {
      this.#noteNewGroups(table, touched, count)
      return
    }
    const { ints, stride, first } = accumulatorsOf(table)
    const kept = this.#before.ints
    for (let i = 0; i < count; i++) {
      const from = (touched[i]! * stride + first) * 2
      const to = i * width * 2
      for (let n = 0; n < width * 2; n++) kept[to + n] = ints[from + n]!
    }
  }

  /**
   * Emits the differences. Gives how many groups have no rows any more; these stand in `touched`
   * then. `keys`: the key columns of the touched groups in their order, where they are at hand.
   */
  emit(
    table: StateTable,
    touched: Int32Array,
    count: number,
    keys: readonly Column[] | null,
  ): number {
    if (this.#allChange) {
      this.#emitAll(table, touched, count, keys)
      return 0
    }
    const records = accumulatorsOf(table)
    const gone = this.#decide(records, table.texts.pool, touched, count)
    const groups = new Int32Array(count * 2)
    const kinds = new Uint8Array(count * 2)
    let rows = 0
    let fromBefore = false
    for (let i = 0; i < count; i++) {
      const kind = this.#kinds[i]!
      if (kind === SAME) continue
      if (kind === RowKind.DELETE) fromBefore = true
      if (kind === RowKind.UPDATE_AFTER && this.#updateBefore) {
        fromBefore = true
        groups[rows] = i
        kinds[rows++] = RowKind.UPDATE_BEFORE
      }
      groups[rows] = i
      kinds[rows++] = kind
    }
    for (let from = 0; from < rows; from += BATCH_ROWS_TARGET) {
      const to = Math.min(rows, from + BATCH_ROWS_TARGET)
      const picked = fromBefore ? this.#pick(records, touched, groups, kinds, from, to) : records
      const slots = new Int32Array(to - from)
      for (let row = from; row < to; row++) slots[row - from] = touched[groups[row]!]!
      const columns = this.#columns(table, picked, fromBefore, slots)
      this.#output.emitBatch(new ColumnBatch(to - from, columns, kinds.slice(from, to)))
    }
    if (gone === 0) return 0
    let dead = 0
    for (let i = 0; i < count; i++) {
      if (!(records.words[touched[i]! * records.stride + records.first]! > 0)) {
        touched[dead++] = touched[i]!
      }
    }
    return dead
  }

  #noteNewGroups(table: StateTable, touched: Int32Array, count: number): void {
    const { words, stride, first } = accumulatorsOf(table)
    const kinds = this.#kinds
    for (let i = 0; i < count; i++) {
      kinds[i] = words[touched[i]! * stride + first]! > 0 ? RowKind.UPDATE_AFTER : RowKind.INSERT
    }
  }

  /** Each touched group as it is now. */
  #emitAll(
    table: StateTable,
    touched: Int32Array,
    count: number,
    keys: readonly Column[] | null,
  ): void {
    const records = accumulatorsOf(table)
    const { pool } = table.texts
    for (let from = 0; from < count; from += BATCH_ROWS_TARGET) {
      const to = Math.min(count, from + BATCH_ROWS_TARGET)
      const whole = from === 0 && to === count
      const columns = [
        ...(whole && keys !== null ? keys : table.keyColumns(touched, from, to)),
        ...this.#loops.resultColumns(records, pool, touched, from, to),
      ]
      this.#output.emitBatch(new ColumnBatch(to - from, columns, this.#kinds.subarray(from, to)))
    }
  }

  #columns(table: StateTable, words: Accumulators, dense: boolean, slots: Int32Array): Column[] {
    const count = slots.length
    const places = dense ? this.#sequence(count) : slots
    return [
      ...table.keyColumns(slots, 0, count),
      ...this.#loops.resultColumns(words, table.texts.pool, places, 0, count),
    ]
  }

  /**
   * The words of each output row, one after the other: those before for -U and -D, else those now.
   */
  #pick(
    records: Accumulators,
    touched: Int32Array,
    groups: Int32Array,
    kinds: Uint8Array,
    from: number,
    to: number,
  ): Accumulators {
    const width = this.#plan.words.length
    const picked = scratch(width, to - from)
    for (let row = from; row < to; row++) {
      const group = groups[row]!
      const isBefore = kinds[row] === RowKind.UPDATE_BEFORE || kinds[row] === RowKind.DELETE
      const source = isBefore ? this.#before.ints : records.ints
      const at = isBefore ? group * width : touched[group]! * records.stride + records.first
      const target = (row - from) * width * 2
      for (let n = 0; n < width * 2; n++) picked.ints[target + n] = source[at * 2 + n]!
    }
    return picked
  }

  /** Fills `#kinds`; gives how many groups have no rows any more. */
  #decide(records: Accumulators, pool: StringPool, touched: Int32Array, count: number): number {
    const { words, stride, first } = records
    const { words: oldWords, stride: width } = this.#before
    const kinds = this.#kinds
    const kept = this.#refresh ? RowKind.UPDATE_AFTER : SAME
    let gone = 0
    for (let i = 0; i < count; i++) {
      const was = oldWords[i * width]! > 0
      if (words[touched[i]! * stride + first]! > 0) kinds[i] = was ? kept : RowKind.INSERT
      else {
        gone++
        kinds[i] = was ? RowKind.DELETE : SAME
      }
    }
    if (this.#refresh) return gone
    for (const result of this.#plan.results) {
      if (result.call.function === 'AVG') {
        this.#compareResults(result, records, pool, touched, count)
      } else this.#compareWords(result, records, touched, count)
    }
    return gone
  }

  /** Marks updated groups whose result is another one: its word is, or whether it is NULL. */
  #compareWords(
    result: AggregateResult,
    records: Accumulators,
    touched: Int32Array,
    count: number,
  ): void {
    const { words, ints, stride, first } = records
    const { words: oldWords, ints: oldInts, stride: width } = this.#before
    const { valueWord, countWord } = result
    const kinds = this.#kinds
    for (let i = 0; i < count; i++) {
      const at = touched[i]! * stride + first
      const old = i * width
      if (kinds[i] !== SAME || !(words[at]! > 0)) continue
      const isNull = !(words[at + countWord]! > 0)
      const wasNull = !(oldWords[old + countWord]! > 0)
      if (isNull && wasNull && valueWord !== countWord) continue
      if (
        isNull !== wasNull ||
        ints[(at + valueWord) * 2] !== oldInts[(old + valueWord) * 2] ||
        ints[(at + valueWord) * 2 + 1] !== oldInts[(old + valueWord) * 2 + 1]
      ) {
        kinds[i] = RowKind.UPDATE_AFTER
      }
    }
  }

  /** As `compareWords`, for a result that may be the same of other words. */
  #compareResults(
    result: AggregateResult,
    records: Accumulators,
    pool: StringPool,
    touched: Int32Array,
    count: number,
  ): void {
    const is = resultColumn(result, records, pool, touched, 0, count)
    const was = resultColumn(result, this.#before, pool, this.#sequence(count), 0, count)
    const kinds = this.#kinds
    for (let i = 0; i < count; i++) {
      if (kinds[i] !== SAME) continue
      if (!(records.words[touched[i]! * records.stride + records.first]! > 0)) continue
      if (!Object.is(valueAt(is, i), valueAt(was, i))) kinds[i] = RowKind.UPDATE_AFTER
    }
  }

  /** 0, 1, 2, … */
  #sequence(count: number): Int32Array {
    if (this.#places.length < count) {
      this.#places = Int32Array.from({ length: count }, (_, i) => i)
    }
    return this.#places
  }
}

function scratch(width: number, count: number): Accumulators {
  const words = new Float64Array(width * count)
  return {
    stride: width,
    first: 0,
    words,
    longs: new BigInt64Array(words.buffer),
    ints: new Int32Array(words.buffer),
  }
}
