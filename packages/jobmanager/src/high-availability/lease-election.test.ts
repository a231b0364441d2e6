/**
 * Elections among candidates that share a store and each have a clock, in all the ways in which a
 * lease is lost.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type LeaderRecord, leaderKey } from '@millrace/protocol'
import { silentLogger } from '../testing/cluster-harness.ts'
import { ManualClock, settle } from '../testing/manual-clock.ts'
import { MemoryObjectStore, MemoryObjects } from '../testing/memory-object-store.ts'
import type { Leadership } from './leader-election.ts'
import { LeaseElection } from './lease-election.ts'

const timings = { leaseDurationMs: 10_000, renewDeadlineMs: 7000, retryPeriodMs: 2000 }
const KEY = leaderKey('c')

class Member {
  readonly id: string
  readonly clock = new ManualClock()
  readonly store: MemoryObjectStore
  readonly election: LeaseElection
  readonly events: string[] = []
  leadership: Leadership | null = null

  constructor(objects: MemoryObjects, id: string) {
    this.id = id
    this.store = new MemoryObjectStore(objects)
    const random = { next: () => 0, bytes: (length: number) => new Uint8Array(length) }
    this.election = new LeaseElection(
      { clock: this.clock, random, logger: silentLogger },
      { store: this.store, clusterPath: 'c', timings },
    )
  }

  async join(): Promise<void> {
    this.election.join({
      id: this.id,
      rpcAddress: `${this.id}:1`,
      restAddress: `${this.id}:2`,
      onElected: (leadership) => {
        this.leadership = leadership
        this.events.push(`elected ${leadership.epoch}`)
      },
      onLost: ({ epoch }) => this.events.push(`lost ${epoch}`),
    })
    await settle()
  }

  get leads(): boolean {
    return this.leadership?.holds() ?? false
  }
}

async function group(count: number) {
  const objects = new MemoryObjects()
  const members = Array.from({ length: count }, (_, i) => new Member(objects, `jm-${i + 1}`))
  for (const member of members) await member.join()
  /** Time passes for all but `sleepers`; at no step do two lead. */
  const advance = async (durationMs: number, sleepers: readonly Member[] = []) => {
    for (let ms = 0; ms < durationMs; ms += 500) {
      for (const member of members) {
        if (sleepers.includes(member)) member.clock.sleep(500)
        else await member.clock.advance(500)
        assert.ok(members.filter(({ leads }) => leads).length <= 1, 'two lead')
      }
    }
  }
  return { objects, members: members as [Member, Member, Member], advance }
}

test('One of several leads, keeps the lease, and the others know it', async () => {
  const { members, advance, objects } = await group(3)
  await advance(60_000)
  assert.deepEqual(
    members.map(({ events }) => events),
    [['elected 1'], [], []],
  )
  for (const { election } of members) {
    assert.equal(election.leader()?.holderId, 'jm-1')
    assert.equal(election.leader()?.rpcAddress, 'jm-1:1')
  }
  assert.ok(objects.json<LeaderRecord>(KEY).renewal >= 20)
})

test('A leader that leaves gives the lease to the next at once', async () => {
  const { members, advance } = await group(3)
  await members[0].election.close()
  assert.equal(members[0].leads, false)
  await advance(2500)
  assert.deepEqual([...members[1].events, ...members[2].events], ['elected 2'])
  assert.deepEqual(members[0].events, ['elected 1'], 'who leaves is told nothing')
})

test('A leader that is cut off stops before another one leads, and takes part again', async () => {
  const { members, advance } = await group(2)
  const [first, second] = members
  first.store.isCut = true
  await advance(6500)
  assert.equal(first.leads, true)
  await advance(1000)
  assert.deepEqual(first.events, ['elected 1', 'lost 1'])
  assert.equal(second.leads, false)
  await advance(6000)
  assert.deepEqual(second.events, ['elected 2'])
  first.store.isCut = false
  await advance(4000)
  await second.election.close()
  await advance(4000)
  assert.deepEqual(first.events, ['elected 1', 'lost 1', 'elected 3'])
})

test('A leader that slept beyond its lease does not lead when it wakes up', async () => {
  const { members, advance } = await group(2)
  const [first, second] = members
  await advance(13_000, [first])
  assert.equal(second.leads, true)
  assert.equal(first.leads, false, 'before any timer has told it')
  await assert.rejects((first.leadership as Leadership).confirm(), { code: 'LEADERSHIP_LOST' })
  await advance(3000)
  assert.deepEqual(first.events, ['elected 1', 'lost 1'])
  assert.deepEqual(second.events, ['elected 2'])
})

test('A sleeper that wakes within its lease leads on', async () => {
  const { members, advance } = await group(2)
  await advance(4500, [members[0]])
  await advance(20_000)
  assert.deepEqual([members[0].events, members[1].events], [['elected 1'], []])
})

test('A leadership that was won without knowing it is passed over by the next epoch', async () => {
  const objects = new MemoryObjects()
  const member = new Member(objects, 'jm-1')
  member.store.writeFaults.push({ suffix: 'leader', fault: 'applied' })
  await member.join()
  await member.clock.advance(1000)
  assert.deepEqual(member.events, ['elected 2'])
  assert.equal(objects.json<LeaderRecord>(KEY).epoch, 2)
})

test('A renewal that is lost, or written and reported as failed, costs no leadership', async () => {
  const { members, advance } = await group(2)
  for (const fault of ['lost', 'applied', 'lost', 'applied'] as const) {
    members[0].store.writeFaults.push({ suffix: 'leader', fault })
    await advance(2500)
  }
  await advance(10_000)
  assert.deepEqual([members[0].events, members[1].events], [['elected 1'], []])
})

test('A renewal that hangs does not keep a leadership alive', async () => {
  const { members, advance } = await group(2)
  members[0].store.writeFaults.push({ suffix: 'leader', fault: 'held' })
  await advance(13_500)
  assert.deepEqual([members[0].events, members[1].events], [['elected 1', 'lost 1'], ['elected 2']])
  members[0].store.release()
  await advance(5000)
  assert.equal(members[1].leads, true, 'it arrives too late to change anything')
})

test('A leadership that is given up is contested again under a new epoch', async () => {
  const { members, advance } = await group(2)
  const leadership = members[0].leadership as Leadership
  leadership.giveUp('a record was sealed by another')
  assert.deepEqual(members[0].events, ['elected 1', 'lost 1'])
  await advance(3000)
  const events = [...members[0].events, ...members[1].events]
  assert.deepEqual(events, ['elected 1', 'lost 1', 'elected 2'])
  leadership.giveUp('again')
  assert.equal(members.filter(({ leads }) => leads).length, 1, 'an old leadership ends no new one')
})
