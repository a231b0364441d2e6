/**
 * The edges of a job graph as channel state knows them, and where barriers may overtake rows. Pure.
 */
import type { JobEdge, JobGraph, JobVertex, OperatorDescriptor } from '@millrace/graph'
import type { ChannelEdge } from '@millrace/state'

/**
 * The rule that keeps a vertex aligned; null: barriers may overtake what is on their way to it.
 *
 * `forward`: rows lie as the producer had them, by a key or in an order that the edge does not
 * know, so elements of it could not be dealt to another parallelism. `broadcast`: every consumer
 * has its copy, and after a rescale they would disagree. One such edge keeps all of its vertex
 * aligned, as a checkpoint is taken of all inputs at once.
 */
export function whyAligned(
  { edges }: Pick<JobGraph, 'edges'>,
  vertexId: string,
): 'forward' | 'broadcast' | null {
  for (const { targetVertexId, partitioning } of edges) {
    if (targetVertexId !== vertexId) continue
    if (partitioning.kind === 'forward' || partitioning.kind === 'broadcast') {
      return partitioning.kind
    }
  }
  return null
}

export function operatorsOf({ vertices }: Pick<JobGraph, 'vertices'>): OperatorDescriptor[] {
  return vertices.flatMap(({ operators }) => operators)
}

export function channelEdges({ vertices, edges }: JobGraph): ChannelEdge[] {
  const vertexOf = new Map(vertices.map((vertex) => [vertex.id, vertex]))
  return edges.map((edge) => {
    const source = vertexOf.get(edge.sourceVertexId) as JobVertex
    const target = vertexOf.get(edge.targetVertexId) as JobVertex
    const outputs = edges.filter(({ sourceVertexId }) => sourceVertexId === source.id)
    return {
      source: {
        vertexId: source.id,
        operatorId: source.operators[edge.sourceOperator]?.id as string,
        edge: outputs.indexOf(edge),
      },
      target: {
        vertexId: target.id,
        ...readerOf(target, edge.targetGate),
        gate: edge.targetGate,
        channel: firstChannelOf(edge, edges, vertexOf),
        maxParallelism: target.maxParallelism,
      },
      type: edge.type,
      partitioning: edge.partitioning,
      producers: source.parallelism,
      consumers: target.parallelism,
    }
  })
}

function readerOf({ operators }: JobVertex, gate: number): { operatorId: string; input: number } {
  for (const { id, inputs } of operators) {
    const input = inputs.findIndex((from) => typeof from !== 'number' && from.gate === gate)
    if (input >= 0) return { operatorId: id, input }
  }
  return { operatorId: '', input: 0 }
}

/** Channels of a gate are those of its edges one after the other, as they are deployed. */
function firstChannelOf(
  edge: JobEdge,
  edges: readonly JobEdge[],
  vertexOf: ReadonlyMap<string, JobVertex>,
): number {
  let channel = 0
  for (const other of edges) {
    if (other === edge) break
    if (other.targetVertexId !== edge.targetVertexId || other.targetGate !== edge.targetGate) {
      continue
    }
    const producers = vertexOf.get(other.sourceVertexId)?.parallelism as number
    channel += other.partitioning.kind === 'forward' ? 1 : producers
  }
  return channel
}
