/** Plans as EXPLAIN prints them: indented trees in the reference engine's manner. */
import { formatExpression } from '@millrace/expression'
import type { JobGraph } from '@millrace/graph'
import { formatPath } from '../catalog/catalog-object.ts'
import type { LogicalNode } from '../logical/logical-plan.ts'
import { describeNode, type PhysicalNode } from '../physical/physical-plan.ts'

/** What the statement says: the logical plan before the optimizer. */
export function formatLogical(node: LogicalNode): string {
  return tree(node, (n) => [describeLogical(n), inputsOf(n)])
}

/** What runs. */
export function formatPhysical(node: PhysicalNode): string {
  return tree<PhysicalNode | Exchange>(node, (n) =>
    'exchange' in n
      ? [n.exchange, [n.node]]
      : [
          describeNode(n),
          n.inputs.map(({ node: input, partitioning }): PhysicalNode | Exchange => {
            if (partitioning.kind === 'forward') return input
            const columns =
              partitioning.kind === 'hash'
                ? partitioning.keyColumns.map((i) => input.schema.fields[i]?.name).join(', ')
                : ''
            const text = partitioning.kind === 'hash' ? `hash[${columns}]` : partitioning.kind
            return { exchange: `Exchange(distribution=[${text}])`, node: input }
          }),
        ],
  )
}

interface Exchange {
  readonly exchange: string
  readonly node: PhysicalNode
}

/** Vertices with their parallelism, and the edges between them. */
export function formatJobGraph(graph: JobGraph): string {
  const lines: string[] = []
  const numbers = new Map(graph.vertices.map((vertex, i) => [vertex.id, i + 1]))
  for (const vertex of graph.vertices) {
    lines.push(`[${numbers.get(vertex.id)}] ${vertex.name} (parallelism ${vertex.parallelism})`)
    for (const edge of graph.edges) {
      if (edge.targetVertexId !== vertex.id) continue
      lines.push(`    <- [${numbers.get(edge.sourceVertexId)}] ${edge.partitioning.kind}`)
    }
  }
  return lines.join('\n')
}

function tree<T>(root: T, describe: (node: T) => readonly [string, readonly T[]]): string {
  const lines: string[] = []
  const walk = (node: T, indent: string, branch: string) => {
    const [text, inputs] = describe(node)
    lines.push(`${indent}${branch}${text}`)
    const inner = branch === '' ? '' : `${indent}${branch === ':- ' ? ':  ' : '   '}`
    for (const [i, input] of inputs.entries()) {
      walk(input, inner, i < inputs.length - 1 ? ':- ' : '+- ')
    }
  }
  walk(root, '', '')
  return lines.join('\n')
}

function inputsOf(node: LogicalNode): readonly LogicalNode[] {
  if (node.kind === 'scan' || node.kind === 'values') return []
  return node.kind === 'union' ? node.inputs : [node.input]
}

function describeLogical(node: LogicalNode): string {
  const names = (input: LogicalNode) => input.schema.fields.map((field) => field.name)
  switch (node.kind) {
    case 'scan':
      return `LogicalTableScan(table=[[${formatPath(node.table.path).replaceAll('.', ', ')}]])`
    case 'values':
      return `LogicalValues(rows=[${node.rows.length}])`
    case 'filter':
      return `LogicalFilter(condition=[${formatExpression(node.condition, names(node.input))}])`
    case 'project': {
      const inner = names(node.input)
      const items = node.expressions.map(
        (expression, i) =>
          `${node.schema.fields[i]?.name}=[${formatExpression(expression, inner)}]`,
      )
      return `LogicalProject(${items.join(', ')})`
    }
    case 'window-table': {
      const time = node.input.schema.fields[node.timeColumn]?.name
      return `LogicalTableFunctionScan(window=[${node.window.kind.toUpperCase()}(${time}, ${node.window.sizeMs} ms)])`
    }
    case 'union':
      return 'LogicalUnion(all=[true])'
    case 'aggregate':
    case 'window-aggregate': {
      const inner = names(node.input)
      const keys = node.keys.map((key) => formatExpression(key, inner)).join(', ')
      const calls = node.aggregates.map((call) => {
        const argument = call.argument === null ? '' : formatExpression(call.argument, inner)
        return `${call.function}(${call.distinct ? 'DISTINCT ' : ''}${argument})`
      })
      const kind = node.kind === 'aggregate' ? 'LogicalAggregate' : 'LogicalWindowAggregate'
      const window =
        node.kind === 'aggregate'
          ? ''
          : `, window=[${node.window.kind.toUpperCase()}(${node.window.sizeMs} ms)], properties=[${node.properties.join(', ')}]`
      return `${kind}(group=[{${keys}}], calls=[${calls.join(', ')}]${window})`
    }
  }
}
