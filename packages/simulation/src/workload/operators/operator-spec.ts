/**
 * OperatorSpec: one SQL function or operator as the generator draws it: its arguments, its
 * spelling, and what the oracle says it gives.
 *
 * Written from SQL's definition, not from the engine's functions: where both agree, two have
 * thought so independently.
 */
import type { SqlKind, SqlType, SqlValue } from '../model/sql-type.ts'

/** What the generator puts in an argument's place. */
export type ArgumentSpec =
  /** Any expression of that kind. */
  | SqlKind
  /** A column or literal of that kind: keeps numbers small. */
  | { readonly leaf: SqlKind }
  /** A column alone. */
  | { readonly column: SqlKind }
  /** One of these constants. */
  | { readonly type: SqlType; readonly of: readonly SqlValue[] }

export interface OperatorSpec {
  readonly name: string
  readonly args: readonly ArgumentSpec[]
  readonly result: (types: readonly SqlType[]) => SqlType
  readonly sql: (args: readonly string[]) => string
  /** Default: any NULL argument makes NULL. */
  readonly nulls?: 'handled'
  readonly apply: (values: never, types: readonly SqlType[], result: SqlType) => SqlValue
}

/** `(a op b)`. */
export const infix =
  (operator: string) =>
  ([a, b]: readonly string[]): string =>
    `(${a} ${operator} ${b})`

/** `NAME(a, b)`. */
export const prefix =
  (name: string) =>
  (args: readonly string[]): string =>
    `${name}(${args.join(', ')})`

export const always = (type: SqlType) => (): SqlType => type
