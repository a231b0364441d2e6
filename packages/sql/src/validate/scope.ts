/**
 * The columns that names may mean at a place in a query, and the lookup with "did you mean".
 */
import type { LogicalType, Schema } from '@millrace/core'
import { nearName, notSupported, raise } from '../error-codes.ts'
import type { Identifier } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'

export interface ScopeColumn {
  readonly name: string
  readonly type: LogicalType
}

/** How many column names a hint lists. */
const LISTED_MAX = 20

export class Scope {
  readonly columns: readonly ScopeColumn[]
  /** The table's alias or name; null: none. */
  readonly qualifier: string | null
  /** Columns computed beside the visible ones, and why they cannot be used here: name → reason. */
  readonly #explained: ReadonlyMap<string, string>

  constructor(
    schema: Schema,
    qualifier: string | null = null,
    explained: ReadonlyMap<string, string> = new Map(),
  ) {
    this.columns = schema.fields
    this.qualifier = qualifier
    this.#explained = explained
  }

  /** This scope, with reasons for names that are no columns here. */
  explaining(reasons: ReadonlyMap<string, string>): Scope {
    return new Scope({ fields: this.columns }, this.qualifier, reasons)
  }

  /** Index of the column that `parts` (`column` or `table.column`) means. Throws SQL_UNKNOWN_COLUMN. */
  resolve(parts: readonly Identifier[], span: Span): number {
    const first = parts[0] as Identifier
    let column = first
    if (parts.length > 1) {
      const isColumn = this.columns.some((candidate) => candidate.name === first.name)
      if (first.name !== this.qualifier) {
        if (isColumn) throw notSupported('Access to nested fields', span)
        throw this.unknownQualifier(first)
      }
      if (parts.length > 2) throw notSupported('Access to nested fields', span)
      column = parts[1] as Identifier
    }
    const index = this.columns.findIndex((candidate) => candidate.name === column.name)
    if (index >= 0) return index
    throw this.#unknown(column)
  }

  unknownQualifier(name: Identifier) {
    const known = this.qualifier === null ? [] : [this.qualifier]
    const near = nearName(name.name, known)
    return raise(
      'SQL_UNKNOWN_TABLE',
      name.span,
      `Unknown table '${name.name}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
      this.qualifier === null
        ? 'Columns here are written without a table.'
        : `The table in FROM is called '${this.qualifier}'.`,
    )
  }

  #unknown(column: Identifier) {
    const names = this.columns.map((candidate) => candidate.name)
    const reason = this.#explained.get(column.name)
    const near = reason === undefined ? nearName(column.name, names) : undefined
    const listed = names.slice(0, LISTED_MAX).join(', ') + (names.length > LISTED_MAX ? ', …' : '')
    const available = names.length === 0 ? 'There are no columns here.' : `Columns: ${listed}.`
    return raise(
      'SQL_UNKNOWN_COLUMN',
      column.span,
      `Unknown column '${column.name}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
      reason === undefined ? available : `${reason} ${available}`,
    )
  }
}
