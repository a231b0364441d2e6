/**
 * INSERT: the query's columns fitted to the table's physical ones, by position or by the
 * given column list.
 *
 * Implicit casts are those of the reference engine: numbers to wider ones, DATE and the two
 * timestamps among each other. All else needs a CAST. A column that may be NULL does not go into
 * one that is NOT NULL.
 */
import { formatType, type LogicalType } from '@millrace/core'
import { type Expression, sameType } from '@millrace/expression'
import type { CatalogTable } from '../catalog/catalog-object.ts'
import { notSupported, raise } from '../error-codes.ts'
import type { InsertSyntax } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import { castTo, typeName, withoutAttribute } from '../validate/function-typing.ts'
import { nullLiteral } from '../validate/literal.ts'
import { Scope } from '../validate/scope.ts'
import type { LogicalNode } from './logical-plan.ts'

/** `query` as rows of the table's physical schema. Throws SQL_TYPE_MISMATCH. */
export function fitToSink(
  query: LogicalNode,
  table: CatalogTable,
  insert: InsertSyntax,
  options: { readonly dropNulls: boolean },
): LogicalNode {
  const sink = table.physicalSchema.fields
  const targets = targetColumns(table, insert)
  const given = query.schema.fields
  if (given.length !== targets.length) {
    throw raise(
      'SQL_TYPE_MISMATCH',
      insert.query.span,
      `The query gives ${given.length} columns; '${table.path.name}' takes ${targets.length}.`,
      `${describe('Query', given)} ${describe(
        'Table',
        targets.map((i) => sink[i]!),
      )}`,
    )
  }
  const expressions = sink.map((field, i): Expression => {
    const from = targets.indexOf(i)
    if (from < 0) return missing(field.name, field.type, insert)
    const { type, name } = given[from]!
    const span = spanOfColumn(insert, from)
    if (options.dropNulls && type.nullable && !field.type.nullable) {
      throw notSupported("'table.exec.sink.not-null-enforcer' = 'DROP'", span)
    }
    return fitted({ kind: 'column', index: from, type }, name, field, span, isNull(query, from))
  })
  return { kind: 'project', input: query, expressions, schema: table.physicalSchema }
}

function describe(what: string, fields: readonly { name: string; type: LogicalType }[]): string {
  return `${what}: ${fields.map((field) => `${field.name} ${typeName(field.type)}`).join(', ')}.`
}

function targetColumns(table: CatalogTable, insert: InsertSyntax): number[] {
  const { fields } = table.physicalSchema
  if (insert.columns === null) return fields.map((_, i) => i)
  const computed = table.columns.filter((column) => column.computedText !== null)
  const reasons = new Map(
    computed.map(({ name }) => [name, `'${name}' is computed and takes no value.`]),
  )
  const scope = new Scope(table.physicalSchema).explaining(reasons)
  return insert.columns.map((column, i) => {
    if (insert.columns?.some((other, j) => j < i && other.name === column.name)) {
      throw raise('SQL_INVALID', column.span, `The column '${column.name}' is named twice.`)
    }
    return scope.resolve([column], column.span)
  })
}

function missing(name: string, type: LogicalType, insert: InsertSyntax): Expression {
  if (type.nullable) return nullLiteral(type)
  throw raise(
    'SQL_TYPE_MISMATCH',
    insert.table.span,
    `The column '${name}' is NOT NULL and not among the columns of the INSERT.`,
  )
}

/** Where the query's column was written, when its outermost part is a SELECT without `*`. */
function spanOfColumn(insert: InsertSyntax, index: number): Span {
  const { body } = insert.query
  if (body.kind === 'select' && body.items.every((item) => item.kind === 'expression')) {
    return body.items[index]?.span ?? insert.query.span
  }
  if (body.kind === 'values') return body.rows[0]?.[index]?.span ?? insert.query.span
  return insert.query.span
}

/** Whether the query's column is a bare NULL, which fits every type. */
function isNull(query: LogicalNode, index: number): boolean {
  const rows =
    query.kind === 'values' ? query.rows : query.kind === 'project' ? [query.expressions] : []
  const values = rows.map((row) => row[index])
  return values.length > 0 && values.every((e) => e?.kind === 'literal' && e.value === null)
}

function fitted(
  column: Expression,
  name: string,
  target: { readonly name: string; readonly type: LogicalType },
  span: Span,
  untypedNull: boolean,
): Expression {
  const { type } = column
  if (!untypedNull && !castsImplicitly(type, target.type)) {
    throw raise(
      'SQL_TYPE_MISMATCH',
      span,
      `The query's column '${name}' is ${typeName(type)}; the table's column '${target.name}' is ${typeName(target.type)}.`,
      `Write CAST(${name.startsWith('EXPR$') ? '…' : name} AS ${typeName(target.type)}).`,
    )
  }
  if (type.nullable && !target.type.nullable) {
    throw raise(
      'SQL_TYPE_MISMATCH',
      span,
      `The query's column '${name}' may be NULL; the table's column '${target.name}' is ${formatType(withoutAttribute(target.type))}.`,
      `Keep NULLs out with WHERE ${name} IS NOT NULL, or replace them with COALESCE.`,
    )
  }
  return untypedNull ? nullLiteral(target.type) : castTo(column, target.type)
}

/** Numbers go into wider ones; into a DECIMAL every number. */
const WIDTH: Readonly<Record<string, number>> = {
  TINYINT: 1,
  SMALLINT: 2,
  INT: 3,
  BIGINT: 4,
  FLOAT: 5,
  DECIMAL: 5,
  DOUBLE: 6,
}

function castsImplicitly(from: LogicalType, to: LogicalType): boolean {
  // A text of any length is not padded unasked.
  if (from.kind === 'STRING' && to.kind === 'STRING') return !to.fixed || from.fixed === true
  if (from.kind === to.kind || sameType(from, to)) return true
  const [narrow, wide] = [WIDTH[from.kind], WIDTH[to.kind]]
  if (narrow !== undefined && wide !== undefined) return narrow <= wide || to.kind === 'DECIMAL'
  const isTimestamp = (type: LogicalType) =>
    type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ'
  if (to.kind === 'DATE') return from.kind === 'TIMESTAMP'
  return isTimestamp(to) && (isTimestamp(from) || from.kind === 'DATE')
}
