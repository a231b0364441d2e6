/**
 * What building a query needs to know around it: the catalog, names of WITH, the
 * session's time zone.
 */
import type { Schema } from '@millrace/core'
import type { Catalog } from '../catalog/catalog.ts'
import type { QuerySyntax } from '../parse/syntax-tree.ts'
import type { LogicalNode } from './logical-plan.ts'

export interface LogicalContext {
  readonly catalog: Catalog
  /** Database of names without one. */
  readonly database: string
  readonly localTimeZone: string
  /** BATCH mode: every time column may make windows, since all of them end together. */
  readonly batch: boolean
  /** The option of early or late fire that is on; null: neither. */
  readonly emitOption: string | null
  /** Queries of WITH by name. */
  readonly ctes: ReadonlyMap<string, LogicalNode>
  /** Full paths of the views being expanded, outermost first. */
  readonly viewPath: readonly string[]
  /** Whether a bare NULL may be a column: of INSERT's own rows, where the table gives it a type. */
  readonly takesNulls: boolean
  /** build-query's door, for sub-queries. */
  readonly buildQuery: (query: QuerySyntax, context: LogicalContext) => LogicalNode
}

/** Names made unique as the reference engine does: a, a0, a1. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let i = 0; taken.has(unique); i++) unique = `${name}${i}`
    taken.add(unique)
    return unique
  })
}

export function schemaOf(
  names: readonly string[],
  columns: readonly { readonly type: Schema['fields'][number]['type'] }[],
): Schema {
  const unique = uniqueNames(names)
  return { fields: columns.map(({ type }, i) => ({ name: unique[i] as string, type })) }
}
