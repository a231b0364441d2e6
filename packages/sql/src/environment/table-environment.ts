/**
 * A SQL session: catalog, configuration, and `execute`.
 *
 * The front end's door. It plans and never runs: a query comes back as a JobGraph for the caller to
 * submit. Holds no clock, no randomness of its own and no connection. A statement that throws
 * leaves the session as it was.
 */
import type { ConnectorRegistry, Format } from '@millrace/connector'
import type { ConfigOption, Configuration } from '@millrace/core'
import { SQL_OPERATORS, SQL_OPERATORS_OPTIONS } from '@millrace/sql-operators'
import { Catalog } from '../catalog/catalog.ts'
import type { CatalogView } from '../catalog/catalog-object.ts'
import { raise } from '../error-codes.ts'
import { renameColumns } from '../logical/rename-columns.ts'
import { KEYWORDS } from '../parse/keywords.ts'
import { parseStatement } from '../parse/parse-statement.ts'
import { type StatementText, splitStatements } from '../parse/split-statements.ts'
import type { CreateViewSyntax, StatementSyntax } from '../parse/syntax-tree.ts'
import { findHeldWindows } from '../physical/find-held-windows.ts'
import { SQL_OPTIONS } from '../sql-options.ts'
import { createTable } from '../validate/create-table.ts'
import { type CompiledStatement, formatExplain, StatementCompiler } from './compile-statement.ts'
import { completeText } from './complete-text.ts'
import { SessionConfiguration } from './session-configuration.ts'
import { callableNames, describeObject, rowsOf, showObjects } from './show-objects.ts'
import type { StatementResult } from './statement-result.ts'

export interface TableEnvironmentSettings {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  /** The cluster's configuration; SET changes this session's view of it. */
  readonly configuration: Configuration
  /** A new job id: 32 hex digits. */
  readonly random: () => string
  /** Every option that SET should know, besides SQL's own; others only give a warning. */
  readonly knownOptions?: readonly ConfigOption<unknown>[]
}

/** Whether rows come out only when the watermark has passed the end of their window. */
function isWindowed({ factory }: { readonly factory: string }): boolean {
  return factory === SQL_OPERATORS.globalWindowAggregate
}

export class TableEnvironment {
  readonly #settings: TableEnvironmentSettings
  readonly #catalog = new Catalog()
  readonly #session: SessionConfiguration
  readonly #options: readonly ConfigOption<unknown>[]

  constructor(settings: TableEnvironmentSettings) {
    this.#settings = settings
    this.#options = [...SQL_OPTIONS, ...SQL_OPERATORS_OPTIONS, ...(settings.knownOptions ?? [])]
    this.#session = new SessionConfiguration(settings.configuration, this.#options)
  }

  /** The cluster's configuration with this session's SETs over it. */
  get configuration(): Configuration {
    return this.#session.current
  }

  get currentDatabase(): string {
    return this.#catalog.currentDatabase
  }

  /** A script's statements, in order. */
  splitStatements(script: string): StatementText[] {
    return splitStatements(script)
  }

  /** Words that could stand at `position` of `text`. */
  complete(text: string, position: number): string[] {
    const objects = this.#catalog.list(this.#catalog.currentDatabase)
    return completeText(text, position, {
      columns: objects.flatMap((object) => object.schema.fields.map((field) => field.name)),
      tables: objects.map((object) => object.path.name),
      functions: callableNames(),
      keywords: KEYWORDS,
      optionKeys: this.#options.map((option) => option.key),
    })
  }

  /**
   * Plans or carries out one statement. Throws MillraceErrors whose `location` is relative to
   * `statement` (see `formatSqlError`).
   */
  execute(statement: string): StatementResult {
    const syntax = parseStatement(statement)
    switch (syntax.kind) {
      case 'query':
        return this.#submit(this.#compiler().compileSelect(syntax.query, statement))
      case 'insert':
        return this.#submit(this.#compiler().compileInserts([syntax]))
      case 'statement-set':
        return this.#submit(this.#compiler().compileInserts(syntax.inserts))
      case 'explain':
        return rowsOf(['result'], [[formatExplain(this.#compile(syntax.statement), syntax)]])
      case 'show':
        if (syntax.topic === 'jobs') return { kind: 'command', command: 'show-jobs', warnings: [] }
        return showObjects(syntax, this.#catalog)
      case 'describe-job': {
        const { jobId } = syntax
        return { kind: 'command', command: 'describe-job', jobId, warnings: [] }
      }
      case 'describe':
        return describeObject(this.#catalog.get(syntax.name))
      case 'set':
      case 'reset':
        return this.#configure(syntax)
      case 'stop-job': {
        const { jobId, withSavepoint, withDrain } = syntax
        return {
          kind: 'command',
          command: 'stop-job',
          jobId,
          withSavepoint,
          withDrain,
          warnings: [],
        }
      }
      default:
        this.#define(syntax)
        return { kind: 'ok', warnings: [] }
    }
  }

  #compiler(): StatementCompiler {
    const { connectors, formats, random } = this.#settings
    const context = { connectors, formats, configuration: this.#session.current }
    return new StatementCompiler(this.#catalog, context, random)
  }

  #compile(syntax: StatementSyntax): CompiledStatement {
    if (syntax.kind === 'query') return this.#compiler().compileSelect(syntax.query, 'EXPLAIN')
    if (syntax.kind === 'insert') return this.#compiler().compileInserts([syntax])
    if (syntax.kind === 'statement-set') return this.#compiler().compileInserts(syntax.inserts)
    throw raise('SQL_INVALID', syntax.span, 'EXPLAIN takes a query or an INSERT.')
  }

  #submit(compiled: CompiledStatement): StatementResult {
    return {
      kind: 'submit',
      mode: compiled.mode,
      jobGraph: compiled.jobGraph,
      schema: compiled.schema,
      changelog: compiled.physical.some(({ traits }) => traits.changes !== 'insert'),
      windowed: compiled.jobGraph.vertices.some(({ operators }) => operators.some(isWindowed)),
      bounded: compiled.physical.every(({ traits }) => traits.bounded),
      ...(compiled.sinkTable === undefined ? {} : { sinkTable: compiled.sinkTable }),
      ...(compiled.collectOperatorId === undefined
        ? {}
        : { collectOperatorId: compiled.collectOperatorId }),
      warnings: findHeldWindows(compiled.physical),
    }
  }

  #configure(syntax: StatementSyntax & { kind: 'set' | 'reset' }): StatementResult {
    if (syntax.kind === 'reset') {
      return { kind: 'ok', warnings: this.#session.reset(syntax.key) }
    }
    if (syntax.option !== null) {
      return { kind: 'ok', warnings: this.#session.set(syntax.option.key, syntax.option.value) }
    }
    const entries = Object.entries(this.#session.current.toObject()).sort()
    return rowsOf(['key', 'value'], entries)
  }

  /** DDL and USE. */
  #define(syntax: StatementSyntax): void {
    const catalog = this.#catalog
    switch (syntax.kind) {
      case 'create-table': {
        const path = catalog.resolve(syntax.name)
        if (this.#taken(syntax, path.name)) return
        catalog.add(createTable(syntax, path, this.#settings))
        return
      }
      case 'create-view':
        if (!this.#taken(syntax, syntax.name.parts[syntax.name.parts.length - 1]?.name ?? '')) {
          catalog.add(this.#view(syntax))
        }
        return
      case 'create-database':
        catalog.createDatabase(syntax.name, syntax.ifNotExists)
        return
      case 'drop':
        this.#drop(syntax)
        return
      case 'use':
        if (syntax.object === 'CATALOG') catalog.useCatalog(syntax.name)
        else catalog.useDatabase(syntax.name)
    }
  }

  /** Whether the name is in use and IF NOT EXISTS says to leave it. */
  #taken(
    syntax: StatementSyntax & { kind: 'create-table' | 'create-view' },
    name: string,
  ): boolean {
    const path = this.#catalog.resolve(syntax.name)
    if (!this.#catalog.exists(path, syntax.temporary)) return false
    if (syntax.ifNotExists) return true
    throw raise(
      'SQL_OBJECT_EXISTS',
      syntax.name.span,
      `A table or view '${name}' exists already.`,
      'DROP it first, or write IF NOT EXISTS.',
    )
  }

  #view(syntax: CreateViewSyntax): CatalogView {
    const node = this.#compiler().logical(syntax.query)
    const { schema } = syntax.columns === null ? node : renameColumns(node, syntax.columns)
    return {
      kind: 'view',
      path: this.#catalog.resolve(syntax.name),
      temporary: syntax.temporary,
      query: syntax.query,
      text: syntax.text,
      schema,
      catalog: this.#catalog.resolve(syntax.name).catalog,
      database: this.#catalog.currentDatabase,
    }
  }

  #drop(syntax: StatementSyntax & { kind: 'drop' }): void {
    const catalog = this.#catalog
    if (syntax.object === 'DATABASE') {
      catalog.dropDatabase(syntax.name, syntax.ifExists, syntax.cascade)
      return
    }
    const path = catalog.resolve(syntax.name)
    if (syntax.ifExists && catalog.find(path) === undefined) return
    const object = catalog.get(syntax.name)
    if (object.kind.toUpperCase() !== syntax.object) {
      throw raise(
        'SQL_INVALID',
        syntax.name.span,
        `Cannot DROP ${syntax.object} '${path.name}': it is a ${object.kind}.`,
        `Write DROP ${object.kind.toUpperCase()} ${path.name}.`,
      )
    }
    catalog.remove(path)
  }
}
