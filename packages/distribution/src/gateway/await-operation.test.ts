/** Waiting for a cluster: progress, named reasons, a deadline that counts from the last news. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MillraceError } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import { type CheckpointEntry, restError } from '@millrace/rest-api'
import { type AwaitedOperation, awaitOperation, triggeredOutcome } from './await-operation.ts'
import { describe } from './operation-progress.ts'

/** Time passes only while somebody waits for it. */
function steppedClock(): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer(delayMs, action) {
      queueMicrotask(() => {
        nowMs += delayMs
        action()
      })
      return () => {}
    },
    setImmediate: (action) => queueMicrotask(action),
    processCpuMicros: () => 0,
  }
}

/** Says `states` one after the other, the last for ever; `done` when there are no more. */
function operation(states: readonly string[], ends: boolean): AwaitedOperation<string> {
  let asked = 0
  return {
    title: 'savepoint of job 1',
    outcome: async () => (ends && asked === states.length ? 'done' : null),
    progress: async () => states[Math.min(asked++, states.length - 1)] as string,
    hint: 'It goes on.',
  }
}

test('each step is reported, and the outcome is given when there is one', async () => {
  const reported: string[] = []
  const waiting = { clock: steppedClock(), timeoutMs: 1000 }
  const outcome = await awaitOperation(operation(['waits', 'is written'], true), {
    ...waiting,
    report: (text) => reported.push(text),
  })
  assert.equal(outcome, 'done')
  assert.deepEqual(reported, ['savepoint of job 1: waits', 'savepoint of job 1: is written'])
})

test('nobody waits for ever: the error says what was waited for, and each step gives new time', async () => {
  const clock = steppedClock()
  const waiting = { clock, timeoutMs: 1000, report: () => {} }
  const steps = Array.from({ length: 50 }, (_, step) => `has written ${Math.floor(step / 8)}`)
  await assert.rejects(
    awaitOperation(operation([...steps, 'waits for a checkpoint'], false), waiting),
    (error: MillraceError) => {
      assert.equal(error.code, 'OPERATION_STALLED')
      assert.match(error.message, /client\.timeout.* for 1 s\. It waits for a checkpoint\.$/)
      assert.equal(error.hint, 'It goes on.')
      return true
    },
  )
  // Fifty steps of 100 ms with news in them, and then the second without.
  assert.equal(clock.monotonicMs(), 6000)
})

test('an operation that no JobManager knows any more is named as lost, with what the job is', async () => {
  const unknown = async () => {
    throw Object.assign(restError('REST_UNREACHABLE', 'no'), { code: 'OPERATION_UNKNOWN' })
  }
  const lost = triggeredOutcome('savepoint of job 1', unknown, async () => 'Job 1 is RUNNING.')
  await assert.rejects(lost, { code: 'OPERATION_LOST', message: /no more\. Job 1 is RUNNING\.$/ })
})

const VERTICES = [
  { id: 'a', name: 'Source' },
  { id: 'b', name: 'Sink' },
] as never

function entry(id: number, savepoint: boolean, status: string, counts: [number, number]) {
  const [source, sink] = counts
  return {
    ...{ id, status, is_savepoint: savepoint },
    num_subtasks: 4,
    num_acknowledged_subtasks: source + sink,
    tasks: {
      a: { num_subtasks: 2, num_acknowledged_subtasks: source },
      b: { num_subtasks: 2, num_acknowledged_subtasks: sink },
    },
  } as unknown as CheckpointEntry
}

test('what a savepoint waits for has a name', () => {
  const running = { state: 'RUNNING', 'status-reason': null, vertices: VERTICES } as const
  const restarting = { ...running, state: 'RESTARTING', 'status-reason': 'in 3 s' } as const
  const own = entry(8, true, 'IN_PROGRESS', [2, 1])
  const before = entry(7, false, 'IN_PROGRESS', [1, 0])
  const cases: [string, string][] = [
    [describe([], null, running), 'waits for its turn'],
    [describe([], null, restarting), 'waits while the job is RESTARTING (in 3 s)'],
    [
      describe([before], null, running),
      'waits for checkpoint 7 to end: 1 of 4 subtasks have written their state; they wait for Source (1 of 2), Sink (0 of 2)',
    ],
    [
      describe([own, before], 8, running),
      '3 of 4 subtasks have written their state; it waits for Sink (1 of 2)',
    ],
    [
      describe([entry(8, true, 'IN_PROGRESS', [2, 2])], 8, running),
      '4 of 4 subtasks have written their state; its metadata is being written',
    ],
    [
      describe([entry(8, true, 'COMPLETED', [2, 2])], 8, running),
      'is complete, and waits for the job to end: it is RUNNING',
    ],
    // One of earlier, which is not the one that is waited for.
    [describe([entry(6, true, 'COMPLETED', [2, 2])], null, running), 'waits for its turn'],
  ]
  for (const [found, expected] of cases) assert.equal(found, expected)
})
