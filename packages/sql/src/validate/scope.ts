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

/** What may be said of columns beside their names. */
interface ScopeNotes {
  /** Columns computed beside the visible ones, and why they cannot be used here: name → reason. */
  readonly explained: ReadonlyMap<string, string>
  /** Names that several columns had before they were told apart. */
  readonly ambiguous: ReadonlySet<string>
  /** Catalog, database and name of the table; null: an alias hides them, or it is none. */
  readonly path: readonly string[] | null
}

const NO_NOTES: ScopeNotes = { explained: new Map(), ambiguous: new Set(), path: null }

export class Scope {
  readonly columns: readonly ScopeColumn[]
  /** The table's alias or name; null: none. */
  readonly qualifier: string | null
  readonly #notes: ScopeNotes

  constructor(schema: Schema, qualifier: string | null = null, notes: ScopeNotes = NO_NOTES) {
    this.columns = schema.fields
    this.qualifier = qualifier
    this.#notes = notes
  }

  /** This scope, with reasons for names that are no columns here. */
  explaining(reasons: ReadonlyMap<string, string>): Scope {
    return this.#with({ explained: reasons })
  }

  /** This scope, whose columns may be named by the table's path as well. */
  of(path: readonly string[]): Scope {
    return this.#with({ path })
  }

  withAmbiguous(names: ReadonlySet<string>): Scope {
    return this.#with({ ambiguous: names })
  }

  /** The same columns with other types. */
  over(schema: Schema): Scope {
    return new Scope(schema, this.qualifier, this.#notes)
  }

  #with(notes: Partial<ScopeNotes>): Scope {
    return new Scope({ fields: this.columns }, this.qualifier, { ...this.#notes, ...notes })
  }

  /**
   * Index of the column that `parts` (`column` or `table.column`) means. Throws SQL_UNKNOWN_COLUMN.
   */
  resolve(parts: readonly Identifier[], span: Span): number {
    const first = parts[0] as Identifier
    let column = first
    if (parts.length > 1) {
      const isColumn = this.columns.some((candidate) => candidate.name === first.name)
      if (this.#isPath(parts.slice(0, -1))) column = parts[parts.length - 1] as Identifier
      else {
        if (first.name !== this.qualifier) {
          if (isColumn) throw notSupported('Access to nested fields', span)
          throw this.unknownQualifier(first)
        }
        if (parts.length > 2) throw notSupported('Access to nested fields', span)
        column = parts[1] as Identifier
      }
    }
    this.refuseAmbiguous(column.name, column.span)
    const index = this.columns.findIndex((candidate) => candidate.name === column.name)
    if (index >= 0) return index
    throw this.#unknown(column)
  }

  /** Throws SQL_INVALID when several columns of the sub-query have the name. */
  refuseAmbiguous(name: string, span: Span): void {
    if (!this.#notes.ambiguous.has(name)) return
    throw raise(
      'SQL_INVALID',
      span,
      `The column '${name}' is ambiguous: the sub-query gives several of that name.`,
      'Name them apart with AS.',
    )
  }

  /** Whether the parts are the end of the table's path. */
  #isPath(parts: readonly Identifier[]): boolean {
    const { path } = this.#notes
    if (path === null || parts.length < 2 || parts.length > path.length) return false
    const from = path.length - parts.length
    return parts.every(({ name }, i) => name === path[from + i])
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
    const reason = this.#notes.explained.get(column.name)
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
