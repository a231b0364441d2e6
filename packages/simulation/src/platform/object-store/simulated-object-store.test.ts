/** The simulated object store: its contract, and what each fault does to writes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStore } from '@millrace/platform'
import { testObjectStore } from '@millrace/platform/object-store-contract'
import { SimulatedWorld } from '../../world/simulated-world.ts'
import { runUntil, settle } from '../testing/settle.ts'
import { NO_OBJECT_STORE_FAULTS, type ObjectStoreFaultRates } from './object-store-faults.ts'
import { SimulatedObjectStore } from './simulated-object-store.ts'

const LOCATION = 's3://bucket/ha/'
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

function setUp(seed: number, rates: Partial<ObjectStoreFaultRates> = {}) {
  const world = new SimulatedWorld(seed)
  const server = new SimulatedObjectStore(world)
  server.faults.rates = { ...NO_OBJECT_STORE_FAULTS, ...rates }
  const process = world.process('jm-1', 'host-1')
  return { world, server, process, store: server.storesOf(process).open(LOCATION) }
}

function contentOf(server: SimulatedObjectStore, key: string): string | null {
  const object = server.peek(LOCATION, key)
  return object === null ? null : new TextDecoder().decode(object.bytes)
}

testObjectStore('the simulated store', async () => {
  const { world, server } = setUp(1)
  let clients = 0
  return {
    open: () => server.storesOf(world.process(`client-${++clients}`, 'h')).open(LOCATION),
    drive: (work) => settle(world, work),
    dispose: async () => {},
  }
})

test('a location is a directory or a bucket; others are refused, and locations do not mix', async () => {
  const { world, server, process } = setUp(1)
  const stores = server.storesOf(process)
  for (const location of ['gs://bucket/a', 'relative/path', '']) {
    assert.throws(() => stores.open(location), { code: 'OBJECT_STORE_UNSUPPORTED' })
  }
  await settle(world, stores.open('file:///ha').putIf('k', bytesOf('x'), null))
  assert.deepEqual(server.keys('/ha/'), ['k'])
  assert.deepEqual(server.keys('/h'), [])
  assert.deepEqual(server.keys(LOCATION), [])
})

const FAILED = { code: 'OBJECT_STORE_UNAVAILABLE' }

test('a lost write is never executed; one whose answer is lost was', async () => {
  const lost = setUp(2, { lostWrite: 1 })
  await assert.rejects(settle(lost.world, lost.store.putIf('k', bytesOf('x'), null)), FAILED)
  await runUntil(lost.world, 1e6)
  assert.equal(contentOf(lost.server, 'k'), null)
  const done = setUp(2, { errorAfterWrite: 1 })
  await assert.rejects(settle(done.world, done.store.putIf('k', bytesOf('x'), null)), FAILED)
  assert.equal(contentOf(done.server, 'k'), 'x')
})

test('a late put lands after its caller was told that it failed, if nobody wrote in between', async () => {
  for (const isOvertaken of [false, true]) {
    const { world, server, store } = setUp(3, { latePut: 1 })
    await assert.rejects(settle(world, store.putIf('k', bytesOf('late'), null)), FAILED)
    assert.equal(contentOf(server, 'k'), null)
    server.faults.rates = NO_OBJECT_STORE_FAULTS
    if (isOvertaken) await settle(world, store.putIf('k', bytesOf('newer'), null))
    await runUntil(world, 1e6)
    assert.equal(contentOf(server, 'k'), isOvertaken ? 'newer' : 'late')
    assert.equal(server.faults.counts.get('lateExecution'), 1)
  }
})

test('a late removal takes away what was written since', async () => {
  const { world, server, store } = setUp(4)
  const version = await settle(world, store.putIf('k', bytesOf('old'), null))
  server.faults.rates = { ...NO_OBJECT_STORE_FAULTS, lateRemoval: 1 }
  await assert.rejects(settle(world, store.remove('k')), FAILED)
  server.faults.rates = NO_OBJECT_STORE_FAULTS
  await settle(world, store.putIf('k', bytesOf('new'), version))
  await runUntil(world, 1e6)
  assert.equal(contentOf(server, 'k'), null)
})

test('contention turns writes away, and never all for ever', async () => {
  const { world, server, store } = setUp(5, { contention: 1 })
  const answers = await settle(
    world,
    Promise.allSettled(
      Array.from({ length: 6 }, (_, i) => store.putIf('k', bytesOf(`${i}`), null)),
    ),
  )
  const rejected = answers.filter((answer) => answer.status === 'rejected').length
  assert.equal(rejected, 5)
  assert.equal(answers.filter((a) => a.status === 'fulfilled' && a.value !== null).length, 1)
  assert.equal(server.faults.counts.get('contention'), 5)
})

test('a host that is cut off gets errors; a write whose answer cannot come back was executed', async () => {
  const { world, server, store } = setUp(6)
  server.isReachable = () => false
  await assert.rejects(settle(world, store.putIf('k', bytesOf('x'), null)), FAILED)
  assert.equal(contentOf(server, 'k'), null)
  await assert.rejects(settle(world, store.get('k')), FAILED)
  server.isReachable = () => true
  const put = store.putIf('k', bytesOf('x'), null)
  put.catch(() => {})
  await world.run(1e6, () => contentOf(server, 'k') !== null)
  server.isReachable = () => false
  await assert.rejects(settle(world, put), FAILED)
  assert.deepEqual(
    [...server.faults.counts],
    [
      ['unreachable', 2],
      ['answerLost', 1],
    ],
  )
})

test('a listing may lag behind writes and removals, but not behind what a get has shown', async () => {
  const { world, server, store } = setUp(7)
  server.listLagMs = 5000
  const list = () => settle(world, store.list(''))
  await settle(world, store.putIf('a', bytesOf('x'), null))
  await settle(world, store.putIf('b', bytesOf('x'), null))
  await settle(world, store.get('b'))
  assert.deepEqual(await list(), ['b'])
  await runUntil(world, 10_000)
  assert.deepEqual(await list(), ['a', 'b'])
  await settle(world, store.remove('a'))
  assert.deepEqual(await list(), ['a', 'b'])
  await settle(world, store.get('a'))
  assert.deepEqual(await list(), ['b'])
})

test('a dead process never hears of its request, which was executed or not', async () => {
  const outcomes = new Set<string | null>()
  for (let seed = 0; seed < 20; seed++) {
    const { world, server, process, store } = setUp(seed)
    let isSettled = false
    void store.putIf('k', bytesOf('x'), null).finally(() => {
      isSettled = true
    })
    process.kill()
    await runUntil(world, 1e6)
    assert.equal(isSettled, false)
    outcomes.add(contentOf(server, 'k'))
  }
  assert.deepEqual(outcomes, new Set([null, 'x']))
})

/**
 * Raises a number until `deadlineMs`, as one must: read again after an error, and count what one
 * knows to have won.
 */
async function raise(
  world: SimulatedWorld,
  store: ObjectStore,
  deadlineMs: number,
): Promise<number> {
  let won = 0
  while (world.nowMs < deadlineMs) {
    try {
      const seen = await store.get('n')
      const next = seen === null ? 1 : Number(new TextDecoder().decode(seen.bytes)) + 1
      const version = await store.putIf('n', bytesOf(`${next}`), seen?.version ?? null)
      if (version !== null) won++
    } catch (error) {
      assert.equal((error as { code?: string }).code, FAILED.code)
    }
  }
  return won
}

test('under all faults no acknowledged write is lost, and a seed repeats its run', async () => {
  const run = async (seed: number) => {
    const { world, server } = setUp(seed, {
      lostWrite: 0.05,
      errorAfterWrite: 0.05,
      latePut: 0.05,
      contention: 0.2,
      readError: 0.05,
      slowRequest: 0.05,
    })
    const clients = ['a', 'b', 'c'].map((name) =>
      server.storesOf(world.process(name, name)).open(LOCATION),
    )
    const won = await settle(
      world,
      Promise.all(clients.map((client) => raise(world, client, 30_000))),
    )
    await runUntil(world, world.nowMs + 1e6)
    const count = Number(contentOf(server, 'n'))
    const acknowledged = won.reduce((sum, each) => sum + each, 0)
    assert.ok(count >= acknowledged, `${count} after ${acknowledged} acknowledged`)
    const { counts } = server.faults
    const unsure = (counts.get('errorAfterWrite') ?? 0) + (counts.get('latePut') ?? 0)
    assert.ok(count <= acknowledged + unsure)
    return { count, won, counts: [...counts], digest: world.log.digest }
  }
  for (let seed = 0; seed < 5; seed++) {
    const first = await run(seed)
    assert.deepEqual(await run(seed), first)
    assert.ok(first.counts.length >= 6)
    assert.ok(first.count > 100)
  }
})
