/**
 * FROM: tables, views, names of WITH, sub-queries and window table functions → a plan and the scope
 * of its columns.
 */
import { isMillraceError, type LogicalType } from '@millrace/core'
import { type CatalogTable, type CatalogView, formatPath } from '../catalog/catalog-object.ts'
import { raise } from '../error-codes.ts'
import type { FromSyntax, OptionList, QueryBody, WindowTableSyntax } from '../parse/syntax-tree.ts'
import { withoutAttribute } from '../validate/function-typing.ts'
import { Scope } from '../validate/scope.ts'
import { type LogicalContext, schemaOf } from './logical-context.ts'
import type { LogicalNode } from './logical-plan.ts'
import { renameColumns } from './rename-columns.ts'
import { checkTimeAttribute, windowSpec } from './window-spec.ts'

export interface Relation {
  readonly node: LogicalNode
  readonly scope: Scope
}

export function buildFrom(from: FromSyntax, context: LogicalContext): Relation {
  switch (from.kind) {
    case 'table': {
      let node = buildNamed(from, context)
      if (from.columns !== null) node = renameColumns(node, from.columns)
      const name = from.alias ?? from.name.parts[from.name.parts.length - 1]
      const scope = new Scope(node.schema, name?.name ?? null)
      if (from.alias !== null || isOfWith(from, context)) return { node, scope }
      const path = context.catalog.resolve(from.name, context.database)
      return { node, scope: scope.of([path.catalog, path.database, path.name]) }
    }
    case 'subquery': {
      let node = context.buildQuery(from.query, { ...context, takesNulls: false })
      const scope = (): Scope => new Scope(node.schema, from.alias?.name ?? null)
      if (from.columns === null) {
        return { node, scope: scope().withAmbiguous(namesGivenTwice(from.query.body)) }
      }
      node = renameColumns(node, from.columns)
      return { node, scope: scope() }
    }
    case 'window': {
      const { node, qualifier } = buildWindow(from, context)
      return { node, scope: new Scope(node.schema, from.alias?.name ?? qualifier) }
    }
  }
}

function isOfWith(from: FromSyntax & { kind: 'table' }, { ctes }: LogicalContext): boolean {
  return from.name.parts.length === 1 && ctes.has(from.name.parts[0]?.name ?? '')
}

/**
 * Names that a SELECT gives to several of its columns: a query around it cannot mean one of them.
 */
function namesGivenTwice(body: QueryBody): ReadonlySet<string> {
  if (body.kind !== 'select') return new Set()
  const names = body.items.flatMap((item) => {
    if (item.kind === 'star') return []
    const last = item.expression.kind === 'name' ? item.expression.parts.at(-1) : undefined
    return item.alias?.name ?? last?.name ?? []
  })
  return new Set(names.filter((name, i) => names.indexOf(name) < i))
}

function buildNamed(from: FromSyntax & { kind: 'table' }, context: LogicalContext): LogicalNode {
  const [first] = from.name.parts
  const cte = from.name.parts.length === 1 ? context.ctes.get(first?.name ?? '') : undefined
  if (cte !== undefined) {
    if (from.hints !== null) throw hintMisplaced(from.hints, first?.name ?? '')
    return cte
  }
  const object = context.catalog.get(from.name, context.database)
  if (object.kind === 'table') return scan(object, from.hints)
  if (from.hints !== null) throw hintMisplaced(from.hints, object.path.name)
  return expandView(object, from, context)
}

function hintMisplaced(hints: OptionList, name: string) {
  return raise(
    'SQL_INVALID',
    hints[0]?.keySpan ?? null,
    `OPTIONS changes a table's options; '${name}' is a view or sub-query.`,
  )
}

function scan(table: CatalogTable, hints: OptionList | null): LogicalNode {
  const overrides = Object.fromEntries((hints ?? []).map(({ key, value }) => [key, value]))
  if ('connector' in overrides) {
    throw raise(
      'SQL_INVALID',
      hints?.[0]?.keySpan ?? null,
      "The option 'connector' cannot be changed.",
    )
  }
  return {
    kind: 'scan',
    table,
    options: { ...table.options, ...overrides },
    columns: table.columns.map((_, i) => i),
    schema: table.schema,
  }
}

/**
 * The view's query in its place. Errors inside it (a table dropped since) are told without a place
 * in this statement.
 */
function expandView(
  view: CatalogView,
  from: FromSyntax & { kind: 'table' },
  context: LogicalContext,
): LogicalNode {
  const path = formatPath(view.path)
  if (context.viewPath.includes(path)) {
    throw raise('SQL_INVALID', from.name.span, `The view '${view.path.name}' contains itself.`)
  }
  const inner: LogicalContext = {
    ...context,
    database: view.database,
    ctes: new Map(),
    takesNulls: false,
    viewPath: [...context.viewPath, path],
  }
  let node: LogicalNode
  try {
    node = context.buildQuery(view.query, inner)
  } catch (error) {
    if (!isMillraceError(error)) throw error
    throw raise(
      error.code as 'SQL_INVALID',
      from.name.span,
      `The view '${view.path.name}' is no longer valid: ${error.message}`,
      `Drop and create it again, or mend what it reads. ${error.hint ?? ''}`.trim(),
    )
  }
  const names = view.schema.fields.map((field) => field.name)
  return { ...node, schema: schemaOf(names, node.schema.fields) }
}

const PLAIN_TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: false }

function buildWindow(
  from: WindowTableSyntax,
  context: LogicalContext,
): { node: LogicalNode; qualifier: string | null } {
  const { node: input, scope } = buildFrom(from.input, context)
  const timeColumn = scope.resolve([from.timeColumn], from.timeColumn.span)
  const field = input.schema.fields[timeColumn] as (typeof input.schema.fields)[number]
  const attribute = checkTimeAttribute(field, from.timeColumn.span, context)
  const window = windowSpec(from.function, from.intervals, from.span, 'table-function')
  const timeType = { ...withoutAttribute(field.type), precision: 3, nullable: false, attribute }
  const names = ['window_start', 'window_end', 'window_time']
  const taken = input.schema.fields.find(({ name }) => names.includes(name))
  if (taken !== undefined) {
    throw raise(
      'SQL_INVALID',
      from.functionSpan,
      `The window adds a column '${taken.name}', and its input has one already.`,
      'Rename or leave out that column in a sub-query.',
    )
  }
  const added = [PLAIN_TIMESTAMP, PLAIN_TIMESTAMP, timeType as LogicalType]
  const fields = [...input.schema.fields, ...added.map((type, i) => ({ name: names[i]!, type }))]
  return {
    node: { kind: 'window-table', input, window, timeColumn, schema: { fields } },
    qualifier: scope.qualifier,
  }
}
