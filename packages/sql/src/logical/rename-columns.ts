/**
 * A plan with other names for its columns: `WITH t (a, b) AS …`, `CREATE VIEW v (a, b) AS …`,
 * `(…) AS t (a, b)`.
 */
import type { Expression } from '@millrace/expression'
import { raise } from '../error-codes.ts'
import type { Identifier } from '../parse/syntax-tree.ts'
import { schemaOf } from './logical-context.ts'
import type { LogicalNode } from './logical-plan.ts'

/**
 * `node` with its columns called `columns`. Throws SQL_INVALID when their number differs or one
 * is named twice.
 */
export function renameColumns(node: LogicalNode, columns: readonly Identifier[]): LogicalNode {
  const { fields } = node.schema
  if (columns.length !== fields.length) {
    throw raise(
      'SQL_INVALID',
      columns[0]?.span ?? null,
      `The query gives ${fields.length} columns; the list names ${columns.length}.`,
    )
  }
  const twice = columns.find((column, i) =>
    columns.some((other, j) => j < i && other.name === column.name),
  )
  if (twice !== undefined) {
    throw raise('SQL_INVALID', twice.span, `The column '${twice.name}' is named twice.`)
  }
  const names = columns.map((column) => column.name)
  const expressions = fields.map(({ type }, index): Expression => ({ kind: 'column', index, type }))
  return { kind: 'project', input: node, expressions, schema: schemaOf(names, fields) }
}
