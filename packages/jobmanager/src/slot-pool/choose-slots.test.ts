/** Tables for the pure decisions about slots and liveness. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { decideLiveness } from '../taskmanager-registry/decide-liveness.ts'
import { chooseSlots } from './choose-slots.ts'
import { describeWait } from './describe-wait.ts'

test('Slots are spread by the share of a TaskManager’s slots in use', () => {
  const supply = (slotCount: number, ...free: string[]) => ({ slotCount, free })
  const table: [Parameters<typeof chooseSlots<string>>[0], number, string[] | null][] = [
    [[supply(2, 'a0', 'a1'), supply(2, 'b0', 'b1')], 3, ['a0', 'b0', 'a1']],
    [[supply(2, 'a1'), supply(2, 'b0', 'b1')], 2, ['b0', 'a1']],
    [[supply(1, 'a0'), supply(4, 'b0', 'b1', 'b2', 'b3')], 3, ['b0', 'a0', 'b1']],
    [[supply(1, 'a0')], 2, null],
    [[], 0, []],
  ]
  for (const [supplies, count, expected] of table) {
    assert.deepEqual(chooseSlots(supplies, count), expected)
  }
})

test('The wait is told in words', () => {
  const facts = { needed: 3, registered: 4, free: 2, waitedMs: 9_900, timeoutMs: 300_000 }
  assert.equal(describeWait(facts), 'needs 3 slots, 4 registered (2 free), waiting 0:09 of 5:00')
})

test('Silence and failed calls make a TaskManager lost', () => {
  const limits = { timeoutMs: 50_000, rpcFailureThreshold: 2 }
  assert.equal(decideLiveness({ sinceLastHeartbeatMs: 49_999, rpcFailures: 1 }, limits), null)
  assert.match(
    decideLiveness({ sinceLastHeartbeatMs: 50_000, rpcFailures: 0 }, limits) ?? '',
    /silent for 50 s/,
  )
  assert.match(
    decideLiveness({ sinceLastHeartbeatMs: 0, rpcFailures: 2 }, limits) ?? '',
    /2 heartbeat calls/,
  )
  assert.equal(
    decideLiveness(
      { sinceLastHeartbeatMs: 0, rpcFailures: 9 },
      { ...limits, rpcFailureThreshold: -1 },
    ),
    null,
  )
})
