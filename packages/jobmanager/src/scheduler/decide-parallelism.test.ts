/** At which parallelism a round runs. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobGraph, JobVertex } from '@millrace/graph'
import { edge, pipeline, vertex } from '../testing/cluster-harness.ts'
import { decideParallelism } from './decide-parallelism.ts'

function graphOf(vertices: JobVertex[], edges: JobGraph['edges']): JobGraph {
  return { ...pipeline(1), vertices, edges }
}

const inGroup = (name: string, parallelism: number, slotSharingGroup: string) =>
  vertex(name, parallelism, { slotSharingGroup })
const sourceToSink = graphOf([vertex('source', 4), vertex('sink', 2)], [edge('source', 'sink')])
const twoGroups = graphOf([inGroup('a', 4, 'left'), inGroup('b', 2, 'right')], [])
const joined = graphOf(
  [inGroup('a', 3, 'left'), inGroup('b', 3, 'right')],
  [edge('a', 'b', 'forward')],
)

test('Parallelism is what the graph says, unless slots are too few', () => {
  const table: [JobGraph, number | null, Record<string, number>][] = [
    [sourceToSink, null, { source: 4, sink: 2 }],
    [sourceToSink, 9, { source: 4, sink: 2 }],
    [sourceToSink, 3, { source: 3, sink: 2 }],
    [sourceToSink, 1, { source: 1, sink: 1 }],
    [sourceToSink, 0, { source: 1, sink: 1 }],
    [twoGroups, 6, { a: 4, b: 2 }],
    [twoGroups, 5, { a: 3, b: 2 }],
    [twoGroups, 3, { a: 1, b: 2 }],
    [twoGroups, 2, { a: 1, b: 1 }],
    [twoGroups, 1, { a: 1, b: 1 }],
    [joined, 5, { a: 2, b: 2 }],
  ]
  for (const [graph, slots, expected] of table) {
    const decided = decideParallelism(graph, slots, { running: new Map() })
    const shown = Object.fromEntries([...decided].map(([id, n]) => [id.replace('v-', ''), n]))
    assert.deepEqual(shown, expected, `${slots} slots`)
  }
})

test('What goes on running keeps its parallelism, and what a required forward joins to it follows', () => {
  const running = new Map([['v-a', 2]])
  assert.deepEqual(
    [...decideParallelism(twoGroups, null, { running })],
    [
      ['v-a', 2],
      ['v-b', 2],
    ],
  )
  assert.deepEqual(
    [...decideParallelism(joined, null, { running })],
    [
      ['v-a', 2],
      ['v-b', 2],
    ],
  )
})
