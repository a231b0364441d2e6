/** What a decided parallelism makes of a graph, and what it may not be. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { edge, pipeline, vertex } from '../testing/cluster-harness.ts'
import { planRound } from './plan-round.ts'

const none = { running: new Map<string, number>() }
const forward = (required: boolean) => ({
  ...pipeline(2),
  edges: [{ ...edge('source', 'sink'), partitioning: { kind: 'forward' as const, required } }],
})
const decided = (source: number, sink: number) =>
  new Map([
    ['v-source', source],
    ['v-sink', sink],
  ])

test('A round runs at the decided parallelism and goes by the edges as submitted', () => {
  const graph = pipeline(2)
  const planned = planRound(graph, decided(3, 1), none)
  assert.deepEqual(
    planned.vertices.map(({ parallelism }) => parallelism),
    [3, 1],
  )
  assert.deepEqual(planned.edges, graph.edges)
  assert.deepEqual(planRound(graph, decided(2, 2), none), graph)
})

test('A forward between unequal numbers becomes round robin when it was only cheap, and is refused when it is required', () => {
  const kindOf = (source: number, sink: number, required: boolean) =>
    planRound(forward(required), decided(source, sink), none).edges[0]?.partitioning.kind
  assert.equal(kindOf(3, 3, true), 'forward')
  assert.equal(kindOf(3, 3, false), 'forward')
  assert.equal(kindOf(3, 1, false), 'rebalance')
  assert.throws(() => kindOf(3, 1, true), {
    code: 'PARALLELISM_INVALID',
    message: /as many subtasks of 'source' as of 'sink'.*3 and 1/,
  })
  const unsaid = { ...forward(true), edges: [edge('source', 'sink', 'forward')] }
  assert.throws(() => planRound(unsaid, decided(3, 1), none), { code: 'PARALLELISM_INVALID' })
})

test('What no job can bear is refused', () => {
  const graph = { ...pipeline(2), vertices: [vertex('source', 2), vertex('sink', 2)] }
  for (const [map, message] of [
    [decided(0, 1), /1 to 128 subtasks of 'source'; decided were 0/],
    [decided(1, 129), /1 to 128 subtasks of 'sink'; decided were 129/],
    [decided(1.5, 1), /decided were 1\.5/],
    [new Map([['v-sink', 1]]), /decided were nothing/],
  ] as const) {
    assert.throws(() => planRound(graph, map, none), { code: 'PARALLELISM_INVALID', message })
  }
  const running = new Map([['v-sink', 2]])
  assert.throws(() => planRound(graph, decided(2, 3), { running }), {
    code: 'PARALLELISM_INVALID',
    message: /2 subtasks of 'sink', which go on running; decided were 3/,
  })
})
