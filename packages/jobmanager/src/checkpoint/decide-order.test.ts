/** Which checkpoints are ordered, and which are refused by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckpointOrder } from '@millrace/core'
import { alignmentOf, decideOrder } from './decide-order.ts'

const plain: CheckpointOrder = {
  id: 1,
  timestampMs: 5,
  kind: 'checkpoint',
  align: 'exactly-once',
  after: 'go-on',
}

test('a checkpoint of either alignment is ordered as it is asked for', () => {
  for (const align of ['exactly-once', 'at-least-once'] as const) {
    assert.deepEqual(decideOrder({ ...plain, align }), { ...plain, align })
  }
})

test('a savepoint of either format is ordered as it is asked for', () => {
  for (const format of ['canonical', 'native'] as const) {
    for (const after of ['go-on', 'suspend', 'drain'] as const) {
      const asked = { ...plain, kind: { savepoint: '/s', format }, after }
      assert.deepEqual(decideOrder(asked), asked)
    }
  }
})

test('what no task carries out is refused by name', () => {
  for (const [asked, named] of [
    [{ ...plain, after: 'suspend' }, /suspends the job/],
    [{ ...plain, after: 'drain' }, /drains the job/],
  ] as const) {
    assert.throws(
      () => decideOrder(asked),
      (error: { code: string; message: string }) =>
        error.code === 'NOT_SUPPORTED_YET' && named.test(error.message),
    )
  }
})

test('savepoints and the last checkpoint are aligned, whatever the job says', () => {
  const unaligned = { mode: 'exactly-once', unalignedAfterMs: 0 } as const
  const usual = { isFinal: false, savepoint: null }
  assert.deepEqual(alignmentOf(unaligned, usual), { unalignedAfterMs: 0 })
  assert.equal(alignmentOf(unaligned, { ...usual, isFinal: true }), 'exactly-once')
  assert.equal(alignmentOf(unaligned, { ...usual, savepoint: {} }), 'exactly-once')
  const aligned = { mode: 'at-least-once', unalignedAfterMs: null } as const
  assert.equal(alignmentOf(aligned, usual), 'at-least-once')
})
