/** Which splits REST names as holding a vertex's watermark. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExecutionVertex } from '../execution-graph/execution-graph.ts'
import { watermarkHolds as holdsIn } from './watermark-holds.ts'

const watermarkHolds = (vertex: ExecutionVertex) =>
  holdsIn({ vertices: new Map([['v', vertex]]), attempt: () => undefined }, vertex)

/**
 * A vertex of subtasks that stand at the given watermarks; the first reports `certain` about
 * its quiet split.
 */
function vertex(watermarks: readonly (number | null)[], certain: boolean): ExecutionVertex {
  const hold = {
    what: 'partition 0',
    reason: 'silent',
    sinceMs: 5,
    lastEventTimeMs: 10,
    certain,
    hint: 'h',
  }
  const subtasks = watermarks.map((currentInputWatermark, index) => ({
    index,
    current: {
      vertexId: 'v',
      subtaskIndex: index,
      metrics: {
        currentInputWatermark,
        operators: [{ operatorName: 'source', watermarkHold: index === 0 ? hold : null }],
      },
    },
  }))
  return { subtasks } as never as ExecutionVertex
}

test('a quiet split of a subtask holds when another subtask is ahead', () => {
  // Cause: with a partition a subtask, a partition that had stopped was never named as what holds
  // the watermark.
  assert.deepEqual(watermarkHolds(vertex([100, 200], false)), [
    {
      what: 'partition 0',
      reason: 'silent',
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

/**
 * Two sources of two subtasks each and a join of one, whose report names the channel that holds it.
 */
function joined(heldBy: { producerAttemptId: string; pausedSinceMs: number | null }) {
  const attempts = new Map<string, object>()
  const vertexOf = (id: string, subtasks: readonly object[]) => {
    const current = (metrics: object, subtaskIndex: number) => {
      const attempt = { id: `${id}-${subtaskIndex}`, vertexId: id, subtaskIndex, metrics }
      attempts.set(attempt.id, attempt)
      return { index: subtaskIndex, current: attempt }
    }
    return { vertex: { name: id }, subtasks: subtasks.map(current) } as never as ExecutionVertex
  }
  const source = (name: string, subtask: number) => ({
    currentInputWatermark: 100 * subtask,
    heldBy: null,
    operators: [
      {
        operatorName: name,
        watermarkHold: {
          what: `${name}, partition ${subtask}`,
          reason: 'silent',
          sinceMs: 5,
          lastEventTimeMs: 10,
          certain: true,
          hint: 'h',
        },
      },
    ],
  })
  const vertices = new Map([
    ['left', vertexOf('left', [source('left', 0), source('left', 1)])],
    ['right', vertexOf('right', [source('right', 0), source('right', 1)])],
    ['join', vertexOf('join', [{ currentInputWatermark: 0, heldBy, operators: [] }])],
  ])
  const graph = { vertices, attempt: (id: string) => attempts.get(id) as never }
  return holdsIn(graph, vertices.get('join')!)
}

test('of a task with several gates the split behind the channel that holds is named', () => {
  // Cause: the first gate that waited was named, not the one that held.
  const holds = joined({ producerAttemptId: 'right-1', pausedSinceMs: null })
  assert.deepEqual(
    holds.map(({ what, reason, operator, subtask }) => [what, reason, operator, subtask]),
    [['right, partition 1', 'silent', 'right', 1]],
  )
})

test('a channel that is not read at present is named as what is paused', () => {
  const [hold] = joined({ producerAttemptId: 'left-0', pausedSinceMs: 77 })
  assert.deepEqual(
    [hold?.what, hold?.reason, hold?.sinceMs, hold?.operator],
    ['rows from left (1)', 'paused', 77, 'join (1)'],
  )
})
