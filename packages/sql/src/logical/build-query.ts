/**
 * Queries → logical plan: WITH, UNION, VALUES; SELECT is build-select's. The door of this folder.
 */
import type { Schema } from '@millrace/core'
import { type Expression, holdsUnchanged, sameType } from '@millrace/expression'
import type { Catalog } from '../catalog/catalog.ts'
import { raise } from '../error-codes.ts'
import type { QueryBody, QuerySyntax } from '../parse/syntax-tree.ts'
import { ExpressionValidator, refuseNull } from '../validate/expression-validator.ts'
import { castTo, inCommonType } from '../validate/function-typing.ts'
import { Scope } from '../validate/scope.ts'
import { buildSelect, distinctRows } from './build-select.ts'
import { type LogicalContext, schemaOf } from './logical-context.ts'
import type { LogicalNode } from './logical-plan.ts'
import { renameColumns } from './rename-columns.ts'

/** The query's plan. Throws the SQL_… error of the first thing wrong with it. */
export function buildLogical(
  query: QuerySyntax,
  catalog: Catalog,
  settings: Pick<
    LogicalContext,
    'database' | 'localTimeZone' | 'batch' | 'emitOption' | 'takesNulls'
  >,
): LogicalNode {
  return buildQuery(query, { catalog, ...settings, ctes: new Map(), viewPath: [], buildQuery })
}

function buildQuery(query: QuerySyntax, context: LogicalContext): LogicalNode {
  let inner = context
  for (const { name, columns, query: definition } of query.with) {
    if (query.with.filter((other) => other.name.name === name.name).length > 1) {
      throw raise('SQL_INVALID', name.span, `The name '${name.name}' is given twice in WITH.`)
    }
    let node = buildQuery(definition, { ...inner, takesNulls: false })
    if (columns !== null) node = renameColumns(node, columns)
    inner = { ...inner, ctes: new Map([...inner.ctes, [name.name, node]]) }
  }
  return buildBody(query.body, inner)
}

function buildBody(body: QueryBody, context: LogicalContext): LogicalNode {
  switch (body.kind) {
    case 'select':
      return buildSelect(body, context)
    case 'query':
      return buildQuery(body.query, context)
    case 'values':
      return buildValues(body, context)
    case 'union':
      return buildUnion(body, context)
  }
}

function buildValues(
  body: QueryBody & { kind: 'values' },
  { takesNulls }: LogicalContext,
): LogicalNode {
  if (!takesNulls) for (const row of body.rows) refuseNull(...row)
  const scope = new Scope({ fields: [] })
  const validator = new ExpressionValidator({ scope, clause: 'VALUES', collector: null })
  const rows = body.rows.map((row) => row.map((item) => validator.validate(item)))
  const width = rows[0]?.length ?? 0
  rows.forEach((row, i) => {
    if (row.length === width) return
    const span = body.rows[i]?.[0]?.span ?? body.span
    throw raise(
      'SQL_INVALID',
      span,
      `Rows of VALUES have ${width} columns; this has ${row.length}.`,
    )
  })
  const columns = Array.from({ length: width }, (_, c) => {
    const spans = body.rows.map((row) => row[c]?.span ?? body.span)
    return inCommonType(
      rows.map((row) => row[c] as Expression),
      spans,
      'a column of VALUES',
    )
  })
  return {
    kind: 'values',
    rows: rows.map((_, r) => columns.map((column) => column.expressions[r] as Expression)),
    schema: schemaOf(
      columns.map((_, c) => `EXPR$${c}`),
      columns,
    ),
  }
}

function buildUnion(body: QueryBody & { kind: 'union' }, context: LogicalContext): LogicalNode {
  const name = body.distinct ? 'UNION' : 'UNION ALL'
  const inputs = body.inputs.map((input) => buildBody(input, context))
  const [first] = inputs as [LogicalNode]
  const width = first.schema.fields.length
  inputs.forEach((input, i) => {
    const found = input.schema.fields.length
    if (found === width) return
    throw raise(
      'SQL_INVALID',
      body.inputs[i]?.span ?? body.span,
      `The queries of ${name} have ${width} columns; this has ${found}.`,
    )
  })
  const types = first.schema.fields.map((field, c) => {
    const candidates = inputs.map((input) => columnOf(input, c))
    const spans = body.inputs.map((input) => input.span)
    const { type } = inCommonType(candidates, spans, `column ${c + 1} of ${name} ('${field.name}')`)
    // A time attribute stays beside plain times: who has no watermark holds it until its end.
    const [attribute, ...others] = candidates.map(attributeOf)
    const kept =
      others.every((other) => other === attribute || (attribute === 'rowtime' && other === '')) &&
      candidates.every((column) => sameType(column.type, type))
    return kept ? { ...field.type, nullable: type.nullable } : type
  })
  const names = first.schema.fields.map((field) => field.name)
  const schema = schemaOf(
    names,
    types.map((type) => ({ type })),
  )
  const union: LogicalNode = {
    kind: 'union',
    inputs: inputs.map((input) => castAll(input, schema)),
    schema,
  }
  return body.distinct ? distinctRows(union, body.span) : union
}

function columnOf(node: LogicalNode, index: number): Expression {
  const field = node.schema.fields[index] as Schema['fields'][number]
  return { kind: 'column', index, type: field.type }
}

function attributeOf(expression: Expression): string {
  return ('attribute' in expression.type ? expression.type.attribute : undefined) ?? ''
}

/** `node` with its columns cast to the types of `schema` where they differ. */
function castAll(node: LogicalNode, schema: Schema): LogicalNode {
  const fits = node.schema.fields.every(({ type }, i) => {
    const wanted = schema.fields[i]!.type
    return sameType(type, wanted) || holdsUnchanged(type, wanted)
  })
  if (fits) return node
  const expressions = schema.fields.map(({ type }, i) => castTo(columnOf(node, i), type))
  return { kind: 'project', input: node, expressions, schema }
}
