/**
 * What a catalog holds: tables and views, resolved and typed.
 *
 * A table's columns stand in the order of its declaration; physical ones index the schema that the
 * connector sees, computed ones are expressions over it.
 */
import type { Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { QuerySyntax } from '../parse/syntax-tree.ts'

export interface ObjectPath {
  readonly catalog: string
  readonly database: string
  readonly name: string
}

/** `default_catalog.default_database.sensor_readings`. */
export function formatPath(path: ObjectPath): string {
  return `${path.catalog}.${path.database}.${path.name}`
}

export interface CatalogColumn {
  readonly name: string
  /** Over the physical schema; for a physical column a plain column expression. */
  readonly expression: Expression
  /** The text of a computed column's expression; null: physical. */
  readonly computedText: string | null
}

export interface CatalogWatermark {
  /** Index among the table's columns. */
  readonly column: number
  /** Over the physical schema. */
  readonly rowtime: Expression
  /** Over the physical schema. */
  readonly watermark: Expression
  readonly text: string
}

export interface CatalogTable {
  readonly kind: 'table'
  readonly path: ObjectPath
  readonly temporary: boolean
  readonly columns: readonly CatalogColumn[]
  /** All columns with their types; the watermark's column carries `rowtime`. */
  readonly schema: Schema
  /** What the connector reads and writes. */
  readonly physicalSchema: Schema
  readonly watermark: CatalogWatermark | null
  readonly primaryKey: readonly string[] | null
  readonly comment: string | null
  readonly connector: string
  /** WITH options without `connector`. */
  readonly options: Readonly<Record<string, string>>
}

export interface CatalogView {
  readonly kind: 'view'
  readonly path: ObjectPath
  readonly temporary: boolean
  readonly query: QuerySyntax
  readonly text: string
  readonly schema: Schema
  /** Catalog and database in which the query's names are looked up. */
  readonly catalog: string
  readonly database: string
}

export type CatalogObject = CatalogTable | CatalogView
