/**
 * What every pass over a logical plan has to know of each kind of node: its inputs, its
 * expressions, and how EXPLAIN shows it. One entry a kind, in one table.
 *
 * A pass names the kinds that it treats and leaves the others to `mapInputs` and
 * `mapExpressions`. A new kind is a compile error where something has to be decided for it and
 * nowhere else: here, in `optimize/prune-columns.ts` (which columns it reads) and in
 * `physical/build-physical.ts` (what runs it).
 */
import { type Expression, formatExpression } from '@millrace/expression'
import type { AggregateCall } from '@millrace/sql-operators'
import { formatPath } from '../catalog/catalog-object.ts'
import type { AggregateNode, LogicalNode, WindowAggregateNode } from './logical-plan.ts'

type Kind = LogicalNode['kind']
type NodeOf<K extends Kind> = Extract<LogicalNode, { kind: K }>
type MapExpression = (expression: Expression) => Expression

interface NodeShape<N extends LogicalNode> {
  inputs(node: N): readonly LogicalNode[]
  /** `inputs` stand in for the node's own, one for one. */
  withInputs(node: N, inputs: readonly LogicalNode[]): N
  withExpressions(node: N, map: MapExpression): N
  /** In the reference engine's manner: `LogicalFilter(condition=[a > 1])`. */
  describe(node: N): string
}

type WithInput = Extract<LogicalNode, { readonly input: LogicalNode }>

const one = {
  inputs: (node: WithInput) => [node.input],
  withInputs: <N extends WithInput>(node: N, inputs: readonly LogicalNode[]): N => ({
    ...node,
    input: inputs[0] as LogicalNode,
  }),
}
const none = {
  inputs: () => [],
  withInputs: <N extends LogicalNode>(node: N): N => node,
}
const same = <N extends LogicalNode>(node: N): N => node

const SHAPES: { readonly [K in Kind]: NodeShape<NodeOf<K>> } = {
  scan: {
    ...none,
    withExpressions: same,
    describe: ({ table }) =>
      `LogicalTableScan(table=[[${formatPath(table.path).replaceAll('.', ', ')}]])`,
  },
  values: {
    ...none,
    withExpressions: (node, map) => ({ ...node, rows: node.rows.map((row) => row.map(map)) }),
    describe: ({ rows }) => `LogicalValues(rows=[${rows.length}])`,
  },
  filter: {
    ...one,
    withExpressions: (node, map) => ({ ...node, condition: map(node.condition) }),
    describe: (node) =>
      `LogicalFilter(condition=[${formatExpression(node.condition, namesOf(node.input))}])`,
  },
  project: {
    ...one,
    withExpressions: (node, map) => ({ ...node, expressions: node.expressions.map(map) }),
    describe: ({ input, expressions, schema }) => {
      const names = namesOf(input)
      const items = expressions.map(
        (expression, i) => `${schema.fields[i]?.name}=[${formatExpression(expression, names)}]`,
      )
      return `LogicalProject(${items.join(', ')})`
    },
  },
  'window-table': {
    ...one,
    withExpressions: same,
    describe: ({ input, timeColumn, window }) => {
      const time = input.schema.fields[timeColumn]?.name
      return `LogicalTableFunctionScan(window=[${window.kind.toUpperCase()}(${time}, ${window.sizeMs} ms)])`
    },
  },
  aggregate: {
    ...one,
    withExpressions: (node, map) => ({ ...node, ...mapGrouping(node, map) }),
    describe: (node) => `LogicalAggregate(${describeGrouping(node)})`,
  },
  'window-aggregate': {
    ...one,
    withExpressions: (node, map) => ({
      ...node,
      ...mapGrouping(node, map),
      rowtime: node.rowtime === null ? null : map(node.rowtime),
    }),
    describe: (node) => {
      const window = `window=[${node.window.kind.toUpperCase()}(${node.window.sizeMs} ms)]`
      const properties = `properties=[${node.properties.join(', ')}]`
      return `LogicalWindowAggregate(${describeGrouping(node)}, ${window}, ${properties})`
    },
  },
  union: {
    inputs: (node) => node.inputs,
    withInputs: (node, inputs) => ({ ...node, inputs }),
    withExpressions: same,
    describe: () => 'LogicalUnion(all=[true])',
  },
}

/**
 * The entry for a node, as one that takes every node: kind and entry belong together by
 * the table's type.
 */
function shapeOf(node: LogicalNode): NodeShape<LogicalNode> {
  return SHAPES[node.kind] as unknown as NodeShape<LogicalNode>
}

/** In order; none for a source. */
export function inputsOf(node: LogicalNode): readonly LogicalNode[] {
  return shapeOf(node).inputs(node)
}

/** The node over `map` of each input. */
export function mapInputs<N extends LogicalNode>(
  node: N,
  map: (input: LogicalNode, index: number) => LogicalNode,
): N {
  const inputs = inputsOf(node)
  const mapped = inputs.map(map)
  if (mapped.every((input, i) => input === inputs[i])) return node
  return shapeOf(node).withInputs(node, mapped) as N
}

/** The node with `map` of each of its own expressions; its inputs' stay. */
export function mapExpressions<N extends LogicalNode>(node: N, map: MapExpression): N {
  return shapeOf(node).withExpressions(node, map) as N
}

/** The plan with `rewrite` asked at every node, inputs first. */
export function rewriteLogical(
  node: LogicalNode,
  rewrite: (node: LogicalNode) => LogicalNode,
): LogicalNode {
  return rewrite(mapInputs(node, (input) => rewriteLogical(input, rewrite)))
}

export function describeLogical(node: LogicalNode): string {
  return shapeOf(node).describe(node)
}

function namesOf(node: LogicalNode): string[] {
  return node.schema.fields.map((field) => field.name)
}

type Grouping = AggregateNode | WindowAggregateNode

function mapGrouping({ keys, aggregates }: Grouping, map: MapExpression) {
  const mapAny = (part: Expression | null) => (part === null ? null : map(part))
  return {
    keys: keys.map(map),
    aggregates: aggregates.map((call): AggregateCall => {
      return { ...call, argument: mapAny(call.argument), filter: mapAny(call.filter) }
    }),
  }
}

function describeGrouping({ input, keys, aggregates }: Grouping): string {
  const names = namesOf(input)
  const group = keys.map((key) => formatExpression(key, names)).join(', ')
  const calls = aggregates.map((call) => {
    const argument = call.argument === null ? '' : formatExpression(call.argument, names)
    return `${call.function}(${call.distinct ? 'DISTINCT ' : ''}${argument})`
  })
  return `group=[{${group}}], calls=[${calls.join(', ')}]`
}
