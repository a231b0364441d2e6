/**
 * CREATE TABLE → a catalog table: columns typed, computed columns and watermark validated, WITH
 * checked against connector and format.
 */
import {
  type ConnectorRegistry,
  type Format,
  formatOfTable,
  validateTableOptions,
} from '@millrace/connector'
import { isMillraceError, type LogicalType, type Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type {
  CatalogColumn,
  CatalogTable,
  CatalogWatermark,
  ObjectPath,
} from '../catalog/catalog-object.ts'
import { nearName, notSupported, raise } from '../error-codes.ts'
import type { CreateTableSyntax, ExpressionSyntax } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import { inlineColumns } from './expression-parts.ts'
import { ExpressionValidator } from './expression-validator.ts'
import { typeName, withoutAttribute } from './function-typing.ts'
import { Scope } from './scope.ts'

const ROWTIME_PRECISION_MAX = 3

export interface TableParts {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
}

/**
 * The table. Throws SQL_… errors with places, TABLE_OPTION_… errors of the connector
 * with the option's.
 */
export function createTable(
  syntax: CreateTableSyntax,
  path: ObjectPath,
  parts: TableParts,
): CatalogTable {
  const primaryKey = primaryKeyOf(syntax)
  const physicalSchema = physicalColumns(syntax, primaryKey)
  if (physicalSchema.fields.length === 0) {
    throw raise('SQL_INVALID', syntax.name.span, 'A table has at least one physical column.')
  }
  const columns = columnsOf(syntax, physicalSchema)
  const watermark = watermarkOf(syntax, columns)
  const fields = columns.map(({ name, expression }, i) => ({
    name,
    type: i === watermark?.column ? rowtimeType(expression.type) : expression.type,
  }))
  const { connector, options } = withClause(syntax, physicalSchema, parts)
  return {
    kind: 'table',
    path,
    temporary: syntax.temporary,
    columns,
    schema: { fields },
    physicalSchema,
    watermark,
    primaryKey,
    comment: syntax.comment,
    connector,
    options,
  }
}

function primaryKeyOf(syntax: CreateTableSyntax): readonly string[] | null {
  if (syntax.primaryKey === null) return null
  const names = syntax.columns.filter((c) => c.kind === 'physical').map((c) => c.name.name)
  for (const column of syntax.primaryKey) {
    if (names.includes(column.name)) continue
    const near = nearName(column.name, names)
    throw raise(
      'SQL_UNKNOWN_COLUMN',
      column.span,
      `Unknown column '${column.name}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
      `A PRIMARY KEY is made of physical columns: ${names.join(', ')}.`,
    )
  }
  return syntax.primaryKey.map((column) => column.name)
}

/** Columns of a primary key are NOT NULL. */
function physicalColumns(syntax: CreateTableSyntax, key: readonly string[] | null): Schema {
  const fields = syntax.columns.flatMap((column) => {
    if (column.kind !== 'physical') return []
    const { name } = column.name
    const nullable = column.type.nullable && key?.includes(name) !== true
    return [{ name, type: { ...column.type, nullable } }]
  })
  return { fields }
}

function columnsOf(syntax: CreateTableSyntax, physical: Schema): CatalogColumn[] {
  const computed = syntax.columns.filter((column) => column.kind === 'computed')
  const reasons = new Map(
    computed.map(({ name }) => [
      name.name,
      `'${name.name}' is computed; a computed column reads physical columns only.`,
    ]),
  )
  const scope = new Scope(physical).explaining(reasons)
  const clause = 'a computed column'
  const validator = new ExpressionValidator({ scope, clause, collector: null })
  let next = 0
  return syntax.columns.map((column): CatalogColumn => {
    const { name } = column.name
    if (column.kind === 'computed') {
      const expression = validator.validate(column.expression)
      return { name, expression, computedText: column.text }
    }
    const index = next++
    const { type } = physical.fields[index]!
    return { name, expression: { kind: 'column', index, type }, computedText: null }
  })
}

function rowtimeType(type: LogicalType): LogicalType {
  return { ...type, attribute: 'rowtime' } as LogicalType
}

function watermarkOf(
  syntax: CreateTableSyntax,
  columns: readonly CatalogColumn[],
): CatalogWatermark | null {
  if (syntax.watermark === null) return null
  const { column, expression, text } = syntax.watermark
  const schema = { fields: columns.map((c) => ({ name: c.name, type: c.expression.type })) }
  const scope = new Scope(schema)
  const index = scope.resolve([column], column.span)
  const rowtime = columns[index]!.expression
  checkRowtime(column.name, rowtime.type, column.span)
  const validator = new ExpressionValidator({ scope, clause: 'WATERMARK', collector: null })
  const watermark = validator.validate(expression as ExpressionSyntax)
  if (watermark.type.kind !== rowtime.type.kind) {
    throw raise(
      'SQL_TYPE_MISMATCH',
      expression.span,
      `The watermark of '${column.name}' is a ${typeName(rowtime.type)} too; this is ${typeName(watermark.type)}.`,
      `For example: ${column.name} - INTERVAL '10' SECOND.`,
    )
  }
  const inlined: Expression = inlineColumns(
    watermark,
    columns.map((c) => c.expression),
  )
  return { column: index, rowtime, watermark: inlined, text }
}

function checkRowtime(name: string, type: LogicalType, span: Span): void {
  if (type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ') {
    if (type.attribute === 'proctime') {
      throw raise('SQL_INVALID', span, `'${name}' is processing time, which needs no WATERMARK.`)
    }
    if (type.precision <= ROWTIME_PRECISION_MAX) return
    throw raise(
      'SQL_TYPE_MISMATCH',
      span,
      `The column of a WATERMARK is TIMESTAMP(3) or less precise; '${name}' is ${typeName(type)}.`,
      `Declare ${name} as ${type.kind}(3).`,
    )
  }
  throw raise(
    'SQL_TYPE_MISMATCH',
    span,
    `The column of a WATERMARK is a TIMESTAMP(3) or TIMESTAMP_LTZ(3); '${name}' is ${typeName(withoutAttribute(type))}.`,
    type.kind === 'STRING'
      ? `Add a computed column, e.g. ts AS TO_TIMESTAMP(${name}).`
      : type.kind === 'BIGINT'
        ? `Add a computed column, e.g. ts AS TO_TIMESTAMP_LTZ(${name}, 3).`
        : undefined,
  )
}

/** Of the reference engine. */
const LATER_CONNECTORS = new Set(
  'upsert-kafka jdbc elasticsearch-7 opensearch mongodb hbase-2.2'.split(' '),
)

function withClause(
  syntax: CreateTableSyntax,
  schema: Schema,
  parts: TableParts,
): { connector: string; options: Record<string, string> } {
  const all = Object.fromEntries(syntax.options.map(({ key, value }) => [key, value]))
  const { connector: name, ...options } = all
  const known = [...parts.connectors.keys()].join(', ')
  if (name === undefined) {
    throw raise(
      'SQL_TABLE_OPTIONS',
      syntax.name.span,
      `The table '${syntax.name.parts[syntax.name.parts.length - 1]?.name}' has no connector.`,
      `Add WITH ('connector' = '…'). Connectors: ${known}.`,
    )
  }
  const connector = parts.connectors.get(name)
  const connectorSpan = syntax.options.find((option) => option.key === 'connector')?.valueSpan
  if (connector === undefined && LATER_CONNECTORS.has(name)) {
    throw notSupported(
      `The connector '${name}'`,
      connectorSpan ?? syntax.name.span,
      `Connectors: ${known}.`,
    )
  }
  if (connector === undefined) {
    const near = nearName(name, parts.connectors.keys())
    throw raise(
      'SQL_TABLE_OPTIONS',
      connectorSpan ?? null,
      `Unknown connector '${name}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
      `Connectors: ${known}.`,
    )
  }
  placed(syntax, () => {
    const tableFormat =
      options.format === undefined
        ? null
        : formatOfTable(name, { options, formats: parts.formats, schema })
    validateTableOptions(connector, tableFormat, options)
    tableFormat?.validate(options, schema)
  })
  return { connector: name, options }
}

/** Gives an option's error the place of that option in WITH. */
function placed(syntax: CreateTableSyntax, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!isMillraceError(error) || error.location?.line !== undefined) throw error
    const option = syntax.options.find(({ key }) => key === error.location?.optionKey)
    throw raise(
      'SQL_TABLE_OPTIONS',
      option === undefined ? syntax.name.span : spanOfOption(option),
      error.message,
      error.hint,
    )
  }
}

function spanOfOption(option: CreateTableSyntax['options'][number]): Span {
  const { keySpan, valueSpan } = option
  return {
    ...keySpan,
    end: valueSpan.end,
    endLine: valueSpan.endLine,
    endColumn: valueSpan.endColumn,
  }
}
