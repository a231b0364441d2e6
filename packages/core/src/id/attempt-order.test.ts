/** Attempts of one subtask are ordered by leader, then by number. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOlderAttempt } from './attempt-order.ts'

test('an attempt is older when its leader is, and under one leader when its number is lower', () => {
  const at = (leaderEpoch: number, attempt: number) => ({ leaderEpoch, attempt })
  const order = [at(1, 0), at(1, 10), at(2, 0), at(2, 9), at(10, 0), at(1795341600000, 0)]
  for (const [i, one] of order.entries()) {
    for (const [k, other] of order.entries()) assert.equal(isOlderAttempt(one, other), i < k)
  }
})
