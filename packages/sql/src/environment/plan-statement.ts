/**
 * Queries and inserts through all stages: logical → optimized → physical → JobGraph. What `execute` submits and
 * EXPLAIN prints.
 */
import type { Schema } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Catalog } from '../catalog/catalog.ts'
import { formatPath } from '../catalog/catalog-object.ts'
import { raise } from '../error-codes.ts'
import { formatJobGraph, formatLogical, formatPhysical } from '../explain/format-plan.ts'
import { buildJobGraph } from '../graph/build-job-graph.ts'
import { planQuery } from '../logical/build-query.ts'
import type { LogicalNode } from '../logical/logical-plan.ts'
import { fitToSink } from '../logical/plan-insert.ts'
import { optimize } from '../optimize/optimize.ts'
import type { InsertSyntax, QuerySyntax } from '../parse/syntax-tree.ts'
import type { PhysicalNode } from '../physical/physical-plan.ts'
import { planPhysical } from '../physical/plan-query.ts'
import { planCollect, planTableSink } from '../physical/plan-sink.ts'
import type { PlannerContext } from '../physical/planner-context.ts'
import { LOCAL_TIME_ZONE, PIPELINE_NAME } from '../sql-options.ts'

export interface PlannedStatement {
  readonly mode: 'insert' | 'select'
  readonly logical: readonly LogicalNode[]
  readonly physical: readonly PhysicalNode[]
  readonly jobGraph: JobGraph
  readonly schema: Schema
  readonly sinkTable?: string
  readonly collectOperatorId?: string
}

export class StatementPlanner {
  readonly #catalog: Catalog
  readonly #context: PlannerContext
  readonly #jobId: () => string

  constructor(catalog: Catalog, context: PlannerContext, jobId: () => string) {
    this.#catalog = catalog
    this.#context = context
    this.#jobId = jobId
  }

  /** The query's plan before the optimizer. */
  logical(query: QuerySyntax): LogicalNode {
    return planQuery(query, this.#catalog, {
      database: this.#catalog.currentDatabase,
      localTimeZone: this.#context.configuration.get(LOCAL_TIME_ZONE),
    })
  }

  planSelect(query: QuerySyntax): PlannedStatement {
    const logical = this.logical(query)
    const physical = planCollect(planPhysical(optimize(logical), this.#context), this.#context)
    const jobGraph = this.#jobGraph([physical], 'collect')
    const last = jobGraph.vertices[jobGraph.vertices.length - 1]
    const collect = last?.operators[last.operators.length - 1]
    return {
      mode: 'select',
      logical: [logical],
      physical: [physical],
      jobGraph,
      schema: physical.schema,
      ...(collect === undefined ? {} : { collectOperatorId: collect.id }),
    }
  }

  /** Several inserts run as one job, each from its own sources. */
  planInserts(inserts: readonly InsertSyntax[]): PlannedStatement {
    const planned = inserts.map((insert) => this.#planInsert(insert))
    const tables = planned.map(({ table }) => formatPath(table.path))
    const [first] = planned as [(typeof planned)[number]]
    const physical = planned.map((item) => item.physical)
    return {
      mode: 'insert',
      logical: planned.map((item) => item.logical),
      physical,
      jobGraph: this.#jobGraph(physical, `insert-into_${tables.join(',')}`),
      schema: first.table.physicalSchema,
      sinkTable: tables[0] as string,
    }
  }

  #planInsert(insert: InsertSyntax) {
    const table = this.#catalog.get(insert.table)
    if (table.kind === 'view') {
      throw raise(
        'SQL_INVALID',
        insert.table.span,
        `Cannot insert into '${table.path.name}': it is a view.`,
      )
    }
    const logical = fitToSink(this.logical(insert.query), table, insert)
    const overrides = Object.fromEntries((insert.hints ?? []).map(({ key, value }) => [key, value]))
    const options = { ...table.options, ...overrides }
    const input = planPhysical(optimize(logical), this.#context)
    const physical = planTableSink(input, table, options, insert.table.span, this.#context)
    return { table, logical, physical }
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

/** The three sections of EXPLAIN. */
export function formatExplain(plan: PlannedStatement): string {
  const physical = plan.physical.map(formatPhysical).join('\n\n')
  return [
    '== Abstract Syntax Tree ==',
    plan.logical.map(formatLogical).join('\n\n'),
    '',
    '== Optimized Physical Plan ==',
    physical,
    '',
    '== Optimized Execution Plan ==',
    formatJobGraph(plan.jobGraph),
    '',
  ].join('\n')
}
