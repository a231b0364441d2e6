/** Which splits REST names as holding a vertex's watermark. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExecutionVertex } from '../execution-graph/execution-graph.ts'
import { watermarkHolds } from './vertex-view.ts'

/** A vertex of subtasks that stand at the given watermarks; the first reports `certain` about its quiet split. */
function vertex(watermarks: readonly (number | null)[], certain: boolean): ExecutionVertex {
  const hold = { what: 'partition 0', sinceMs: 5, lastEventTimeMs: 10, certain, hint: 'h' }
  const subtasks = watermarks.map((currentInputWatermark, index) => ({
    index,
    current: {
      metrics: {
        currentInputWatermark,
        operators: [{ operatorName: 'source', watermarkHold: index === 0 ? hold : null }],
      },
    },
  }))
  return { subtasks } as never as ExecutionVertex
}

test('a quiet split of a subtask holds when another subtask is ahead', () => {
  // Cause: with a partition a subtask, a partition that had stopped was never named as what holds the watermark.
  assert.deepEqual(watermarkHolds(vertex([100, 200], false)), [
    {
      what: 'partition 0',
      sinceMs: 5,
      lastEventTimeMs: 10,
      hint: 'h',
      subtask: 0,
      operator: 'source',
    },
  ])
  assert.equal(watermarkHolds(vertex([null, 200], false)).length, 1)
})

test('where all input has stopped nothing is named', () => {
  assert.deepEqual(watermarkHolds(vertex([200, 200], false)), [])
  assert.deepEqual(watermarkHolds(vertex([200, 100], false)), [])
  assert.deepEqual(watermarkHolds(vertex([null], false)), [])
})

test('what the subtask is certain of is named whatever the others do', () => {
  assert.equal(watermarkHolds(vertex([100], true)).length, 1)
})
