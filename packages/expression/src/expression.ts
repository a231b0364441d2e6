/**
 * The expression tree: typed, resolved, plain data.
 *
 * Made by `sql`'s validator, carried inside operator configurations, evaluated twice over: by the
 * interpreter (the oracle) and by the generator (fused loops). Every node carries its result type.
 * There is no text in it that could become code: literals are data, columns are indexes, functions
 * are names out of the table in `functions/`.
 */
import type { LogicalType } from '@millrace/core'

/**
 * JSON form of a value: BIGINT and DECIMAL as decimal text (unscaled for DECIMAL), times as
 * numbers, NULL as null.
 */
export type LiteralValue = boolean | number | string | null

export interface LiteralExpression {
  readonly kind: 'literal'
  readonly value: LiteralValue
  readonly type: LogicalType
}
/** Column `index` of the input batch. */
export interface ColumnExpression {
  readonly kind: 'column'
  readonly index: number
  readonly type: LogicalType
}
/** A function or operator of `FUNCTIONS`: `plus`, `equals`, `and`, `upper`, `floor_to` … */
export interface CallExpression {
  readonly kind: 'call'
  readonly function: string
  readonly args: readonly Expression[]
  readonly type: LogicalType
}
/** CAST or TRY_CAST to `type`. */
export interface CastExpression {
  readonly kind: 'cast'
  readonly operand: Expression
  /** TRY_CAST: NULL instead of an error. */
  readonly safe: boolean
  readonly type: LogicalType
}
/** Searched CASE; a simple CASE, COALESCE, NULLIF and IF are planned into it. */
export interface CaseExpression {
  readonly kind: 'case'
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[]
  readonly otherwise: Expression
  readonly type: LogicalType
}

export type Expression =
  | LiteralExpression
  | ColumnExpression
  | CallExpression
  | CastExpression
  | CaseExpression
