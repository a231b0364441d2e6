/**
 * The session's catalog, in memory: databases with tables and views, and which database is current.
 *
 * Temporary objects hide permanent ones of the same path. Names are case-sensitive.
 */
import { nearName, raise } from '../error-codes.ts'
import type { ObjectName } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import { type CatalogObject, formatPath, type ObjectPath } from './catalog-object.ts'

export const DEFAULT_CATALOG = 'default_catalog'
export const DEFAULT_DATABASE = 'default_database'

export class Catalog {
  readonly #databases = new Map<string, Map<string, CatalogObject>>([[DEFAULT_DATABASE, new Map()]])
  readonly #temporary = new Map<string, CatalogObject>()
  #current = DEFAULT_DATABASE

  get currentDatabase(): string {
    return this.#current
  }

  databases(): string[] {
    return [...this.#databases.keys()].sort()
  }

  /** The full path that `name` means now. Throws for an unknown catalog or database. */
  resolve(name: ObjectName, database = this.#current): ObjectPath {
    const parts = name.parts.map((part) => part.name)
    const table = parts[parts.length - 1] as string
    if (parts.length === 3) this.#checkCatalog(name, 0)
    if (parts.length >= 2) {
      const index = parts.length - 2
      this.#checkDatabase(parts[index] as string, name.parts[index]?.span ?? name.span)
      return { catalog: DEFAULT_CATALOG, database: parts[index] as string, name: table }
    }
    return { catalog: DEFAULT_CATALOG, database, name: table }
  }

  find(path: ObjectPath): CatalogObject | undefined {
    return (
      this.#temporary.get(formatPath(path)) ?? this.#databases.get(path.database)?.get(path.name)
    )
  }

  /** The table or view; throws SQL_UNKNOWN_TABLE with the nearest name. */
  get(name: ObjectName, database = this.#current): CatalogObject {
    const path = this.resolve(name, database)
    const found = this.find(path)
    if (found !== undefined) return found
    const known = this.list(path.database).map((object) => object.path.name)
    const near = nearName(path.name, known)
    throw raise(
      'SQL_UNKNOWN_TABLE',
      name.span,
      `Unknown table '${path.name}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
      known.length === 0
        ? `The database '${path.database}' is empty: CREATE TABLE first.`
        : `Tables and views: ${known.slice(0, 20).join(', ')}.`,
    )
  }

  /** Whether an object of the path exists in the same layer (temporary or permanent). */
  exists(path: ObjectPath, temporary: boolean): boolean {
    return temporary
      ? this.#temporary.has(formatPath(path))
      : this.#databases.get(path.database)?.has(path.name) === true
  }

  add(object: CatalogObject): void {
    if (object.temporary) this.#temporary.set(formatPath(object.path), object)
    else this.#databases.get(object.path.database)?.set(object.path.name, object)
  }

  /** Removes the temporary object of the path if there is one, else the permanent one. */
  remove(path: ObjectPath): void {
    if (!this.#temporary.delete(formatPath(path))) {
      this.#databases.get(path.database)?.delete(path.name)
    }
  }

  /** What is visible in the database, by name. */
  list(database: string): CatalogObject[] {
    const visible = new Map<string, CatalogObject>(this.#databases.get(database) ?? [])
    for (const object of this.#temporary.values()) {
      if (object.path.database === database) visible.set(object.path.name, object)
    }
    return [...visible.values()].sort((a, b) => (a.path.name < b.path.name ? -1 : 1))
  }

  /** The database that a one- or two-part name means; throws when there is none. */
  database(name: ObjectName): string {
    const last = name.parts[name.parts.length - 1] as ObjectName['parts'][number]
    if (name.parts.length > 1) this.#checkCatalog(name, 0)
    this.#checkDatabase(last.name, last.span)
    return last.name
  }

  useDatabase(name: ObjectName): void {
    this.#current = this.database(name)
  }

  useCatalog(name: ObjectName): void {
    this.#checkCatalog(name, 0)
  }

  createDatabase(name: ObjectName, ifNotExists: boolean): void {
    if (name.parts.length > 1) this.#checkCatalog(name, 0)
    const database = (name.parts[name.parts.length - 1] as ObjectName['parts'][number]).name
    if (!this.#databases.has(database)) this.#databases.set(database, new Map())
    else if (!ifNotExists) {
      throw raise('SQL_OBJECT_EXISTS', name.span, `The database '${database}' exists already.`)
    }
  }

  dropDatabase(name: ObjectName, ifExists: boolean, cascade: boolean): void {
    const database = (name.parts[name.parts.length - 1] as ObjectName['parts'][number]).name
    if (ifExists && !this.#databases.has(database)) return
    this.#checkDatabase(database, name.span)
    if (database === this.#current) {
      throw raise(
        'SQL_INVALID',
        name.span,
        `Cannot drop '${database}': it is the current database.`,
      )
    }
    const objects = this.list(database)
    if (objects.length > 0 && !cascade) {
      throw raise(
        'SQL_INVALID',
        name.span,
        `Cannot drop '${database}': it holds ${objects.length} tables and views.`,
        'Add CASCADE to drop them too.',
      )
    }
    for (const object of objects) this.#temporary.delete(formatPath(object.path))
    this.#databases.delete(database)
  }

  #checkCatalog(name: ObjectName, index: number): void {
    const part = name.parts[index] as ObjectName['parts'][number]
    if (part.name === DEFAULT_CATALOG) return
    throw raise(
      'SQL_UNKNOWN_TABLE',
      part.span,
      `Unknown catalog '${part.name}'.`,
      `There is one catalog: ${DEFAULT_CATALOG}.`,
    )
  }

  #checkDatabase(database: string, span: Span): void {
    if (this.#databases.has(database)) return
    const near = nearName(database, this.#databases.keys())
    throw raise(
      'SQL_UNKNOWN_TABLE',
      span,
      `Unknown database '${database}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
      `Databases: ${this.databases().join(', ')}.`,
    )
  }
}
