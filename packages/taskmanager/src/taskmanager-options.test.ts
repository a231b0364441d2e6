/** How a TaskManager's memory is shared out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Configuration } from '@millrace/core'
import { slotMemoryOf } from './taskmanager-options.ts'

const MIB = 1024 * 1024
const memoryOf = (properties: Record<string, string>) =>
  slotMemoryOf(new Configuration({ 'taskmanager.numberOfTaskSlots': '2', ...properties }))

test('managed memory is a part of each slot, or a size that the slots share evenly', () => {
  const { managedBytes, heapMaxBytes } = memoryOf({ 'taskmanager.memory.managed.fraction': '0.5' })
  assert.equal(managedBytes, heapMaxBytes / 2)
  const sized = memoryOf({ 'taskmanager.memory.managed.size': '256m' })
  assert.equal(sized.managedBytes, 128 * MIB)
})

test('managed memory that leaves nothing for the rows in hand is refused with the most that fits', () => {
  const tooMuch = { 'taskmanager.memory.managed.size': '10g' }
  assert.throws(() => memoryOf(tooMuch), {
    code: 'CONFIG_VALUE_INVALID',
    message: /^Set 'taskmanager\.memory\.managed\.size' to \d+m at most; it is 10240m\.$/,
  })
})
