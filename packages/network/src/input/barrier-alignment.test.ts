/** When a checkpoint is taken, cancelled or ignored, barrier by barrier. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { BarrierAlignment } from './barrier-alignment.ts'

it('takes the checkpoint with the last barrier', () => {
  const alignment = new BarrierAlignment(3)
  assert.equal(alignment.onBarrier(0, 1).decision, 'wait')
  assert.equal(alignment.onBarrier(1, 1).decision, 'wait')
  assert.equal(alignment.onBarrier(2, 1).decision, 'take')
  assert.equal(alignment.onBarrier(0, 1).decision, 'ignore')
})

it('cancels an older alignment for a newer barrier', () => {
  const alignment = new BarrierAlignment(2)
  alignment.onBarrier(0, 1)
  assert.deepEqual(alignment.onBarrier(1, 2), { decision: 'wait', cancelled: 1, first: true })
  assert.equal(alignment.onBarrier(0, 1).decision, 'ignore')
  assert.equal(alignment.onBarrier(0, 2).decision, 'take')
})

it('does not wait for a closed channel', () => {
  const alignment = new BarrierAlignment(2)
  alignment.onBarrier(0, 1)
  assert.equal(alignment.onClosed(1), true)
  assert.equal(alignment.onBarrier(0, 2).decision, 'take')
})

it('ignores what belongs to an aborted checkpoint', () => {
  const alignment = new BarrierAlignment(2)
  alignment.onBarrier(0, 1)
  assert.equal(alignment.abort(1), true)
  assert.equal(alignment.onBarrier(1, 1).decision, 'ignore')
  assert.equal(alignment.abort(5), false)
  assert.equal(alignment.onBarrier(0, 5).decision, 'ignore')
  assert.equal(alignment.onBarrier(0, 6).decision, 'wait')
})
