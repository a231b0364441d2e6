/** Timers behind a barrier that stops the job: kept, cancelled, run when the job goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldTimers } from './held-timers.ts'

function timers() {
  const due: (() => void)[] = []
  const held = new HeldTimers({
    post: (action) => action(),
    schedule: (_, action) => {
      due.push(action)
      return () => {}
    },
    fail: assert.fail,
  })
  const ran: string[] = []
  const schedule = (name: string) => held.schedule(5, () => ran.push(name))
  return { held, ran, schedule, elapse: () => due.splice(0).map((action) => action()) }
}

test('a timer runs when it is due, unless timers are held back', () => {
  const { held, ran, schedule, elapse } = timers()
  schedule('a')
  elapse()
  held.hold()
  schedule('b')
  schedule('c')
  elapse()
  assert.deepEqual(ran, ['a'])
  held.release()
  assert.deepEqual(ran, ['a', 'b', 'c'])
  schedule('d')
  elapse()
  assert.deepEqual(ran, ['a', 'b', 'c', 'd'])
})

test('a timer that is cancelled while it is held back does not run', () => {
  const { held, ran, schedule, elapse } = timers()
  held.hold()
  const cancel = schedule('a')
  elapse()
  cancel()
  held.release()
  assert.deepEqual(ran, [])
})
