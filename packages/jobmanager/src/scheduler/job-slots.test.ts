/** Which slots a job keeps when its rounds have other numbers of them. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { JobSlots } from './job-slots.ts'

const slot = (name: string) => ({ allocationId: name }) as AllocatedSlot
const names = (slots: readonly (AllocatedSlot | null)[]) => slots.map((each) => each?.allocationId)

test('Places that lost their slot take over those that would be given back, and the rest goes', () => {
  const slots = new JobSlots()
  slots.fit(new Map([['default', 5]]))
  slots.fill(['a', 'b', 'c', 'd', 'e'].map(slot))
  slots.remove(({ allocationId }) => allocationId < 'c')
  assert.deepEqual(names(slots.fit(new Map([['default', 2]]))), ['e'])
  assert.deepEqual(names(slots.held()), ['c', 'd'])
  assert.equal(slots.missing(), 0)
  assert.deepEqual(slots.fit(new Map([['default', 3]])), [])
  assert.equal(slots.missing(), 1)
})
