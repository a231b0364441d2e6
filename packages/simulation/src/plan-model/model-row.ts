/** A row of the model, and expressions over rows. */
import { batchOf, type Schema, type Value } from '@millrace/core'
import { CONSTANT_CONTEXT, type Expression, interpret } from '@millrace/expression'
import type { PlanRow } from './input-of-plan.ts'

export interface ModelRow {
  readonly values: PlanRow
  /** Of a row that comes from a source without an aggregate between: which row of its input it is made from. */
  readonly origin: {
    readonly source: string
    readonly partition: number
    readonly at: number
  } | null
}

/** The values of expressions for each row. */
export function evaluated(
  rows: readonly PlanRow[],
  schema: Schema,
  expressions: readonly Expression[],
): Value[][] {
  const batch = batchOf(schema, rows)
  return rows.map((_, row) =>
    expressions.map((expression) => interpret(expression, batch, row, CONSTANT_CONTEXT)),
  )
}
