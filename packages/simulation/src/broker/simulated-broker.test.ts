/** What goes wrong at the simulated broker, and what is left afterwards. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KafkaClient, KafkaTextProducer } from '@millrace/connector-kafka'
import { BrokerRefusal, ProtocolError } from '@millrace/connector-kafka/protocol'
import { isMillraceError } from '@millrace/core'
import { delay } from '../world/scheduler.ts'
import type { ApiName, FaultMoment } from './broker-faults.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

const TIMEOUT_MS = 60_000
const ID = 'sink-0-1'

async function begin(client: KafkaClient) {
  const identity = await client.initProducerId(ID, TIMEOUT_MS)
  await client.addPartitionsToTxn(ID, identity, [{ topic: 't', partition: 0 }])
  return identity
}

/** Texts through the shipped idempotent producer, tried again until they are acknowledged. */
function producerOf(fixture: BrokerFixture, client: KafkaClient) {
  const producer = new KafkaTextProducer(client, () => fixture.world.nowMs)
  return async (texts: readonly string[]) => {
    for (let tries = 0; tries < 50; tries++) {
      try {
        await producer.send('t', 0, texts)
        return
      } catch {
        await delay(fixture.process, 100)
      }
    }
    throw new Error('never acknowledged')
  }
}

test('every moment at which a request can fail leaves each record stored once', async () => {
  const apis: readonly ApiName[] = ['PRODUCE', 'INIT_PRODUCER_ID', 'METADATA']
  for (const moment of ['before', 'during', 'after'] satisfies FaultMoment[]) {
    for (const api of apis) {
      const fixture = new BrokerFixture(1)
      const { broker } = fixture
      broker.createTopic('t', 1)
      broker.faults.add({ apis: [api], moment, times: 2 })
      await fixture.run(async () => {
        const send = producerOf(fixture, await fixture.connect())
        await send(['a', 'b'])
        await send(['c'])
      })
      assert.deepEqual(broker.inspect.committedValues('t'), ['a', 'b', 'c'], `${api} ${moment}`)
      assert.equal(broker.faults.hits.get(`${api} ${moment}`), 2)
    }
  }
})

test('a commit that fails before, during or after its decision is committed once by its retry', async () => {
  for (const moment of ['before', 'during', 'after'] satisfies FaultMoment[]) {
    for (const nodeCount of [1, 3]) {
      const fixture = new BrokerFixture(2, { nodeCount })
      const { broker } = fixture
      broker.createTopic('t', 1)
      await fixture.run(async () => {
        const client = await fixture.connect()
        const identity = await begin(client)
        broker.faults.add({ apis: ['END_TXN'], moment, times: 1 })
        await client.endTxn(ID, identity, true)
        await delay(fixture.process, 1000)
      })
      assert.equal(broker.inspect.transaction(ID)?.status, 'CompleteCommit', moment)
      assert.deepEqual(broker.inspect.openTransactions(), [])
    }
  }
})

test('a beginning that is carried out after its caller gave up does not meet the transaction that came to be', async () => {
  const fixture = new BrokerFixture(4)
  const { broker } = fixture
  broker.createTopic('t', 1)
  await fixture.run(async () => {
    const client = await fixture.connect({ 'request.timeout.ms': '200' })
    broker.faults.add({ apis: ['INIT_PRODUCER_ID'], moment: 'slow', times: 1, delayMs: 1000 })
    const idOf = (attempt: number) => `${ID}-${attempt}`
    const { transactionalId, ...identity } = await client.beginTransaction(idOf, TIMEOUT_MS)
    assert.equal(transactionalId, `${ID}-1`)
    await client.addPartitionsToTxn(transactionalId, identity, [{ topic: 't', partition: 0 }])
    await delay(fixture.process, 2000)
    assert.equal(broker.inspect.transaction(`${ID}-0`)?.status, 'Empty')
    await client.endTxn(transactionalId, identity, true)
    await delay(fixture.process, 1000)
  })
  assert.equal(broker.inspect.transaction(`${ID}-1`)?.status, 'CompleteCommit')
})

test('a process killed with a commit under way leaves it committed', async () => {
  const fixture = new BrokerFixture(3)
  const { broker, process } = fixture
  broker.createTopic('t', 1)
  await fixture.run(async () => {
    const client = await fixture.connect()
    const identity = await begin(client)
    void client.endTxn(ID, identity, true)
    // Next, with the request on the wire and not yet at the broker.
    fixture.world.after(0, () => process.kill())
  })
  assert.equal(broker.inspect.transaction(ID)?.status, 'Ongoing')
  await fixture.pass(1000)
  assert.equal(broker.inspect.transaction(ID)?.status, 'CompleteCommit')
})

test('a lost answer to InitProducerId costs an epoch, and the producer works on', async () => {
  const fixture = new BrokerFixture(4)
  fixture.broker.createTopic('t', 1)
  fixture.broker.faults.add({ apis: ['INIT_PRODUCER_ID'], moment: 'after', times: 1 })
  const identity = await fixture.run(async () => begin(await fixture.connect()))
  assert.equal(identity.epoch, 1)
})

test('moves of leaders and coordinators are met and survived by the client', async () => {
  for (const nodeCount of [1, 3]) {
    const fixture = new BrokerFixture(5, { nodeCount })
    const { broker } = fixture
    broker.createTopic('t', 1)
    await fixture.run(async () => {
      const client = await fixture.connect()
      const send = producerOf(fixture, client)
      await send(['a'])
      const identity = await begin(client)
      broker.moveLeader('t', 0)
      broker.moveCoordinators(500)
      await send(['b'])
      await client.endTxn(ID, identity, true)
      await client.commitOffsets('g', [{ topic: 't', partition: 0, offset: 2 }])
      const at = [{ topic: 't', partition: 0, timestampMs: -1 }]
      broker.moveLeader('t', 0)
      await client.listOffsets(at, 'read_committed')
    })
    assert.deepEqual(broker.inspect.committedValues('t'), ['a', 'b'])
    assert.deepEqual([...broker.inspect.groupOffsets('g')], [['t-0', 2]])
  }
})

test('a node that goes down is replaced when there are others, and waited for when it is alone', async () => {
  for (const nodeCount of [1, 3]) {
    const fixture = new BrokerFixture(6, { nodeCount })
    const { broker, world } = fixture
    broker.createTopic('t', 3)
    await fixture.run(async () => {
      const client = await fixture.connect()
      const send = producerOf(fixture, client)
      await send(['a'])
      const identity = await begin(client)
      for (const { id } of broker.state.nodes) {
        broker.stopNode(id)
        world.after(3000, () => broker.startNode(id))
        await send([`after ${id}`])
        await delay(fixture.process, 4000)
      }
      await client.endTxn(ID, identity, true)
      await delay(fixture.process, 1000)
    })
    const values = ['a', ...broker.state.nodes.map(({ id }) => `after ${id}`)]
    assert.deepEqual(broker.inspect.committedValues('t'), values)
    assert.equal(broker.inspect.transaction(ID)?.status, 'CompleteCommit')
  }
})

test('a cluster that stays away is named with its addresses after the deadline', async () => {
  const fixture = new BrokerFixture(7)
  const { broker, network, world } = fixture
  await fixture.run(async () => {
    const client = await fixture.connect({ 'default.api.timeout.ms': '2000' })
    await client.metadata([])
    for (const gone of ['stopped', 'cut off'] as const) {
      if (gone === 'stopped') broker.stopNode(1)
      else {
        broker.startNode(1)
        network.cut('client', 'broker-1')
      }
      const startMs = world.nowMs
      await assert.rejects(client.metadata([]), (error) => {
        assert.ok(isMillraceError(error, 'KAFKA_UNREACHABLE'))
        assert.match(error.message, /broker-1:9092/)
        return true
      })
      assert.ok(world.nowMs - startMs < 40_000)
    }
  })
})

test('a request that is answered after the caller gave up was carried out all the same', async () => {
  const fixture = new BrokerFixture(8)
  const { broker } = fixture
  broker.createTopic('t', 1)
  await fixture.run(async () => {
    const client = await fixture.connect({
      'request.timeout.ms': '200',
      'default.api.timeout.ms': '300',
    })
    const identity = await begin(client)
    broker.faults.add({ apis: ['END_TXN'], moment: 'slow', delayMs: 5000 })
    await assert.rejects(client.endTxn(ID, identity, true), (error) =>
      isMillraceError(error, 'KAFKA_UNREACHABLE'),
    )
    assert.equal(broker.inspect.transaction(ID)?.status, 'Ongoing')
    await delay(fixture.process, 6000)
  })
  assert.equal(broker.inspect.transaction(ID)?.status, 'CompleteCommit')
})

test('a late request to add partitions opens an ended transaction again, empty, until its timeout', async () => {
  const fixture = new BrokerFixture(8)
  const { broker } = fixture
  broker.createTopic('t', 1)
  const partition = [{ topic: 't', partition: 0 }]
  await fixture.run(async () => {
    const client = await fixture.connect({ 'request.timeout.ms': '200' })
    const identity = await client.initProducerId(ID, TIMEOUT_MS)
    broker.faults.add({ apis: ['ADD_PARTITIONS_TO_TXN'], moment: 'slow', delayMs: 5000, times: 1 })
    await client.addPartitionsToTxn(ID, identity, partition)
    const [open] = broker.inspect.openTransactions()
    assert.deepEqual([open?.reopened, open?.holding], [false, []])
    await client.endTxn(ID, identity, true)
    await delay(fixture.process, 1000)
    assert.deepEqual(broker.inspect.openTransactions(), [])
    await delay(fixture.process, 6000)
    const [late] = broker.inspect.openTransactions()
    assert.deepEqual([late?.status, late?.reopened, late?.holding], ['Ongoing', true, []])
    await delay(fixture.process, TIMEOUT_MS + 20_000)
    assert.deepEqual(broker.inspect.openTransactions(), [])
  })
})

test('a transaction that is made to expire refuses its commit for good', async () => {
  const fixture = new BrokerFixture(9)
  const { broker } = fixture
  broker.createTopic('t', 1)
  await fixture.run(async () => {
    const client = await fixture.connect()
    const identity = await begin(client)
    assert.equal(broker.expireTransaction(ID), true)
    await delay(fixture.process, 1000)
    await assert.rejects(client.endTxn(ID, identity, true), (error) => {
      assert.ok(error instanceof BrokerRefusal)
      assert.equal(error.code, ProtocolError.PRODUCER_FENCED)
      return true
    })
  })
  assert.deepEqual(broker.inspect.openTransactions(), [])
})

test('a transaction that times out as it begins takes no record, and only the next one does', async () => {
  const fixture = new BrokerFixture(10)
  const { broker } = fixture
  broker.createTopic('t', 1)
  await fixture.run(async () => {
    const client = await fixture.connect()
    const armed = broker.expireNextBegun()
    assert.equal(armed.hasExpired(), false)
    const identity = await begin(client)
    assert.equal(armed.hasExpired(), true)
    await delay(fixture.process, 1000)
    await assert.rejects(client.endTxn(ID, identity, true), BrokerRefusal)
    await client.endTxn(ID, await begin(client), true)
    broker.expireNextBegun().cancel()
    await client.endTxn(ID, await begin(client), true)
  })
  assert.deepEqual(broker.inspect.openTransactions(), [])
})

test('retention may take what every group has committed, and no more', async () => {
  const fixture = new BrokerFixture(12)
  const { broker } = fixture
  broker.createTopic('t', 2)
  for (const partition of [0, 1]) broker.append('t', partition, ['a', 'b', 'c', 'd'])
  await fixture.run(async () => {
    const client = await fixture.connect()
    await client.commitOffsets('g', [{ topic: 't', partition: 0, offset: 3 }])
    await client.commitOffsets('h', [{ topic: 't', partition: 0, offset: 2 }])
  })
  const place = { topic: 't', partition: 0 }
  assert.deepEqual(broker.inspect.committedBehind(), [{ ...place, offset: 2 }])
  assert.deepEqual(broker.inspect.committedAhead(), [{ ...place, offset: 2, endOffset: 4 }])
  broker.deleteRecordsBefore('t', 0, 2)
  assert.deepEqual(broker.inspect.committedBehind(), [])
})

test('a paused node answers late when it is alone, and is replaced when there are others', async () => {
  for (const nodeCount of [1, 3]) {
    const fixture = new BrokerFixture(13, { nodeCount })
    const { broker, world } = fixture
    broker.createTopic('t', 1)
    await fixture.run(async () => {
      const send = producerOf(fixture, await fixture.connect({ 'request.timeout.ms': '2000' }))
      await send(['a'])
      const leader = broker.state.place('t', 0)?.leader ?? -1
      broker.pauseNode(leader)
      world.after(60_000, () => broker.resumeNode(leader))
      await send(['b'])
    })
    assert.equal(world.nowMs > 60_000, nodeCount === 1)
    assert.deepEqual(broker.inspect.committedValues('t'), ['a', 'b'])
  }
})

test('a produce that is stored and refused all the same is stored once by its repeat', async () => {
  const fixture = new BrokerFixture(14)
  const { broker } = fixture
  broker.createTopic('t', 1)
  const error = ProtocolError.NOT_ENOUGH_REPLICAS_AFTER_APPEND
  broker.faults.add({ apis: ['PRODUCE'], moment: 'unsure', error, times: 3 })
  await fixture.run(async () => {
    const send = producerOf(fixture, await fixture.connect())
    await send(['a'])
    await send(['b'])
  })
  assert.deepEqual(broker.inspect.committedValues('t'), ['a', 'b'])
})

test('the markers of one transaction come one partition after another, after the answer', async () => {
  const fixture = new BrokerFixture(15)
  const { broker } = fixture
  broker.delayMarkers(5)
  broker.createTopic('t', 2)
  const ends = () => broker.inspect.offsets('t').map(({ highWatermark }) => highWatermark)
  const seen = new Set<string>()
  await fixture.run(async () => {
    const client = await fixture.connect()
    const identity = await client.initProducerId(ID, TIMEOUT_MS)
    const places = [0, 1].map((partition) => ({ topic: 't', partition }))
    await client.addPartitionsToTxn(ID, identity, places)
    await client.endTxn(ID, identity, true)
    for (let i = 0; i < 200; i++) {
      seen.add(ends().join(' '))
      await delay(fixture.process, 1)
    }
  })
  assert.deepEqual([...seen].sort(), ['0 0', '0 1', '1 1'])
  assert.equal(broker.inspect.transaction(ID)?.status, 'CompleteCommit')
})

test('input that is appended is there at once, in order, with the offsets of the partition', async () => {
  const fixture = new BrokerFixture(10)
  const { broker } = fixture
  broker.createTopic('t', 2)
  broker.append('t', 0, ['a', 'b'])
  broker.append('t', 1, [new TextEncoder().encode('c')])
  broker.append('t', 0, ['d'])
  const records = broker.inspect.committedRecords('t', [1])
  assert.deepEqual(
    records.map(({ partition, offset, value }) => `${partition}@${offset} ${value}`),
    ['0@1 b', '0@2 d', '1@0 c'],
  )
  broker.deleteRecordsBefore('t', 0, 2)
  assert.deepEqual(broker.inspect.committedValues('t'), ['d', 'c'])
  assert.deepEqual(broker.inspect.offsets('t')[0], {
    ...{ partition: 0, startOffset: 2, lastStableOffset: 3, highWatermark: 3 },
  })
})

test('the same seed gives the same log', async () => {
  const digestOf = async (seed: number) => {
    const fixture = new BrokerFixture(seed, { nodeCount: 3 })
    const { broker, world } = fixture
    broker.createTopic('t', 3)
    broker.faults.add({ moment: 'after', probability: 0.1 })
    broker.faults.add({ moment: 'during', probability: 0.1 })
    await fixture.run(async () => {
      const client = await fixture.connect()
      const send = producerOf(fixture, client)
      for (let i = 0; i < 10; i++) await send([`${i}`])
      const identity = await begin(client)
      await client.endTxn(ID, identity, true)
    })
    return `${world.log.digest} ${world.nowMs}`
  }
  assert.equal(await digestOf(11), await digestOf(11))
  assert.notEqual(await digestOf(11), await digestOf(12))
})
