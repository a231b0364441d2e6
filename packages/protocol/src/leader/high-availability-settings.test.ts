/**
 * What is wrong with the options of high availability is said at the start; and the lease's form.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Configuration } from '@millrace/core'
import type { Clock, ObjectStore } from '@millrace/platform'
import { highAvailabilityOf } from './high-availability-settings.ts'
import { decodeLeaderRecord, encodeLeaderRecord } from './leader-record.ts'

const opened: string[] = []
const platform = {
  clock: {} as Clock,
  objectStores: {
    open: (location: string) => {
      opened.push(location)
      return {} as ObjectStore
    },
  },
}
const settingsOf = (options: Record<string, string>) =>
  highAvailabilityOf(new Configuration(options), platform)
const BASE = { 'high-availability.type': 'filesystem', 'high-availability.storageDir': '/s' }
const ELECTION = 'high-availability.filesystem.leader-election'

test('Without the option there is none, and no store is opened', () => {
  assert.equal(settingsOf({}), null)
  assert.equal(settingsOf({ 'high-availability.type': 'none' }), null)
  assert.deepEqual(opened, [])
})

test('Defaults leave room between renewals, the deadline and the end of the lease', () => {
  const settings = settingsOf({ 'high-availability': 'filesystem', ...BASE })
  assert.equal(settings?.clusterPath, 'default')
  assert.deepEqual(settings?.timings, {
    leaseDurationMs: 10_000,
    renewDeadlineMs: 7000,
    retryPeriodMs: 2000,
  })
  assert.deepEqual(opened, ['/s'])
})

for (const [name, options, message] of [
  ['no directory', { 'high-availability.type': 'filesystem' }, /storageDir/],
  ['a deadline beyond the lease', { ...BASE, [`${ELECTION}.renew-deadline`]: '20 s' }, /20000 ms/],
  ['rare renewals', { ...BASE, [`${ELECTION}.retry-period`]: '8 s' }, /retry-period.*8000/],
  ['no pause at all', { ...BASE, [`${ELECTION}.retry-period`]: '0' }, /retry-period/],
  ['an empty name', { ...BASE, 'high-availability.cluster-id': '/' }, /cluster-id/],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => settingsOf(options), { code: 'HIGH_AVAILABILITY_INVALID', message })
  })
}

test('A lease comes back as it was written, and anything else is refused', () => {
  const record = {
    epoch: 1,
    holderId: 'jm',
    rpcAddress: 'a:1',
    restAddress: 'a:2',
    leaseDurationMs: 5,
    renewal: 6,
  }
  assert.deepEqual(decodeLeaderRecord(encodeLeaderRecord(record)), record)
  for (const text of ['', '{}', 'null', JSON.stringify({ ...record, epoch: 'x' })]) {
    assert.throws(() => decodeLeaderRecord(new TextEncoder().encode(text)), {
      code: 'MESSAGE_MALFORMED',
    })
  }
})
