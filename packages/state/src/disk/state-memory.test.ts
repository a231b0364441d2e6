/** How tables share the memory of their slot. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StateMemory } from './state-memory.ts'

test('what a table leaves of an even share is the others’, until it needs it itself', () => {
  const memory = new StateMemory(1200)
  const [values, more, total] = [memory.join(), memory.join(), memory.join()]
  values.use(5000)
  more.use(500)
  total.use(100)
  assert.deepEqual([values.bytes, more.bytes], [600, 550])
  // A share is what it could have, not what it has.
  assert.equal(total.bytes, 400)
  total.use(900)
  assert.deepEqual([values.bytes, more.bytes, total.bytes], [400, 400, 400])
  more.leave()
  assert.deepEqual([values.bytes, total.bytes], [600, 600])
})

test('tables that fill their shares never have more than the whole together', () => {
  const memory = new StateMemory(1000)
  const shares = Array.from({ length: 5 }, () => memory.join())
  for (const pattern of [
    [0, 0, 0, 0, 9999],
    [10, 300, 150, 9999, 9999],
    [200, 200, 200, 200, 200],
    [1, 199, 201, 9999, 0],
  ]) {
    pattern.forEach((used, n) => {
      shares[n]!.use(used)
    })
    const sum = pattern.map((used, n) => Math.min(used, shares[n]!.bytes)).reduce((a, b) => a + b)
    assert.ok(sum <= 1000 + 1e-6, `${pattern}: ${sum}`)
  }
})
