/** How a subtask's time is divided. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TaskTiming } from './task-timing.ts'

test('busy, idle and backpressured time sum up to what has passed, whatever the order', () => {
  const timing = new TaskTiming(1000)
  timing.enter('busy', 1010)
  timing.enter('busy', 1015)
  timing.enter('backpressured', 1035)
  timing.enter('idle', 1100)
  timing.enter('busy', 1101.5)
  assert.deepEqual([timing.idleMs, timing.busyMs, timing.backPressuredMs], [10 + 1.5, 5 + 20, 65])
  assert.equal(timing.kind, 'busy')
})
