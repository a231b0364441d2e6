/** Chains that a round runs in two, for rows that were on their way between their operators. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobGraph, JobVertex, OperatorDescriptor } from '@millrace/graph'
import type { CheckpointManifest } from '@millrace/state'
import { pipeline, vertex } from '../testing/cluster-harness.ts'
import { channelEdges } from './channel-edges.ts'
import { chainCuts, unchained } from './unchain.ts'

/** With rows from `op-source` to `op-sink` at parallelism 2, where both were vertices. */
function manifest(type = pipeline(2).edges[0]?.type): CheckpointManifest {
  const [edge] = channelEdges(pipeline(2))
  const handle = { kind: 'file', path: 'c', size: 1, crc32: 1 } as const
  const parts = [{ from: 'input', gate: 0, channel: 0, name: '0', size: 1 }] as const
  return {
    ...{ jobId: 'j', checkpointId: 1, timestampMs: 0, leaderEpoch: 1 },
    ...{ operators: [], coordinators: {} },
    inFlight: {
      edges: [{ ...edge, type } as ReturnType<typeof channelEdges>[number]],
      vertices: { 'v-sink': [{ version: 1, handle, parts }, null] },
    },
  }
}

/** source → sink → after, and `beside` reads the source, too: one chain. */
function chain(changes: Partial<OperatorDescriptor> = {}): JobGraph {
  const [source] = vertex('source', 1).operators as [OperatorDescriptor]
  const at = (name: string, input: number): OperatorDescriptor => {
    return { ...source, id: `op-${name}`, name, inputs: [input] }
  }
  const operators = [source, at('beside', 0), { ...at('sink', 0), ...changes }, at('after', 2)]
  return { ...pipeline(1), vertices: [{ ...vertex('source', 1), operators }], edges: [] }
}

test('an operator is cut off with what reads it, behind the edge as it was', () => {
  const graph = chain()
  const cuts = chainCuts(graph, manifest())
  const { vertices, edges } = unchained(graph, cuts)
  const shown = ({ operators }: JobVertex) =>
    operators.map(({ name, inputs }) => `${name} ${JSON.stringify(inputs)}`)
  assert.deepEqual(vertices.map(shown), [
    ['source []', 'beside [0]'],
    ['sink [{"gate":0}]', 'after [0]'],
  ])
  const [, off] = vertices
  assert.deepEqual(edges, [
    { ...pipeline(2).edges[0], sourceVertexId: 'v-source', targetVertexId: off?.id },
  ])
  assert.equal(off?.parallelism, 1)
})

test('a new sink takes the place of the one that was, unless something else reads the rows as well', () => {
  const [only] = chainCuts(pipelineOfOne('op-other'), manifest())
  assert.equal(only?.operatorId, 'op-other')
  assert.deepEqual(chainCuts(chain({ id: 'op-other' }), manifest()), [])
})

test('what is still an edge, carries other rows or has a coordinator is not cut', () => {
  assert.deepEqual(chainCuts(pipeline(1), manifest()), [])
  const other = { kind: 'columns', schema: { fields: [] } } as const
  assert.deepEqual(chainCuts(chain(), manifest(other)), [])
  const coordinator = { factory: 'collect', config: null }
  assert.deepEqual(chainCuts(chain({ coordinator }), manifest()), [])
  const { inFlight: _, ...aligned } = manifest()
  assert.deepEqual(chainCuts(chain(), aligned), [])
})

function pipelineOfOne(id: string): JobGraph {
  const graph = chain({ id })
  const [{ operators }] = graph.vertices as [JobVertex]
  const [source, , sink] = operators as [OperatorDescriptor, unknown, OperatorDescriptor]
  return { ...graph, vertices: [{ ...vertex('source', 1), operators: [source, sink] }] }
}
