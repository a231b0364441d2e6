/** SHOW and DESCRIBE: the catalog as rows. */
import { formatType, type Schema } from '@millrace/core'
import { AGGREGATE_FUNCTIONS } from '@millrace/expression'
import type { Catalog } from '../catalog/catalog.ts'
import { DEFAULT_CATALOG } from '../catalog/catalog.ts'
import type { CatalogObject, CatalogTable } from '../catalog/catalog-object.ts'
import { raise } from '../error-codes.ts'
import type { ObjectName, StatementSyntax } from '../parse/syntax-tree.ts'
import { CONDITIONALS, functionNames } from '../validate/function-typing.ts'
import type { JsonValue, RowsResult } from './statement-result.ts'

/** Rows of text columns (and of other JSON values). */
export function rowsOf(
  names: readonly string[],
  rows: readonly (readonly JsonValue[])[],
  warnings: readonly string[] = [],
): RowsResult {
  const schema: Schema = {
    fields: names.map((name) => ({ name, type: { kind: 'STRING', nullable: true } })),
  }
  return { kind: 'rows', schema, rows, warnings }
}

export function showObjects(
  statement: StatementSyntax & { kind: 'show' },
  catalog: Catalog,
): RowsResult {
  const matches = likePattern(statement.like)
  const list = (name: string, values: readonly string[]) =>
    rowsOf(
      [name],
      values.filter(matches).map((value) => [value]),
    )
  const database =
    statement.name === null ? catalog.currentDatabase : () => catalog.database(statement.name!)
  const inDatabase = () =>
    catalog.list(typeof database === 'string' ? database : database()).map((object) => object)
  switch (statement.topic) {
    case 'catalogs':
      return list('catalog name', [DEFAULT_CATALOG])
    case 'current-catalog':
      return list('current catalog name', [DEFAULT_CATALOG])
    case 'databases':
      return list('database name', catalog.databases())
    case 'current-database':
      return list('current database name', [catalog.currentDatabase])
    case 'tables':
      return list(
        'table name',
        inDatabase().map((object) => object.path.name),
      )
    case 'views':
      return list(
        'view name',
        inDatabase()
          .filter((object) => object.kind === 'view')
          .map((object) => object.path.name),
      )
    case 'functions':
      return list('function name', callableNames())
    case 'create-table':
    case 'create-view':
      return showCreate(catalog.get(statement.name as ObjectName), statement)
    case 'columns':
      return describeObject(catalog.get(statement.name as ObjectName), matches)
    // There are none: functions are the engine's own.
    case 'jars':
      return list('jars', [])
    case 'modules':
      return list('module name', ['core'])
    case 'jobs':
      return rowsOf(['job id'], [])
  }
}

/** What can be called by name: not the operators. */
export function callableNames(): string[] {
  return [...new Set([...functionNames(), ...CONDITIONALS, ...AGGREGATE_FUNCTIONS])].sort()
}

/** A LIKE pattern as a test; null passes everything. */
function likePattern(pattern: string | null): (text: string) => boolean {
  if (pattern === null) return () => true
  const source = [...pattern]
    .map((c) => (c === '%' ? '.*' : c === '_' ? '.' : c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')))
    .join('')
  const regex = new RegExp(`^${source}$`, 'us')
  return (text) => regex.test(text)
}

export function describeObject(
  object: CatalogObject,
  matches: (name: string) => boolean = () => true,
): RowsResult {
  const rows = object.schema.fields.map((field, i): JsonValue[] => {
    const type = formatType({ ...field.type, nullable: true })
    const table = object.kind === 'table' ? object : null
    const computed = table?.columns[i]?.computedText ?? null
    return [
      field.name,
      type,
      field.type.nullable,
      table?.primaryKey?.includes(field.name) ? `PRI(${table.primaryKey.join(', ')})` : null,
      computed === null ? null : `AS ${computed}`,
      table?.watermark?.column === i ? table.watermark.text : null,
    ]
  })
  const names = ['name', 'type', 'null', 'key', 'extras', 'watermark']
  const described = rowsOf(
    names,
    rows.filter(([name]) => matches(name as string)),
  )
  const fields = described.schema.fields.map((field) =>
    field.name === 'null'
      ? { ...field, type: { kind: 'BOOLEAN', nullable: true } as const }
      : field,
  )
  return { ...described, schema: { fields } }
}

function showCreate(
  object: CatalogObject,
  statement: StatementSyntax & { kind: 'show' },
): RowsResult {
  const wanted = statement.topic === 'create-table' ? 'table' : 'view'
  if (object.kind !== wanted) {
    throw raise(
      'SQL_INVALID',
      statement.name?.span ?? null,
      `'${object.path.name}' is a ${object.kind}.`,
      `Write SHOW CREATE ${object.kind.toUpperCase()} ${object.path.name}.`,
    )
  }
  return rowsOf(['result'], [[object.kind === 'table' ? createTable(object) : createView(object)]])
}

const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``
const text = (value: string) => `'${value.replaceAll("'", "''")}'`

function quotedPath(object: CatalogObject): string {
  const { catalog, database, name } = object.path
  return [catalog, database, name].map(quoted).join('.')
}

function createView(object: CatalogObject & { kind: 'view' }): string {
  const columns = object.schema.fields.map((field) => quoted(field.name)).join(', ')
  const temporary = object.temporary ? 'TEMPORARY ' : ''
  return `CREATE ${temporary}VIEW ${quotedPath(object)} (${columns}) AS\n${object.text}`
}

function createTable(table: CatalogTable): string {
  const lines = table.columns.map((column) => {
    if (column.computedText !== null) return `${quoted(column.name)} AS ${column.computedText}`
    return `${quoted(column.name)} ${formatType(column.expression.type)}`
  })
  if (table.watermark !== null) {
    const name = table.columns[table.watermark.column]?.name ?? ''
    lines.push(`WATERMARK FOR ${quoted(name)} AS ${table.watermark.text}`)
  }
  if (table.primaryKey !== null) {
    lines.push(`PRIMARY KEY (${table.primaryKey.map(quoted).join(', ')}) NOT ENFORCED`)
  }
  const options = Object.entries({ connector: table.connector, ...table.options })
  const comment = table.comment === null ? '' : ` COMMENT ${text(table.comment)}`
  const temporary = table.temporary ? 'TEMPORARY ' : ''
  return [
    `CREATE ${temporary}TABLE ${quotedPath(table)} (`,
    lines.map((line) => `  ${line}`).join(',\n'),
    `)${comment} WITH (`,
    options.map(([key, value]) => `  ${text(key)} = ${text(value)}`).join(',\n'),
    ')',
  ].join('\n')
}
