/**
 * AccumulatorLoops: the loops of one accumulator plan over records of one shape, each generated
 * when it is first needed.
 *
 * What the local, the global and the unbounded aggregate share: rows or pre-aggregated rows into
 * records, records to columns. It knows neither keys nor output.
 */
import {
  type Column,
  Float64Column,
  Int64Column,
  StringColumn,
  type StringPool,
  type TableTexts,
} from '@millrace/core'
import type { AccumulatorPlan } from './accumulator-plan.ts'
import type { Accumulators, CountedInput, Place } from './accumulators.ts'
import { resultColumn } from './aggregate-results.ts'
import {
  generateMergeLoop,
  generateUpdateLoop,
  type MergeLoop,
  type UpdateLoop,
} from './generate-loops.ts'

const NOTHING_COUNTED: readonly null[] = []

export class AccumulatorLoops {
  readonly plan: AccumulatorPlan
  readonly #place: Place
  readonly #signed: boolean
  #mergeLoop: MergeLoop | null = null
  #plainLoop: UpdateLoop | null = null
  #nullableLoop: UpdateLoop | null = null

  constructor(plan: AccumulatorPlan, place: Place, signed = false) {
    this.plan = plan
    this.#place = place
    this.#signed = signed
  }

  /** Adds rows to the records in `slots`; `columns` as `UpdateLoop` takes them. */
  update(
    records: Accumulators,
    texts: TableTexts,
    slots: Int32Array,
    rowCount: number,
    columns: readonly (Column | null)[],
    signs: Int8Array | null = null,
    counts: readonly (CountedInput | null)[] = NOTHING_COUNTED,
  ): void {
    let nullable = false
    for (const column of columns) if (column !== null && column.nulls !== null) nullable = true
    const { words, longs } = records
    this.#loop(nullable)(rowCount, slots, words, longs, texts, counts, columns, signs)
  }

  /** Adds pre-aggregated rows (one column a word) to the records in `slots`. */
  merge(
    records: Accumulators,
    texts: TableTexts,
    slots: Int32Array,
    rowCount: number,
    wordColumns: readonly Column[],
  ): void {
    this.#mergeLoop ??= generateMergeLoop(this.plan, this.#place)
    this.#mergeLoop(rowCount, slots, records.words, records.longs, texts, wordColumns)
  }

  resultColumns(
    records: Accumulators,
    pool: StringPool,
    slots: Int32Array,
    from: number,
    to: number,
  ): Column[] {
    return this.plan.results.map((result) => resultColumn(result, records, pool, slots, from, to))
  }

  /** One column a word of `slots[from … to)`, as `merge` takes them. */
  wordColumns(
    records: Accumulators,
    pool: StringPool,
    slots: Int32Array,
    from: number,
    to: number,
  ): Column[] {
    const { words, ints, stride, first } = records
    const count = to - from
    return this.plan.words.map((word, w): Column => {
      const at = first + w
      if (word.storage === 'i64') {
        const values = new BigInt64Array(count)
        const halves = new Int32Array(values.buffer)
        for (let i = 0; i < count; i++) {
          const base = (slots[from + i]! * stride + at) * 2
          halves[2 * i] = ints[base]!
          halves[2 * i + 1] = ints[base + 1]!
        }
        return new Int64Column(values, null)
      }
      if (word.storage === 'f64') {
        const values = new Float64Array(count)
        for (let i = 0; i < count; i++) values[i] = words[slots[from + i]! * stride + at]!
        return new Float64Column(values, null)
      }
      const codes = new Int32Array(count)
      const nulls = new Uint8Array(count)
      for (let i = 0; i < count; i++) {
        const entry = words[slots[from + i]! * stride + at]!
        if (entry < 0) nulls[i] = 1
        else codes[i] = entry
      }
      return new StringColumn(pool, codes, nulls)
    })
  }

  #loop(nullable: boolean): UpdateLoop {
    const options = { nullable, signed: this.#signed }
    if (nullable) {
      this.#nullableLoop ??= generateUpdateLoop(this.plan, options, this.#place)
      return this.#nullableLoop
    }
    this.#plainLoop ??= generateUpdateLoop(this.plan, options, this.#place)
    return this.#plainLoop
  }
}
