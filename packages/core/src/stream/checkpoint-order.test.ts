/** Which plain data is a checkpoint's order. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CheckpointOrder, readCheckpointOrder } from './checkpoint-order.ts'

const plain: CheckpointOrder = {
  id: 7,
  timestampMs: 5,
  kind: 'checkpoint',
  align: 'exactly-once',
  after: 'go-on',
}

it('is read as it was written, with every kind and what follows', () => {
  for (const order of [
    plain,
    { ...plain, kind: { savepoint: 'file:///s', format: 'canonical' }, after: 'drain' },
    { ...plain, align: { unalignedAfterMs: 0 }, after: 'suspend' },
    { ...plain, align: 'at-least-once' },
    { ...plain, incremental: { since: null } },
    { ...plain, incremental: { since: 6 } },
  ]) {
    assert.deepEqual(readCheckpointOrder(JSON.parse(JSON.stringify(order))), order)
  }
})

it('is not read from anything else', () => {
  for (const [name, wrong] of Object.entries({
    id: [-1, 1.5, '7', null, Number.NaN],
    timestampMs: ['5', null, Number.POSITIVE_INFINITY],
    kind: ['savepoint', null, { savepoint: 1, format: 'native' }, { savepoint: '/s', format: 'x' }],
    align: ['unaligned', null, { unalignedAfterMs: -1 }, {}],
    incremental: [null, {}, { since: 7 }, { since: 'x' }],
    after: ['stop', null, undefined],
  })) {
    for (const value of wrong) {
      assert.equal(readCheckpointOrder({ ...plain, [name]: value }), null, `${name} ${value}`)
    }
  }
  for (const value of [null, undefined, 7, 'order', []]) {
    assert.equal(readCheckpointOrder(value), null)
  }
})
