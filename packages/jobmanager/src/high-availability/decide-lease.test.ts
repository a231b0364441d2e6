/** What a JobManager does about the lease, case by case. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { LeaderRecord } from '@millrace/protocol'
import { decideLease, type LeaseDecision, type LeaseFacts } from './decide-lease.ts'

const timings = { leaseDurationMs: 10_000, renewDeadlineMs: 7000, retryPeriodMs: 2000 }
const record = (holderId: string, epoch: number, leaseDurationMs = 10_000): LeaderRecord => ({
  epoch,
  holderId,
  rpcAddress: 'a:1',
  restAddress: '',
  leaseDurationMs,
  renewal: 0,
})
const seen = (lease: LeaderRecord | null, sinceMs: number) => ({ record: lease, sinceMs })
const facts = (given: Partial<LeaseFacts>): LeaseFacts => ({
  nowMs: 100_000,
  ownId: 'me',
  held: null,
  failedMs: null,
  seen: null,
  timings,
  ...given,
})

const held = (renewedMs: number) => ({ epoch: 5, renewedMs })
const table: [string, Partial<LeaseFacts>, LeaseDecision][] = [
  ['a candidate first reads the lease', {}, { kind: 'read' }],
  ['the first lease ever is taken', { seen: seen(null, 0) }, { kind: 'acquire', epoch: 1 }],
  [
    'another’s lease is waited for, a retry period at most',
    { seen: seen(record('other', 4), 99_000) },
    { kind: 'wait', ms: 2000 },
  ],
  [
    'the wait ends when the lease does',
    { seen: seen(record('other', 4), 90_500) },
    { kind: 'wait', ms: 500 },
  ],
  [
    'a lease that stood unchanged for its duration is taken',
    { seen: seen(record('other', 4), 90_000) },
    { kind: 'acquire', epoch: 5 },
  ],
  [
    'the longer of two durations counts: the holder’s',
    { seen: seen(record('other', 4, 20_000), 90_000) },
    { kind: 'wait', ms: 2000 },
  ],
  [
    'the longer of two durations counts: one’s own',
    { seen: seen(record('other', 4, 1000), 95_000) },
    { kind: 'wait', ms: 2000 },
  ],
  [
    'a lease that was given up is taken at once',
    { seen: seen(record('', 4), 99_999) },
    { kind: 'acquire', epoch: 5 },
  ],
  [
    'one’s own name without leading is a write of unknown outcome: its epoch is passed over',
    { seen: seen(record('me', 4), 99_999) },
    { kind: 'acquire', epoch: 5 },
  ],
  [
    'a holder waits for the next renewal',
    { held: held(99_500), seen: seen(record('me', 5), 0) },
    { kind: 'wait', ms: 1500 },
  ],
  [
    'a holder renews after the retry period',
    { held: held(98_000), seen: seen(record('me', 5), 0) },
    { kind: 'renew' },
  ],
  [
    'after a failed renewal the lease is read',
    { held: held(97_000), failedMs: 99_000 },
    { kind: 'read' },
  ],
  [
    'a failed renewal is tried again soon',
    { held: held(97_000), failedMs: 99_900, seen: seen(record('me', 5), 0) },
    { kind: 'wait', ms: 400 },
  ],
  [
    'a holder that could not renew until the deadline stops, though nobody else leads',
    { held: held(93_000), seen: seen(record('me', 5), 0) },
    { kind: 'step-down', reason: 'the lease could not be renewed for 7 s' },
  ],
  [
    'so does one whose lease another one has',
    { held: held(99_999), seen: seen(record('other', 6), 0) },
    { kind: 'step-down', reason: "the lease is held by 'other' under epoch 6" },
  ],
  [
    'and one whose lease names it under another epoch',
    { held: held(99_999), seen: seen(record('me', 6), 0) },
    { kind: 'step-down', reason: "the lease is held by 'me' under epoch 6" },
  ],
  [
    'and one whose lease is gone',
    { held: held(99_999), seen: seen(null, 0) },
    { kind: 'step-down', reason: 'the lease is gone' },
  ],
]

for (const [name, given, expected] of table) {
  test(name, () => assert.deepEqual(decideLease(facts(given)), expected))
}
