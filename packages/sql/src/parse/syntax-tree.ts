/**
 * The syntax tree: what was written, with places, before any name or type is known.
 *
 * Made by the parser, read by the validator. Expressions, queries and statements are plain data;
 * every node has its span.
 */
import type { LogicalType } from '@millrace/core'
import type { Span } from './token.ts'

export interface Identifier {
  readonly name: string
  readonly span: Span
}
/** `table`, `database.table` or `catalog.database.table`. */
export interface ObjectName {
  readonly parts: readonly Identifier[]
  readonly span: Span
}

export type BinaryOperator =
  | 'OR'
  | 'AND'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '||'
  | 'IS DISTINCT FROM'
  | 'IS NOT DISTINCT FROM'

/** SECOND, MINUTE …, also BOTH, LEADING, TRAILING of TRIM: a word as an argument. */
export interface WordSyntax {
  readonly kind: 'word'
  readonly word: string
  readonly span: Span
}
export interface NumberSyntax {
  readonly kind: 'number'
  readonly text: string
  readonly span: Span
}
export interface StringSyntax {
  readonly kind: 'string'
  readonly value: string
  readonly span: Span
}
export interface IntervalSyntax {
  readonly kind: 'interval'
  readonly family: 'day-time' | 'year-month'
  /** Milliseconds or months. */
  readonly value: number
  readonly span: Span
}
export interface CallSyntax {
  readonly kind: 'call'
  readonly name: string
  readonly nameSpan: Span
  readonly args: readonly ExpressionSyntax[]
  /** `COUNT(*)`. */
  readonly star: boolean
  readonly distinct: boolean
  readonly filter: ExpressionSyntax | null
  readonly span: Span
}
export interface CaseSyntax {
  readonly kind: 'case'
  /** Of the simple form, else null. */
  readonly operand: ExpressionSyntax | null
  readonly branches: readonly {
    readonly when: ExpressionSyntax
    readonly result: ExpressionSyntax
  }[]
  readonly otherwise: ExpressionSyntax | null
  readonly span: Span
}

export type ExpressionSyntax =
  | NumberSyntax
  | StringSyntax
  | IntervalSyntax
  | CallSyntax
  | CaseSyntax
  | WordSyntax
  | { readonly kind: 'boolean'; readonly value: boolean; readonly span: Span }
  | { readonly kind: 'null'; readonly span: Span }
  | {
      readonly kind: 'temporal'
      readonly type: 'DATE' | 'TIMESTAMP'
      readonly text: string
      readonly span: Span
    }
  | { readonly kind: 'name'; readonly parts: readonly Identifier[]; readonly span: Span }
  | {
      readonly kind: 'unary'
      readonly operator: '-' | '+' | 'NOT'
      readonly operand: ExpressionSyntax
      readonly span: Span
    }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: ExpressionSyntax
      readonly right: ExpressionSyntax
      readonly span: Span
    }
  | {
      readonly kind: 'is'
      readonly operand: ExpressionSyntax
      readonly test: 'NULL' | 'TRUE' | 'FALSE' | 'UNKNOWN'
      readonly negated: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'between'
      readonly operand: ExpressionSyntax
      readonly low: ExpressionSyntax
      readonly high: ExpressionSyntax
      readonly negated: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'in'
      readonly operand: ExpressionSyntax
      readonly items: readonly ExpressionSyntax[]
      readonly negated: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'like'
      readonly operand: ExpressionSyntax
      readonly pattern: ExpressionSyntax
      readonly escape: ExpressionSyntax | null
      readonly negated: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'cast'
      readonly operand: ExpressionSyntax
      readonly type: LogicalType
      readonly safe: boolean
      readonly span: Span
    }

export type SelectItem =
  | { readonly kind: 'star'; readonly qualifier: Identifier | null; readonly span: Span }
  | {
      readonly kind: 'expression'
      readonly expression: ExpressionSyntax
      readonly alias: Identifier | null
      readonly span: Span
    }

export interface WindowTableSyntax {
  readonly kind: 'window'
  readonly function: 'TUMBLE' | 'HOP'
  readonly functionSpan: Span
  readonly input: FromSyntax
  readonly timeColumn: Identifier
  /** Tumble: size [, offset]; hop: slide, size [, offset]. */
  readonly intervals: readonly ExpressionSyntax[]
  readonly alias: Identifier | null
  readonly span: Span
}
export type FromSyntax =
  | {
      readonly kind: 'table'
      readonly name: ObjectName
      readonly alias: Identifier | null
      /** `t AS a (x, y)`. */
      readonly columns: readonly Identifier[] | null
      readonly hints: OptionList | null
      readonly span: Span
    }
  | {
      readonly kind: 'subquery'
      readonly query: QuerySyntax
      readonly alias: Identifier | null
      readonly columns: readonly Identifier[] | null
      readonly span: Span
    }
  | WindowTableSyntax

export interface SelectSyntax {
  readonly kind: 'select'
  /** Entries of its `STATE_TTL` hints, in the order in which they count. */
  readonly stateTtl: OptionList
  readonly distinct: boolean
  readonly items: readonly SelectItem[]
  readonly from: FromSyntax | null
  readonly where: ExpressionSyntax | null
  readonly groupBy: readonly ExpressionSyntax[]
  readonly groupBySpan: Span | null
  readonly having: ExpressionSyntax | null
  readonly span: Span
}
export type QueryBody =
  | SelectSyntax
  | {
      readonly kind: 'values'
      readonly rows: readonly (readonly ExpressionSyntax[])[]
      readonly span: Span
    }
  | {
      readonly kind: 'union'
      readonly inputs: readonly QueryBody[]
      /** UNION without ALL. */
      readonly distinct: boolean
      readonly span: Span
    }
  | { readonly kind: 'query'; readonly query: QuerySyntax; readonly span: Span }

export interface QuerySyntax {
  readonly with: readonly {
    readonly name: Identifier
    readonly columns: readonly Identifier[] | null
    readonly query: QuerySyntax
  }[]
  readonly body: QueryBody
  readonly span: Span
}

export interface OptionSyntax {
  readonly key: string
  readonly value: string
  readonly keySpan: Span
  readonly valueSpan: Span
}
export type OptionList = readonly OptionSyntax[]

export type ColumnSyntax =
  | {
      readonly kind: 'physical'
      readonly name: Identifier
      readonly type: LogicalType
      readonly typeSpan: Span
      readonly primaryKey: boolean
    }
  | {
      readonly kind: 'computed'
      readonly name: Identifier
      readonly expression: ExpressionSyntax
      /** As written, for SHOW CREATE TABLE. */
      readonly text: string
    }

export interface CreateTableSyntax {
  readonly kind: 'create-table'
  readonly name: ObjectName
  readonly temporary: boolean
  readonly ifNotExists: boolean
  readonly columns: readonly ColumnSyntax[]
  readonly watermark: {
    readonly column: Identifier
    readonly expression: ExpressionSyntax
    readonly text: string
    readonly span: Span
  } | null
  readonly primaryKey: readonly Identifier[] | null
  readonly options: OptionList
  readonly comment: string | null
  readonly span: Span
}
export interface InsertSyntax {
  readonly kind: 'insert'
  readonly table: ObjectName
  readonly columns: readonly Identifier[] | null
  readonly hints: OptionList | null
  readonly query: QuerySyntax
  readonly span: Span
}
export interface CreateViewSyntax {
  readonly kind: 'create-view'
  readonly name: ObjectName
  readonly temporary: boolean
  readonly ifNotExists: boolean
  readonly columns: readonly Identifier[] | null
  readonly query: QuerySyntax
  /** The query as written. */
  readonly text: string
  readonly span: Span
}

export type ShowTopic =
  | 'catalogs'
  | 'current-catalog'
  | 'databases'
  | 'current-database'
  | 'tables'
  | 'views'
  | 'functions'
  | 'create-table'
  | 'create-view'
  | 'columns'
  | 'jobs'
  | 'jars'
  | 'modules'

export type StatementSyntax =
  | CreateTableSyntax
  | CreateViewSyntax
  | InsertSyntax
  | { readonly kind: 'query'; readonly query: QuerySyntax; readonly span: Span }
  | {
      readonly kind: 'statement-set'
      readonly inserts: readonly InsertSyntax[]
      readonly span: Span
    }
  | {
      readonly kind: 'explain'
      readonly statement: StatementSyntax
      /** Which kinds of rows each operator gives, beside it. */
      readonly changelogMode: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'create-database'
      readonly name: ObjectName
      readonly ifNotExists: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'drop'
      readonly object: 'TABLE' | 'VIEW' | 'DATABASE'
      readonly name: ObjectName
      readonly temporary: boolean
      readonly ifExists: boolean
      readonly cascade: boolean
      readonly span: Span
    }
  | {
      readonly kind: 'use'
      readonly object: 'CATALOG' | 'DATABASE'
      readonly name: ObjectName
      readonly span: Span
    }
  | {
      readonly kind: 'show'
      readonly topic: ShowTopic
      readonly name: ObjectName | null
      readonly like: string | null
      readonly span: Span
    }
  | { readonly kind: 'describe-job'; readonly jobId: string; readonly span: Span }
  | { readonly kind: 'describe'; readonly name: ObjectName; readonly span: Span }
  | {
      readonly kind: 'set'
      readonly option: OptionSyntax | null
      readonly span: Span
    }
  | { readonly kind: 'reset'; readonly key: string | null; readonly span: Span }
  | {
      readonly kind: 'stop-job'
      readonly jobId: string
      readonly withSavepoint: boolean
      readonly withDrain: boolean
      readonly span: Span
    }
