/** When checkpoints fall due, by a clock that a test moves. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Configuration } from '@millrace/core'
import { ManualClock } from '../testing/manual-clock.ts'
import { CheckpointSchedule } from './checkpoint-schedule.ts'
import { type CheckpointSettings, checkpointSettingsOf } from './checkpoint-settings.ts'

/** A schedule of an interval of 10 s, whose checkpoints end at once; when each was triggered. */
function scheduled() {
  const clock = new ManualClock()
  const startMs = clock.monotonicMs()
  const options = { 'execution.checkpointing.interval': '10 s' }
  const settings = checkpointSettingsOf(new Configuration(options)) as CheckpointSettings
  const dueMs: number[] = []
  const state = { pending: 0, reached: true, demanded: false }
  const schedule: CheckpointSchedule = new CheckpointSchedule(clock, settings, {
    due() {
      dueMs.push(clock.monotonicMs() - startMs)
      schedule.triggered()
      schedule.ended()
      if (!state.reached) schedule.notStarted()
      schedule.arm()
    },
    pending: () => state.pending,
    demanded: () => state.demanded,
  })
  return { clock, schedule, dueMs, state }
}

test('Checkpoints are an interval apart from the start on, until the schedule stops', async () => {
  const { clock, schedule, dueMs } = scheduled()
  schedule.start(false)
  await clock.advance(25_000)
  schedule.stop()
  await clock.advance(60_000)
  assert.deepEqual(dueMs, [10_000, 20_000])
})

test('A restart does not begin the interval anew', async () => {
  const { clock, schedule, dueMs } = scheduled()
  schedule.start(false)
  await clock.advance(13_000)
  schedule.stop()
  await clock.advance(2000)
  schedule.start(true)
  await clock.advance(6000)
  assert.deepEqual(dueMs, [10_000, 20_000])
})

test('The last one waits for those under way, and pauses between tries that reach nobody', async () => {
  const { clock, schedule, dueMs, state } = scheduled()
  schedule.start(false)
  state.pending = 1
  schedule.wantFinal()
  assert.deepEqual(dueMs, [])
  state.pending = 0
  state.reached = false
  schedule.arm()
  await clock.advance(1200)
  assert.deepEqual(dueMs, [0, 500, 1000])
})
