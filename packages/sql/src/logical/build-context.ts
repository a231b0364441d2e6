/** What building a query needs to know around it: the catalog, names of WITH, the session's time zone. */
import type { Schema } from '@millrace/core'
import type { Catalog } from '../catalog/catalog.ts'
import type { QuerySyntax } from '../parse/syntax-tree.ts'
import type { LogicalNode } from './logical-plan.ts'

export interface BuildContext {
  readonly catalog: Catalog
  /** Database of names without one. */
  readonly database: string
  readonly localTimeZone: string
  /** Queries of WITH by name. */
  readonly ctes: ReadonlyMap<string, LogicalNode>
  /** Full paths of the views being expanded, outermost first. */
  readonly viewPath: readonly string[]
  /** build-query's door, for sub-queries. */
  readonly buildQuery: (query: QuerySyntax, context: BuildContext) => LogicalNode
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
