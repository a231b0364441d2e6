/**
 * What the table says about one function: its argument rule, how it meets NULL, and its
 * scalar evaluation.
 *
 * `bind` is called once per call node and gives the evaluation that the interpreter uses for every
 * row, and the generator wherever it has no inline form. Values are `Value`s as in `@millrace/core`
 * (BIGINT and DECIMAL bigint, times numbers).
 */
import type { LogicalType, Value } from '@millrace/core'
import type { EvaluationContext } from '../evaluation-context.ts'

/** Evaluation of one call; NULL arguments come as null to `nulls: 'handled'` functions only. */
// biome-ignore lint/suspicious/noExplicitAny: `infer` has typed the arguments; each binding narrows
export type Scalar = (context: EvaluationContext, ...args: any[]) => Value

/** The result type, or a text that says what the function takes, e.g. `two numbers`. */
export type Inferred = LogicalType | string

export interface FunctionSpec {
  /** Lower case; what `CallExpression.function` holds. */
  readonly name: string
  /**
   * How SQL writes a call, for EXPLAIN and messages: `+` for infix operators, else the
   * upper-case name.
   */
  readonly infix?: string
  /** Nullability of the result is set afterwards from `nulls`. */
  infer(args: readonly LogicalType[]): Inferred
  /**
   * `strict`: NULL if any argument is (and never otherwise); `strict-nullable`: also NULL for some
   * values; `never`: sees NULLs and is never NULL; `handled`: sees NULLs, may be NULL if an
   * argument is nullable.
   */
  readonly nulls: 'strict' | 'strict-nullable' | 'never' | 'handled'
  /** False: depends on the clock; never folded. */
  readonly deterministic?: boolean
  /** True: its value depends on the local time zone; never folded. */
  readonly zoned?: boolean
  bind(args: readonly LogicalType[], result: LogicalType): Scalar
}

const plain = <K extends LogicalType['kind']>(kind: K) => ({ kind, nullable: false }) as const
export const BOOLEAN = plain('BOOLEAN')
export const TINYINT = plain('TINYINT')
export const SMALLINT = plain('SMALLINT')
export const INT = plain('INT')
export const BIGINT = plain('BIGINT')
export const FLOAT = plain('FLOAT')
export const DOUBLE = plain('DOUBLE')
export const STRING = plain('STRING')
export const DATE = plain('DATE')
export const INTERVAL_DAY_TIME = plain('INTERVAL_DAY_TIME')
export const INTERVAL_YEAR_MONTH = plain('INTERVAL_YEAR_MONTH')
export const timestamp = (precision: number) =>
  ({ kind: 'TIMESTAMP', precision, nullable: false }) as const
export const timestampLtz = (precision: number) =>
  ({ kind: 'TIMESTAMP_LTZ', precision, nullable: false }) as const
export const decimal = (precision: number, scale: number) =>
  ({ kind: 'DECIMAL', precision, scale, nullable: false }) as const

/** TINYINT, SMALLINT, INT: whole numbers that are JavaScript numbers. */
export const isSmallWhole = (type: LogicalType | undefined): boolean =>
  type?.kind === 'TINYINT' || type?.kind === 'SMALLINT' || type?.kind === 'INT'
export const isWhole = (type: LogicalType | undefined): boolean =>
  isSmallWhole(type) || type?.kind === 'BIGINT'
/** FLOAT and DOUBLE. */
export const isApproximate = (type: LogicalType | undefined): boolean =>
  type?.kind === 'FLOAT' || type?.kind === 'DOUBLE'
export const isNumeric = (type: LogicalType | undefined): boolean =>
  isWhole(type) || isApproximate(type) || type?.kind === 'DECIMAL'
export const isString = (type: LogicalType | undefined): boolean => type?.kind === 'STRING'
export const isTimestamp = (type: LogicalType | undefined): boolean =>
  type?.kind === 'TIMESTAMP' || type?.kind === 'TIMESTAMP_LTZ'
export const isTime = (type: LogicalType | undefined): boolean =>
  isTimestamp(type) || type?.kind === 'DATE'
export const isInterval = (type: LogicalType | undefined): boolean =>
  type?.kind === 'INTERVAL_DAY_TIME' || type?.kind === 'INTERVAL_YEAR_MONTH'

/** Drops `attribute` and NOT NULL: a computed value is no time attribute any more. */
export function bareType(type: LogicalType): LogicalType {
  if (type.kind !== 'TIMESTAMP' && type.kind !== 'TIMESTAMP_LTZ')
    return { ...type, nullable: false }
  return { kind: type.kind, precision: type.precision, nullable: false }
}
