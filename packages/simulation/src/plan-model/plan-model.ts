/**
 * PlanModel: what each operator of a JobGraph gives and holds after a given part of its input, worked out plainly.
 *
 * All rows at once, from the sources down: no batches, no barriers, no slots. Expressions go through the interpreter;
 * whether the plan is the query's is not its question, but whether what runs does what the plan says. Rows that do not
 * depend on the moment are worked out once.
 */
import { batchOf, keyGroups, type Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { JobGraph, OperatorDescriptor } from '@millrace/graph'
import {
  type CalcConfig,
  type GroupAggregateConfig,
  SQL_OPERATORS,
  type TableSourceConfig,
  type WindowAggregateConfig,
} from '@millrace/sql-operators'
import type { PlanInput, PlanRow } from './input-of-plan.ts'
import { evaluated, type ModelRow } from './model-row.ts'
import { firedRow, type ModelGroup, PlainGroups } from './plain-groups.ts'

/** Where a checkpoint stands. */
export interface Moment {
  /** Rows that a source has read of a partition. */
  rowsRead(source: string, partition: number): number
  /** Watermark of that subtask of a window aggregate which has the key group. */
  watermarkMs(operator: string, keyGroup: number): number
}

interface Node {
  readonly operator: OperatorDescriptor
  readonly maxParallelism: number
  readonly inputs: readonly Node[]
  /** Made from rows that do not depend on the moment. */
  readonly made: Map<ModelRow, ModelRow | null>
  readonly groups: PlainGroups | null
}

export class PlanModel {
  readonly #nodes = new Map<string, Node>()
  readonly #input: PlanInput
  readonly #sourceRows = new Map<string, readonly ModelRow[]>()
  /** By partition, the largest value in each row or before it. */
  readonly #largest = new Map<Expression, readonly (readonly number[])[]>()

  constructor(graph: JobGraph, input: PlanInput) {
    this.#input = input
    for (const vertex of graph.vertices) {
      for (const operator of vertex.operators) this.#nodeOf(graph, vertex.id, operator)
    }
  }

  /** Operators with that factory. */
  operators(factory: string): OperatorDescriptor[] {
    return [...this.#nodes.values()]
      .map(({ operator }) => operator)
      .filter((operator) => operator.factory === factory)
  }

  /** The groups that an aggregate holds. */
  groupsOf(operatorId: string, moment: Moment): ModelGroup[] {
    const node = this.#nodes.get(operatorId)!
    return node.groups!.held(this.#inputRows(node, moment), this.#openEnd(node, moment))
  }

  /**
   * Of the first `rowsRead` rows of a partition, the largest value of an expression over what the source decodes; null:
   * there is none.
   */
  largestOf(operatorId: string, partition: number, rowsRead: number, expression: Expression) {
    let largest = this.#largest.get(expression)?.[partition]
    if (largest === undefined) {
      const config = this.#nodes.get(operatorId)!.operator.config as TableSourceConfig
      const all = this.#decoded(config).map((rows) => {
        let most = Number.NEGATIVE_INFINITY
        return evaluated(rows, decodedSchema(config), [expression]).map(([value]) => {
          most = Math.max(most, (value as number | null) ?? Number.NEGATIVE_INFINITY)
          return most
        })
      })
      this.#largest.set(expression, all)
      largest = all[partition]!
    }
    const value = largest[rowsRead - 1] ?? Number.NEGATIVE_INFINITY
    return value === Number.NEGATIVE_INFINITY ? null : value
  }

  #nodeOf(graph: JobGraph, vertexId: string, operator: OperatorDescriptor): Node {
    const known = this.#nodes.get(operator.id)
    if (known !== undefined) return known
    const vertex = graph.vertices.find(({ id }) => id === vertexId)!
    const inputs = operator.inputs.flatMap((input) => {
      if (typeof input === 'number') return this.#nodeOf(graph, vertexId, vertex.operators[input]!)
      return graph.edges
        .filter((edge) => edge.targetVertexId === vertexId && edge.targetGate === input.gate)
        .map((edge) => {
          const from = graph.vertices.find(({ id }) => id === edge.sourceVertexId)!
          return this.#nodeOf(graph, from.id, from.operators[edge.sourceOperator]!)
        })
    })
    const { factory, config } = operator
    const groups =
      factory === SQL_OPERATORS.globalWindowAggregate || factory === SQL_OPERATORS.groupAggregate
        ? new PlainGroups(config as WindowAggregateConfig | GroupAggregateConfig)
        : null
    const { maxParallelism } = vertex
    const node: Node = { operator, maxParallelism, inputs, made: new Map(), groups }
    this.#nodes.set(operator.id, node)
    return node
  }

  #inputRows(node: Node, moment: Moment): ModelRow[] {
    return node.inputs.flatMap((input) => this.#rowsOf(input, moment))
  }

  #rowsOf(node: Node, moment: Moment): readonly ModelRow[] {
    const { id, factory, config } = node.operator
    switch (factory) {
      case SQL_OPERATORS.tableSource:
        return this.#readRows(node).filter(
          ({ origin }) => origin!.at < moment.rowsRead(id, origin!.partition),
        )
      case SQL_OPERATORS.calc: {
        const rows = this.#inputRows(node, moment)
        const { filter, output } = config as CalcConfig
        return through(node, rows, node.inputs[0]!.operator.outputSchema, filter, output)
      }
      // Sends on what it aggregates, in its own time; the global phase's configuration is over the rows themselves.
      case SQL_OPERATORS.localWindowAggregate:
      case SQL_OPERATORS.union:
      case SQL_OPERATORS.watermarkAssigner:
        return this.#inputRows(node, moment)
      case SQL_OPERATORS.globalWindowAggregate:
        return this.#firedRows(node, moment)
      case SQL_OPERATORS.groupAggregate:
        return node
          .groups!.held(this.#inputRows(node, moment), null)
          .map(({ key, results }) => ({ values: [...key, ...results], origin: null }))
      default:
        throw new Error(`The model knows no operator '${factory}'`)
    }
  }

  #firedRows(node: Node, moment: Moment): ModelRow[] {
    const config = node.operator.config as WindowAggregateConfig
    const fired = node.groups!.fired(this.#inputRows(node, moment), this.#openEnd(node, moment)!)
    return fired.map((group) => ({ values: firedRow(config, group), origin: null }))
  }

  /** By a group's key: what its subtask's watermark is; null for an aggregate without windows. */
  #openEnd(node: Node, moment: Moment): ((key: PlanRow) => number) | null {
    const { id, factory, config } = node.operator
    if (factory !== SQL_OPERATORS.globalWindowAggregate) return null
    const { keys, outputSchema } = config as WindowAggregateConfig
    const schema = { fields: outputSchema.fields.slice(0, keys.length) }
    const positions = keys.map((_, index) => index)
    return (key) => {
      const [keyGroup] = keyGroups(batchOf(schema, [key]), positions, node.maxParallelism)
      return moment.watermarkMs(id, keyGroup!)
    }
  }

  /** Every row of a source's input that its filter lets through. */
  #readRows(node: Node): readonly ModelRow[] {
    const { id: source } = node.operator
    let rows = this.#sourceRows.get(source)
    if (rows === undefined) {
      const config = node.operator.config as TableSourceConfig
      const decoded = this.#decoded(config).flatMap((partitionRows, partition) =>
        partitionRows.map(
          (values, at): ModelRow => ({ values, origin: { source, partition, at } }),
        ),
      )
      rows = through(node, decoded, decodedSchema(config), config.filter, config.output)
      this.#sourceRows.set(source, rows)
    }
    return rows
  }

  #decoded(config: TableSourceConfig): PlanRow[][] {
    const { fields } = decodedSchema(config)
    return this.#input
      .partitions(config.tableName)
      .map((rows) => rows.map((row) => fields.map(({ name }) => row[name] ?? null)))
  }
}

function decodedSchema({ projection, physicalSchema }: TableSourceConfig): Schema {
  return { fields: projection.map((index) => physicalSchema.fields[index]!) }
}

/** Filter, then projection; of each row once. */
function through(
  { made }: Node,
  rows: readonly ModelRow[],
  schema: Schema,
  filter: Expression | null,
  output: readonly Expression[] | null,
): ModelRow[] {
  const open = rows.filter((row) => !made.has(row))
  const values = open.map((row) => row.values)
  const kept = filter === null ? null : evaluated(values, schema, [filter])
  const passing = open.filter((_, i) => kept === null || kept[i]![0] === true)
  const passed = passing.map((row) => row.values)
  const projected = output === null ? passed : evaluated(passed, schema, output)
  for (const row of open) made.set(row, null)
  passing.forEach((row, i) => {
    made.set(row, { values: projected[i]!, origin: row.origin })
  })
  const result = rows.flatMap((row) => made.get(row) ?? [])
  // Rows of an aggregate are new each time.
  for (const row of open) if (row.origin === null) made.delete(row)
  return result
}
