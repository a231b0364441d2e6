/**
 * The tie to the leader when there are several JobManagers: whom it follows, and whom it
 * does not believe.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Configuration } from '@millrace/core'
import type { ObjectStore } from '@millrace/platform'
import { encodeLeaderRecord, type LeaderRecord } from '@millrace/protocol'
import { TestJobManager, testPlatform, until } from '../testing/test-cluster.ts'
import { JobManagerLink, linkTimings } from './job-manager-link.ts'
import { type LeaderContact, type LeaderLookup, leaderLookupOf } from './leader-lookup.ts'

const platform = testPlatform()
const configuration = new Configuration({
  'heartbeat.interval': '50 ms',
  'heartbeat.timeout': '60 s',
  'cluster.registration.initial-timeout': '20 ms',
})

async function jobManager(epoch: number) {
  const served = new TestJobManager()
  served.epoch = epoch
  const address = await served.serve(platform)
  after(() => served.server?.close())
  return { served, address }
}

/** A link that finds what `contact` says. */
function link(contact: { now: LeaderContact | null | Error }) {
  const epochs: number[] = []
  const leader: LeaderLookup = {
    periodMs: 20,
    async find() {
      if (contact.now instanceof Error) throw contact.now
      return contact.now
    },
    describe: () => 'a leader',
  }
  const made: JobManagerLink = new JobManagerLink({
    platform,
    logger: platform.logger,
    leader,
    taskManagerId: 'tm',
    ...linkTimings(configuration),
    // Longer than any test waits: no call ends by its deadline.
    rpcTimeoutMs: 600_000,
    register: (gateway, fence) =>
      gateway.registerTaskManager({
        fence,
        taskManagerId: 'tm',
        instanceId: 'i',
        rpcAddress: 'a:1',
        slots: [],
        memoryBytes: 1,
        cpuCores: 1,
      }),
    heartbeat: (gateway, fence) =>
      gateway.heartbeat({ fence, taskManagerId: 'tm', instanceId: 'i', slots: [] }),
    onNewEpoch: (epoch) => epochs.push(epoch),
    onLost: () => {},
    onRegistered: () => {},
  })
  after(() => made.stop())
  made.start()
  return { made, epochs }
}

test('It registers with whom the lease names, and follows the lease while the old leader still answers', async () => {
  const [first, second] = [await jobManager(1), await jobManager(2)]
  const contact: { now: LeaderContact } = { now: { epoch: 1, rpcAddress: first.address } }
  const { made, epochs } = link(contact)
  await until(() => made.isRegistered)
  assert.equal(made.epoch, 1)
  contact.now = { epoch: 2, rpcAddress: second.address }
  await until(() => second.served.registrations.length === 1 && made.isRegistered)
  assert.equal(made.epoch, 2)
  assert.deepEqual(epochs, [2])
  await until(() => second.served.heartbeats.length > 0)
  assert.equal(second.served.registrations[0]?.fence.leaderEpoch, 2, 'the lease’s epoch counts')
})

for (const hanging of ['heartbeat', 'registration']) {
  test(`It leaves a leader that hangs in a ${hanging} as soon as the lease names another`, async () => {
    const [asleep, second] = [await jobManager(1), await jobManager(2)]
    let hung = false
    const sleep = () => {
      hung = true
      return new Promise<never>(() => {})
    }
    if (hanging === 'heartbeat') asleep.served.heartbeat = sleep
    else asleep.served.registerTaskManager = sleep
    const contact: { now: LeaderContact } = { now: { epoch: 1, rpcAddress: asleep.address } }
    const { made } = link(contact)
    await until(() => hung)
    contact.now = { epoch: 2, rpcAddress: second.address }
    await until(() => made.isRegistered && made.epoch === 2)
  })
}

test('Without a leader, and while the lease cannot be read, it waits', async () => {
  const { served, address } = await jobManager(7)
  const contact: { now: LeaderContact | null | Error } = { now: null }
  const { made } = link(contact)
  contact.now = new Error('the store is not reached')
  await new Promise<void>((resolve) => platform.clock.setTimer(100, resolve))
  assert.equal(made.isRegistered, false)
  contact.now = { epoch: 7, rpcAddress: address }
  await until(() => made.isRegistered)
  assert.equal(served.registrations.length, 1)
})

test('Of two JobManagers that answer only the one with the highest epoch counts', async () => {
  const [stale, leading] = [await jobManager(4), await jobManager(5)]
  const contact: { now: LeaderContact } = { now: { epoch: 5, rpcAddress: stale.address } }
  const { made } = link(contact)
  await until(() => stale.served.registrations.length > 1)
  assert.equal(made.isRegistered, false, 'a registration under an older epoch is none')
  contact.now = { epoch: 5, rpcAddress: leading.address }
  await until(() => made.isRegistered)
  contact.now = { epoch: 4, rpcAddress: stale.address }
  const heartbeats = leading.served.heartbeats.length
  await until(() => leading.served.heartbeats.length > heartbeats + 2)
  assert.equal(made.epoch, 5, 'it does not go back')
})

test('The lookup reads the lease with high availability, and the configured address without', async () => {
  const record: LeaderRecord = {
    epoch: 3,
    holderId: 'jm-1',
    rpcAddress: 'host:1234',
    restAddress: '',
    leaseDurationMs: 10_000,
    renewal: 0,
  }
  let lease: LeaderRecord | null = null
  const keys: string[] = []
  const store = {
    get: async (key: string) => {
      keys.push(key)
      return lease === null ? null : { bytes: encodeLeaderRecord(lease), version: '1' }
    },
  } as unknown as ObjectStore
  const lookup = leaderLookupOf(
    new Configuration({
      'high-availability': 'filesystem',
      'high-availability.storageDir': '/shared',
      'high-availability.cluster-id': '/team/a/',
    }),
    { ...platform, objectStores: { open: () => store } },
  )
  assert.equal(await lookup.find(), null)
  assert.deepEqual(keys, ['team/a/leader'])
  lease = record
  assert.deepEqual(await lookup.find(), record)
  lease = { ...record, holderId: '' }
  assert.equal(await lookup.find(), null, 'a lease that was given up names nobody')
  assert.equal(lookup.periodMs, 1000)
  const fixed = leaderLookupOf(new Configuration({ 'jobmanager.rpc.address': 'jm' }), platform)
  assert.deepEqual(await fixed.find(), { epoch: 0, rpcAddress: 'jm:6123' })
  assert.equal(fixed.periodMs, null)
})
