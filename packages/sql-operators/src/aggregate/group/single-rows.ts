/**
 * SingleRows: rows as groups of one row each, for a local phase that steps aside.
 *
 * The words of such a group are its row's values: where no row is left out, a word's column is the
 * argument's own, and nothing is copied. Invariant: a column is what `AccumulatorLoops.wordColumns`
 * would give for a group with that row alone.
 */
import { type Column, Float64Column, Int64Column, StringColumn } from '@millrace/core'
import type { AccumulatorPlan, AccumulatorWord } from '../accumulate/accumulator-plan.ts'
import { emptyWords } from '../accumulate/generate-loops.ts'

export class SingleRows {
  readonly #words: readonly AccumulatorWord[]
  /** What each word is for a row that its call leaves out. */
  readonly #emptyDoubles: Float64Array
  readonly #emptyLongs: BigInt64Array
  #ones = new Float64Array(0)

  constructor(plan: AccumulatorPlan) {
    this.#words = plan.words
    this.#emptyDoubles = emptyWords(plan)
    this.#emptyLongs = new BigInt64Array(this.#emptyDoubles.buffer)
  }

  /** One column a word, valid as long as `columns` are; these as `UpdateLoop` takes them. */
  wordColumns(rowCount: number, columns: readonly (Column | null)[]): Column[] {
    if (this.#ones.length < rowCount) this.#ones = new Float64Array(rowCount).fill(1)
    const leftOut: (Uint8Array | null)[] = []
    for (let k = 0; 2 * k < columns.length; k++) {
      leftOut.push(rowsLeftOut(rowCount, columns[2 * k] ?? null, columns[2 * k + 1] ?? null))
    }
    return this.#words.map(({ kind, input, storage }, w): Column => {
      const out = leftOut[input] ?? null
      if (kind === 'count') return this.#counts(rowCount, out)
      const argument = columns[2 * input] as Column
      if (argument.kind === 'str') return new StringColumn(argument.pool, argument.codes, out)
      if (argument.kind === 'i64' && storage === 'i64') {
        const { values } = argument
        if (out === null) return new Int64Column(values, null)
        return new Int64Column(longsOr(this.#emptyLongs[w]!, values, out, rowCount), null)
      }
      const { values } = argument
      if (out === null && values instanceof Float64Array) return new Float64Column(values, null)
      const empty = this.#emptyDoubles[w]!
      return new Float64Column(doublesOr(empty, values as Float64Array, out, rowCount), null)
    })
  }

  /** 1 where the row counts, else 0. */
  #counts(rowCount: number, out: Uint8Array | null): Column {
    if (out === null) return new Float64Column(this.#ones, null)
    const counts = new Float64Array(rowCount)
    for (let i = 0; i < rowCount; i++) counts[i] = 1 - out[i]!
    return new Float64Column(counts, null)
  }
}

/** 1 where a call over this argument and filter leaves the row out; null: nowhere. */
function rowsLeftOut(
  rowCount: number,
  argument: Column | null,
  filter: Column | null,
): Uint8Array | null {
  const nulls = argument?.nulls ?? null
  if (filter === null) return nulls
  const out = new Uint8Array(rowCount)
  const passes = (filter as { values: Uint8Array }).values
  for (let i = 0; i < rowCount; i++) {
    const isTrue = passes[i] === 1 && (filter.nulls === null || filter.nulls[i] === 0)
    out[i] = isTrue && (nulls === null || nulls[i] === 0) ? 0 : 1
  }
  return out
}

function longsOr(
  empty: bigint,
  values: BigInt64Array,
  out: Uint8Array,
  rowCount: number,
): BigInt64Array {
  const longs = values.slice(0, rowCount)
  for (let i = 0; i < rowCount; i++) if (out[i] === 1) longs[i] = empty
  return longs
}

/** Of numbers and booleans. */
function doublesOr(
  empty: number,
  values: Float64Array | Int32Array | Uint8Array,
  out: Uint8Array | null,
  rowCount: number,
): Float64Array {
  const doubles = new Float64Array(rowCount)
  for (let i = 0; i < rowCount; i++) {
    doubles[i] = out !== null && out[i] === 1 ? empty : values[i]!
  }
  return doubles
}
