/** What a submitted graph must be; further cases are in job-manager.test.ts. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { JOB_GRAPH_VERSION } from '@millrace/graph'
import { ClusterHarness, edge, pipeline, vertex } from '../testing/cluster-harness.ts'
import { validateJobGraph } from './validate-job-graph.ts'

test('A graph that a client of this format once submitted is valid', () => {
  const file = `../high-availability/testdata/stored-job-format-${JOB_GRAPH_VERSION}.json`
  const { jobGraph } = JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'))
  assert.equal(validateJobGraph(jobGraph).name, 'sensor-aggregator')
})

test('A forward between unequal numbers is refused where it is required, and deployed round robin elsewhere', async () => {
  const unequal = (required?: boolean) => {
    const partitioning =
      required === undefined ? { kind: 'forward' as const } : { kind: 'forward' as const, required }
    return {
      ...pipeline(1),
      vertices: [vertex('source', 2), vertex('sink', 1, { gate: true })],
      edges: [{ ...edge('source', 'sink'), partitioning }],
    }
  }
  for (const graph of [unequal(), unequal(true)]) {
    assert.throws(() => validateJobGraph(graph), {
      code: 'JOB_GRAPH_INVALID',
      message: /no required forward between vertices of different parallelism/,
    })
  }
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(unequal(false))
  assert.equal(job.state, 'RUNNING')
  const tasks = [...(cluster.taskManagers[0]?.tasks.values() ?? [])]
  const [source, sink] = ['source', 'sink'].map((name) =>
    tasks.find((task) => task.vertex.name === name),
  )
  assert.deepEqual(source?.outputs[0]?.partitioning, { kind: 'rebalance' })
  assert.equal(sink?.gates[0]?.channels.length, 2)
})

test('A submitted graph of another format, or with a field that nobody carries out, is refused by name', () => {
  const graph = pipeline(1)
  const { formatVersion: _, ...unversioned } = graph
  assert.throws(() => validateJobGraph(unversioned), {
    code: 'JOB_GRAPH_VERSION_UNSUPPORTED',
    message: /^Submit the job again: the submitted job graph has format 1,/,
  })
  assert.throws(() => validateJobGraph({ ...graph, artifacts: ['x'] }), {
    code: 'JOB_GRAPH_INVALID',
    message: /jobGraph\.artifacts/,
  })
  const [edge] = graph.edges
  assert.throws(() => validateJobGraph({ ...graph, edges: [{ ...edge, exchange: 'blocking' }] }), {
    code: 'JOB_GRAPH_INVALID',
    message: /jobGraph\.edges\[0\]\.exchange; it is 'blocking'/,
  })
})

test('An operator that is the head of its chain is not fused behind another', () => {
  const graph = pipeline(1)
  const { vertices } = graph
  const head = (inputs: unknown[]) => {
    const [first, ...others] = vertices
    const [operator] = first?.operators ?? []
    const behind = { ...operator, id: 'f'.repeat(32), chaining: 'head', inputs }
    return { ...graph, vertices: [{ ...first, operators: [operator, behind] }, ...others] }
  }
  assert.throws(() => validateJobGraph(head([0])), {
    code: 'JOB_GRAPH_INVALID',
    message: /operators\[1\]\.inputs/,
  })
  const [source, ...others] = vertices
  const operators = source?.operators.map((operator) => ({ ...operator, chaining: 'never' }))
  const never = { ...graph, vertices: [{ ...source, operators }, ...others] }
  assert.throws(() => validateJobGraph(never), {
    code: 'JOB_GRAPH_INVALID',
    message:
      /one of always, head at jobGraph\.vertices\[0\]\.operators\[0\]\.chaining; it is 'never'/,
  })
})
