/** Samples of a slot's thread, given to its subtasks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attribute } from './slot-profile.ts'

// root → step → (poll | emit)
const NODES = [
  { name: '(root)', parent: -1 },
  { name: 'step', parent: 0 },
  { name: 'poll', parent: 1 },
  { name: 'emit', parent: 1 },
]
const [source, sink] = [{}, {}]
const TASKS = new Map([
  [source, { attemptId: 'source', timingKind: 'busy' as const }],
  [sink, { attemptId: 'sink', timingKind: 'idle' as const }],
])

test('a sample counts for the subtask in whose step it was taken', () => {
  // ms  0    10   20   30
  //     source    sink     (nobody)
  const steps = [
    { task: source, fromMs: 0, toMs: 15 },
    { task: sink, fromMs: 15, toMs: 25 },
  ]
  const samples = [
    { atMs: 1, node: 2 },
    { atMs: 10, node: 3 },
    { atMs: 20, node: 3 },
    { atMs: 30, node: 0 },
  ]
  const { attempts, stack } = attribute({ nodes: NODES, samples }, steps, TASKS)
  const leaf = (name: string, value: number) => ({ name, value, children: [] })
  assert.deepEqual(attempts, [
    {
      attemptId: 'source',
      onCpu: {
        name: 'root',
        value: 2,
        children: [{ name: 'step', value: 2, children: [leaf('poll', 1), leaf('emit', 1)] }],
      },
      offCpu: { name: 'root', value: 2, children: [leaf('(waits for its turn)', 2)] },
    },
    {
      attemptId: 'sink',
      onCpu: {
        name: 'root',
        value: 1,
        children: [{ name: 'step', value: 1, children: [leaf('emit', 1)] }],
      },
      offCpu: { name: 'root', value: 3, children: [leaf('(idle: waits for input)', 3)] },
    },
  ])
  assert.deepEqual(stack, [])
})

test('where the thread was last is said innermost first', () => {
  const { stack } = attribute({ nodes: NODES, samples: [{ atMs: 1, node: 3 }] }, [], TASKS)
  assert.deepEqual(stack, ['emit', 'step'])
})
