/** Tables with a time to live in memory: what is given back, and what the clock may do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateTableSpec, Value } from '@millrace/core'
import { resolved } from '../testing/table-steps.ts'
import { steadyTime } from './expiry.ts'
import { ResidentKeyedState } from './resident-keyed-state.ts'

const SPEC: StateTableSpec = {
  name: 'counts',
  key: { fields: [{ name: 'id', type: { kind: 'BIGINT', nullable: true } }] },
  sub: null,
  value: { fields: [{ name: 'n', type: { kind: 'DOUBLE', nullable: false } }] },
  ttlMs: 1000,
}

test('memory of entries that are over is given back in the course of further batches', async () => {
  let nowMs = 0
  const table = new ResidentKeyedState({ maxParallelism: 8, nowMs: () => nowMs }).table(SPEC)
  const keys = Array.from({ length: 500 }, (_, i): Value[] => [BigInt(i)])
  await resolved(table, keys)
  nowMs += 1000
  for (let n = 0; n < 12; n++) await resolved(table, [[999n]])
  assert.equal(table.size, 1)
})

test('a wall clock that jumps makes no entry older or younger', () => {
  let wallMs = 1_000_000
  let monotonicMs = 50
  const nowMs = steadyTime(
    () => wallMs,
    () => monotonicMs,
  )
  assert.equal(nowMs(), 1_000_000)
  wallMs += 86_400_000
  assert.equal(nowMs(), 1_000_000)
  wallMs -= 2 * 86_400_000
  monotonicMs += 7
  assert.equal(nowMs(), 1_000_007)
})
