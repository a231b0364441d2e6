/**
 * Queries and inserts through all stages: logical → optimized → physical → JobGraph. What `execute`
 * submits and EXPLAIN prints.
 */
import type { Schema } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { SQL_OPERATORS } from '@millrace/sql-operators'
import type { Catalog } from '../catalog/catalog.ts'
import { formatPath } from '../catalog/catalog-object.ts'
import { raise } from '../error-codes.ts'
import { formatJobGraph, formatLogical, formatPhysical } from '../explain/format-plan.ts'
import { buildJobGraph } from '../graph/build-job-graph.ts'
import { buildLogical } from '../logical/build-query.ts'
import { fitToSink } from '../logical/fit-to-sink.ts'
import type { LogicalNode } from '../logical/logical-plan.ts'
import { optimize } from '../optimize/optimize.ts'
import type { InsertSyntax, QuerySyntax } from '../parse/syntax-tree.ts'
import { buildPhysical } from '../physical/build-physical.ts'
import { buildCollect, buildTableSink } from '../physical/build-sink.ts'
import { decideUpdates } from '../physical/decide-updates.ts'
import { mergeEqual } from '../physical/merge-equal.ts'
import type { PhysicalContext } from '../physical/physical-context.ts'
import type { PhysicalNode } from '../physical/physical-plan.ts'
import { shareSources } from '../physical/share-sources.ts'
import {
  EMIT_EARLY_FIRE,
  EMIT_LATE_FIRE,
  LOCAL_TIME_ZONE,
  NOT_NULL_ENFORCER,
  PIPELINE_NAME,
  REUSE_SOURCES,
  REUSE_SUB_PLANS,
  RUNTIME_MODE,
} from '../sql-options.ts'

export interface CompiledStatement {
  readonly mode: 'insert' | 'select'
  readonly logical: readonly LogicalNode[]
  readonly physical: readonly PhysicalNode[]
  readonly jobGraph: JobGraph
  readonly schema: Schema
  readonly sinkTable?: string
  readonly collectOperatorId?: string
}

export class StatementCompiler {
  readonly #catalog: Catalog
  readonly #context: PhysicalContext
  readonly #jobId: () => string

  constructor(catalog: Catalog, context: PhysicalContext, jobId: () => string) {
    this.#catalog = catalog
    this.#context = context
    this.#jobId = jobId
  }

  /** The query's plan before the optimizer. */
  logical(query: QuerySyntax, takesNulls = false): LogicalNode {
    const { configuration } = this.#context
    const emit = [EMIT_EARLY_FIRE, EMIT_LATE_FIRE].find((option) => configuration.get(option))
    return buildLogical(query, this.#catalog, {
      emitOption: emit?.key ?? null,
      takesNulls,
      database: this.#catalog.currentDatabase,
      localTimeZone: configuration.get(LOCAL_TIME_ZONE),
      batch: configuration.get(RUNTIME_MODE) === 'BATCH',
    })
  }

  /** `text`: the statement, after which the job is named. */
  compileSelect(query: QuerySyntax, text: string): CompiledStatement {
    const logical = this.logical(query)
    const rows = buildPhysical(optimize(logical), this.#context)
    const physical = this.#asOnePlan([buildCollect(rows, this.#context)])
    const jobGraph = this.#jobGraph(physical, nameOfQuery(text))
    const operators = jobGraph.vertices.flatMap((vertex) => vertex.operators)
    const collect = operators.find(({ factory }) => factory === SQL_OPERATORS.collectSink)
    return {
      mode: 'select',
      logical: [logical],
      physical,
      jobGraph,
      schema: rows.schema,
      ...(collect === undefined ? {} : { collectOperatorId: collect.id }),
    }
  }

  /** Several inserts run as one job and share what they have in common. */
  compileInserts(inserts: readonly InsertSyntax[]): CompiledStatement {
    const compiled = inserts.map((insert) => this.#compileInsert(insert))
    const tables = compiled.map(({ table }) => formatPath(table.path))
    const [first] = compiled as [(typeof compiled)[number]]
    const physical = this.#asOnePlan(compiled.map((item) => item.physical))
    return {
      mode: 'insert',
      logical: compiled.map((item) => item.logical),
      physical,
      jobGraph: this.#jobGraph(physical, `insert-into_${tables.join(',')}`),
      schema: first.table.physicalSchema,
      sinkTable: tables[0] as string,
    }
  }

  #compileInsert(insert: InsertSyntax) {
    const table = this.#catalog.get(insert.table)
    if (table.kind === 'view') {
      throw raise(
        'SQL_INVALID',
        insert.table.span,
        `Cannot insert into '${table.path.name}': it is a view.`,
      )
    }
    const logical = fitToSink(this.logical(insert.query, true), table, insert, {
      dropNulls: this.#context.configuration.get(NOT_NULL_ENFORCER) === 'DROP',
    })
    const overrides = Object.fromEntries((insert.hints ?? []).map(({ key, value }) => [key, value]))
    const options = { ...table.options, ...overrides }
    const input = buildPhysical(optimize(logical), this.#context)
    const physical = buildTableSink(input, table, options, insert.table.span, this.#context)
    return { table, logical, physical }
  }

  /**
   * What the queries of a job have in common is done once; then it is clear which rows each
   * part has to give.
   */
  #asOnePlan(sinks: readonly PhysicalNode[]): PhysicalNode[] {
    const { configuration } = this.#context
    const reuse = configuration.get(REUSE_SUB_PLANS)
    const shared = reuse && configuration.get(REUSE_SOURCES) ? shareSources(sinks) : sinks
    return decideUpdates(reuse ? mergeEqual(shared) : shared)
  }

  #jobGraph(sinks: readonly PhysicalNode[], defaultName: string): JobGraph {
    const { configuration } = this.#context
    return buildJobGraph(sinks, {
      jobId: this.#jobId(),
      name: configuration.get(PIPELINE_NAME) ?? defaultName,
      configuration,
    })
  }
}

const QUERY_NAME_LENGTH = 80
/** Texts in quotes, which stay as they are, and what lies between words. */
const BETWEEN_WORDS = /('(?:[^']|'')*'|`[^`]*`|"[^"]*")|(?:--[^\n]*|\/\*[\s\S]*?\*\/|\s)+/g

/** A query on one line, without comments, cut where a list of jobs would become unreadable. */
function nameOfQuery(text: string): string {
  const line = text
    .replace(BETWEEN_WORDS, (_, quoted?: string) => quoted?.replace(/\s+/g, ' ') ?? ' ')
    .replace(/[\s;]+$/, '')
    .trim()
  const characters = [...line]
  if (characters.length <= QUERY_NAME_LENGTH) return line
  return `${characters
    .slice(0, QUERY_NAME_LENGTH - 1)
    .join('')
    .trimEnd()}…`
}

/** The three sections of EXPLAIN. */
export function formatExplain(
  compiled: CompiledStatement,
  details: { readonly changelogMode: boolean },
): string {
  const physical = formatPhysical(compiled.physical, details)
  return [
    '== Abstract Syntax Tree ==',
    compiled.logical.map(formatLogical).join('\n\n'),
    '',
    '== Optimized Physical Plan ==',
    physical,
    '',
    '== Optimized Execution Plan ==',
    formatJobGraph(compiled.jobGraph),
    '',
  ].join('\n')
}
