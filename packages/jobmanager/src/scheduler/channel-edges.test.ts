/**
 * Where barriers may overtake rows, and how channels of several edges into one gate are numbered.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobEdge, JobGraph, JobVertex, Partitioning } from '@millrace/graph'
import { channelEdges, whyAligned } from './channel-edges.ts'

function vertexOf(id: string, parallelism: number, gates: readonly number[] = []): JobVertex {
  const inputs = gates.map((gate) => ({ gate }))
  const operator = { id: `operator of ${id}`, name: id, factory: 'f', config: {}, inputs }
  return {
    ...{ id, name: id, parallelism, maxParallelism: 8, slotSharingGroup: 'default' },
    operators: [{ ...operator, outputSchema: { fields: [] } }],
  }
}

function edgeOf(from: string, to: string, gate: number, partitioning: Partitioning): JobEdge {
  return {
    ...{ sourceVertexId: from, sourceOperator: 0, targetVertexId: to, targetGate: gate },
    ...{ partitioning, type: { kind: 'columns', schema: { fields: [] } } },
  }
}

const HASH = { kind: 'hash', keyColumns: [0] } as const
const REBALANCE = { kind: 'rebalance' } as const

function graphOf(edges: readonly JobEdge[]): JobGraph {
  return {
    ...{ formatVersion: 2, jobId: 'j', name: 'j', configuration: {}, jobType: 'STREAMING' },
    vertices: [vertexOf('a', 2), vertexOf('b', 3), vertexOf('c', 4, [0, 1])],
    edges,
  }
}

test('a vertex that reads a forward or broadcast edge stays aligned, with all that it reads', () => {
  const mixed = graphOf([
    edgeOf('a', 'c', 0, HASH),
    edgeOf('b', 'c', 1, { kind: 'broadcast' }),
    edgeOf('a', 'b', 0, REBALANCE),
  ])
  assert.equal(whyAligned(mixed, 'c'), 'broadcast')
  assert.equal(whyAligned(mixed, 'b'), null)
  assert.equal(whyAligned(graphOf([edgeOf('a', 'b', 0, { kind: 'forward' })]), 'b'), 'forward')
})

test('channels of a gate are those of its edges, one after the other', () => {
  const edges = [
    edgeOf('a', 'c', 0, HASH),
    edgeOf('b', 'c', 1, HASH),
    edgeOf('b', 'c', 0, REBALANCE),
  ]
  const described = channelEdges(graphOf(edges)).map(({ source, target, producers, consumers }) => [
    ...[source.operatorId, source.edge, target.gate, target.input],
    ...[target.channel, producers, consumers],
  ])
  assert.deepEqual(described, [
    ['operator of a', 0, 0, 0, 0, 2, 4],
    ['operator of b', 0, 1, 1, 0, 3, 4],
    ['operator of b', 1, 0, 0, 2, 3, 4],
  ])
})
