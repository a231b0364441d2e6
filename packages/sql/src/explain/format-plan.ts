/** Plans as EXPLAIN prints them: indented trees in the reference engine's manner. */
import type { JobGraph } from '@millrace/graph'
import type { LogicalNode } from '../logical/logical-plan.ts'
import { describeLogical, inputsOf } from '../logical/node-shapes.ts'
import {
  describeNode,
  type PhysicalInput,
  type PhysicalNode,
  rewritePhysical,
} from '../physical/physical-plan.ts'
import { formatChangelogMode } from '../physical/traits.ts'

/** What the statement says: the logical plan before the optimizer. */
export function formatLogical(node: LogicalNode): string {
  return tree(node, (n) => [describeLogical(n), inputsOf(n)])
}

/**
 * What runs, up to each of the sinks; with `changelogMode` also which kinds of rows each operator
 * gives (a sink gives none). A part with several consumers is shown with the first of them and
 * referred to by the others.
 */
export function formatPhysical(
  sinks: readonly PhysicalNode[],
  { changelogMode }: { readonly changelogMode: boolean },
): string {
  const shared = nodesReadTwice(sinks)
  const numbers = new Map<PhysicalNode, number>()
  const describe = (node: PhysicalNode): string => {
    const isSink = sinks.includes(node)
    const mode = isSink ? '[NONE]' : formatChangelogMode(node.traits)
    const text = describeNode(
      node,
      ...(isSink ? [] : rowtimeOf(node)),
      ...(changelogMode ? [`changelogMode=${mode}`] : []),
    )
    if (!shared.has(node)) return text
    numbers.set(node, numbers.size + 1)
    return `${text}(reuse_id=[${numbers.get(node)}])`
  }
  const show = (n: PhysicalNode | Exchange): [string, readonly (PhysicalNode | Exchange)[]] => {
    if ('exchange' in n) return [n.exchange, [n.node]]
    const number = numbers.get(n)
    if (number !== undefined) return [`Reused(reference_id=[${number}])`, []]
    return [describe(n), n.inputs.map(withExchange)]
  }
  return sinks.map((sink) => tree<PhysicalNode | Exchange>(sink, show)).join('\n\n')
}

function rowtimeOf({ schema, traits }: PhysicalNode): string[] {
  const names = traits.rowtime.columns.map((column) => schema.fields[column]?.name)
  return names.length === 0 ? [] : [`rowtime=[${names.join(', ')}]`]
}

function withExchange({ node, partitioning }: PhysicalInput): PhysicalNode | Exchange {
  if (partitioning.kind === 'forward') return node
  const columns =
    partitioning.kind === 'hash'
      ? partitioning.keyColumns.map((i) => node.schema.fields[i]?.name).join(', ')
      : ''
  const text = partitioning.kind === 'hash' ? `hash[${columns}]` : partitioning.kind
  return { exchange: `Exchange(distribution=[${text}])`, node }
}

function nodesReadTwice(sinks: readonly PhysicalNode[]): Set<PhysicalNode> {
  const seen = new Set<PhysicalNode>()
  const twice = new Set<PhysicalNode>()
  rewritePhysical(sinks, (node) => {
    for (const input of node.inputs) (seen.has(input.node) ? twice : seen).add(input.node)
    return node
  })
  return twice
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
