/**
 * AggregateInput: a batch of raw rows → key columns, rowtime, arguments and filters.
 *
 * The first step of an aggregate that reads rows. Invariant: a rowtime is never NULL behind it.
 */
import type { Column, ColumnBatch, Float64Column } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import { sqlOperatorError } from '../../error-codes.ts'
import { type ColumnEvaluator, compileColumns } from '../../evaluate/compile-columns.ts'
import type { EvaluationSettings } from '../../evaluate/evaluation-settings.ts'
import type { AccumulatorPlan } from './accumulator-plan.ts'

export class AggregateInput {
  readonly keys: Column[] = []
  rowtime: Float64Column | null = null
  /** `[argument 0, filter 0, argument 1, …]` by input of the plan. */
  readonly arguments: (Column | null)[] = []
  readonly #evaluate: ColumnEvaluator
  readonly #keyCount: number
  readonly #rowtime: Expression | null
  readonly #rowtimeName: string
  /** Position in the evaluated list by argument; -1: none. */
  readonly #positions: number[] = []

  constructor(
    keys: readonly Expression[],
    rowtime: Expression | null,
    plan: AccumulatorPlan,
    settings: EvaluationSettings,
  ) {
    const list: Expression[] = [...keys]
    this.#keyCount = keys.length
    this.#rowtime = rowtime
    this.#rowtimeName =
      rowtime?.kind === 'column'
        ? (settings.inputSchema.fields[rowtime.index]?.name ?? 'rowtime')
        : 'rowtime'
    if (rowtime !== null) list.push(rowtime)
    const place = (expression: Expression | null): void => {
      this.#positions.push(expression === null ? -1 : list.length)
      if (expression !== null) list.push(expression)
    }
    for (const input of plan.inputs) {
      place(input.argument)
      place(input.filter)
    }
    this.#evaluate = compileColumns(list, settings)
  }

  /** Throws ROWTIME_NULL. The columns are those of this batch until the next `read`. */
  read(batch: ColumnBatch): void {
    const columns = this.#evaluate(batch)
    for (let k = 0; k < this.#keyCount; k++) this.keys[k] = columns[k] as Column
    if (this.#rowtime !== null) {
      const rowtime = columns[this.#keyCount] as Float64Column
      if (rowtime.nulls !== null) this.#refuseNulls(rowtime.nulls, batch.rowCount)
      this.rowtime = rowtime
    }
    for (let i = 0; i < this.#positions.length; i++) {
      const position = this.#positions[i] as number
      this.arguments[i] = position < 0 ? null : (columns[position] as Column)
    }
  }

  #refuseNulls(nulls: Uint8Array, rowCount: number): void {
    const row = nulls.subarray(0, rowCount).indexOf(1)
    if (row < 0) return
    throw sqlOperatorError(
      'ROWTIME_NULL',
      `Give every row an event time; column '${this.#rowtimeName}' is NULL and must not be: it is the rowtime of a window.`,
      {
        hint: `Filter such rows before the window: WHERE ${this.#rowtimeName} IS NOT NULL.`,
      },
    )
  }
}
