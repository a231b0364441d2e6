/**
 * The contract of transactions: what readers see, who may end what, and what fences whom
 * (protocol TV1).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { type IsolationLevel, type KafkaClient, LATEST_TIMESTAMP } from '../client/kafka-client.ts'
import { BrokerRefusal, ProtocolError } from '../client/protocol-errors.ts'
import {
  ContractProducer,
  fetchOnce,
  type KafkaClientFixture,
  type RunScenario,
  readValues,
  settled,
  TRANSACTION_TIMEOUT_MS,
} from './contract-fixture.ts'

const { INVALID_TXN_STATE, PRODUCER_FENCED, INVALID_PRODUCER_ID_MAPPING } = ProtocolError

export function testTransactionContract(name: string, run: RunScenario): void {
  testVisibility(name, run)
  testStableOffset(name, run)
  testEnding(name, run)
  testLaterEnds(name, run)
  testFencing(name, run)
  testMembership(name, run)
  testTimeout(name, run)
}

/** The code of a final refusal; 0 when there was none. */
async function refusalOf(attempt: Promise<unknown>): Promise<number> {
  try {
    await attempt
    return 0
  } catch (error) {
    if (error instanceof BrokerRefusal) return error.code
    throw error
  }
}

/** A scenario with a client and a topic of its own, of two partitions. */
function onTopic(
  run: RunScenario,
  scenario: (setup: {
    readonly fixture: KafkaClientFixture
    readonly client: KafkaClient
    readonly topic: string
  }) => Promise<void>,
) {
  return run(async (fixture) => {
    const client = await fixture.connect()
    const topic = await fixture.createTopic(2)
    await scenario({ fixture, client, topic })
  })
}

async function begin(
  fixture: KafkaClientFixture,
  client: KafkaClient,
  topic: string,
  ...partitions: readonly number[]
): Promise<ContractProducer> {
  const producer = new ContractProducer(fixture, client, fixture.freshName())
  await producer.init()
  await producer.add(topic, ...partitions)
  return producer
}

function testVisibility(name: string, run: RunScenario): void {
  test(`${name} shows a transaction to read_committed once it is committed, and not before`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      await new ContractProducer(fixture, client, null).send(topic, 0, ['plain'])
      const producer = await begin(fixture, client, topic, 0, 1)
      await producer.send(topic, 0, ['a', 'b'])
      await producer.send(topic, 1, ['c'])
      await new ContractProducer(fixture, client, null).send(topic, 0, ['behind'])
      const open = await fetchOnce(client, topic, 0, { isolation: 'read_committed' })
      assert.deepEqual([open.values, open.lastStableOffset, open.highWatermark], [['plain'], 1, 4])
      const beyond = await fetchOnce(client, topic, 0, { isolation: 'read_committed', offset: 2 })
      assert.deepEqual([beyond.error, beyond.values], [0, []])
      assert.deepEqual(await readValues(client, topic, 0, 'read_uncommitted'), [
        ...['plain', 'a', 'b', 'behind'],
      ])
      const latest = [{ topic, partition: 0, timestampMs: LATEST_TIMESTAMP }]
      assert.deepEqual(await client.listOffsets(latest, 'read_committed'), [1])
      assert.deepEqual(await client.listOffsets(latest, 'read_uncommitted'), [4])
      const future = [{ topic, partition: 0, timestampMs: Math.floor(fixture.nowMs()) + 60_000 }]
      assert.deepEqual(await client.listOffsets(future, 'read_committed'), [-1])
      await producer.end(true)
      await settled(fixture, client)
      const done = await fetchOnce(client, topic, 0, { isolation: 'read_committed' })
      assert.deepEqual(done.values, ['plain', 'a', 'b', 'behind'])
      // The marker has an offset, too.
      assert.deepEqual([done.lastStableOffset, done.highWatermark, done.nextOffset], [5, 5, 5])
      assert.deepEqual(await readValues(client, topic, 1, 'read_committed'), ['c'])
    }))

  test(`${name} never shows an aborted transaction to read_committed, and names it`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      await producer.send(topic, 0, ['a', 'b'])
      await producer.end(false)
      await settled(fixture, client)
      await new ContractProducer(fixture, client, null).send(topic, 0, ['after'])
      const fetched = await fetchOnce(client, topic, 0, { isolation: 'read_committed' })
      assert.deepEqual(fetched.values, ['after'])
      assert.deepEqual(fetched.aborted, [{ producerId: producer.producerId, firstOffset: 0 }])
      const raw = await fetchOnce(client, topic, 0)
      assert.deepEqual([raw.values, raw.aborted], [['a', 'b', 'after'], []])
      const later = await fetchOnce(client, topic, 0, { isolation: 'read_committed', offset: 3 })
      assert.deepEqual([later.values, later.aborted], [['after'], []])
    }))
}

function testStableOffset(name: string, run: RunScenario): void {
  test(`${name} holds readers before the oldest of several open transactions`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const first = await begin(fixture, client, topic, 0)
      const second = await begin(fixture, client, topic, 0)
      await first.send(topic, 0, ['1a'])
      await second.send(topic, 0, ['2a'])
      await first.send(topic, 0, ['1b'])
      await second.end(true)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), [])
      await first.end(false)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), ['2a'])
      const fetched = await fetchOnce(client, topic, 0, { isolation: 'read_committed' })
      assert.deepEqual([fetched.lastStableOffset, fetched.aborted.length], [5, 1])
    }))

  test(`${name} looks up times among what the isolation may see, markers included`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      const timestampMs = Math.floor(fixture.nowMs()) - 10_000
      await producer.send(topic, 0, ['a'], { timestampMs })
      const at = (time: number, isolation: IsolationLevel) =>
        client.listOffsets([{ topic, partition: 0, timestampMs: time }], isolation)
      assert.deepEqual(await at(timestampMs, 'read_committed'), [-1])
      assert.deepEqual(await at(timestampMs, 'read_uncommitted'), [0])
      await producer.end(true)
      await settled(fixture, client)
      assert.deepEqual(await at(timestampMs, 'read_committed'), [0])
      assert.deepEqual(await at(timestampMs + 1, 'read_committed'), [1])
    }))

  test(`${name} wakes a waiting read_committed fetch when the transaction ends`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const writer = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const producer = await begin(fixture, writer, topic, 0)
      await producer.send(topic, 0, ['a'])
      const startMs = fixture.nowMs()
      const waiting = fetchOnce(client, topic, 0, {
        isolation: 'read_committed',
        maxWaitMs: 20_000,
      })
      await fixture.delay(100)
      await producer.end(true)
      assert.deepEqual((await waiting).values, ['a'])
      assert.ok(fixture.nowMs() - startMs < 10_000)
    }))
}

function testEnding(name: string, run: RunScenario): void {
  test(`${name} takes a repeated commit or abort, and refuses the opposite`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      for (const commit of [true, false]) {
        const producer = await begin(fixture, client, topic, 0)
        await producer.send(topic, 0, ['a'])
        await producer.end(commit)
        await producer.end(commit)
        await settled(fixture, client)
        assert.equal(await refusalOf(producer.end(commit)), 0)
        assert.equal(await refusalOf(producer.end(!commit)), INVALID_TXN_STATE)
      }
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), ['a'])
    }))

  test(`${name} refuses to end what has not begun, is unknown, or is another's`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const idle = new ContractProducer(fixture, client, fixture.freshName())
      await idle.init()
      for (const commit of [true, false]) {
        assert.equal(await refusalOf(idle.end(commit)), INVALID_TXN_STATE)
        const unknown = client.endTxn(fixture.freshName(), idle.identity, commit)
        assert.equal(await refusalOf(unknown), INVALID_PRODUCER_ID_MAPPING)
      }
      const producer = await begin(fixture, client, topic, 0)
      const id = producer.id as string
      const { producerId, epoch } = producer
      const end = (identity: { producerId: bigint; epoch: number }) =>
        refusalOf(client.endTxn(id, identity, true))
      assert.equal(await end({ producerId: producerId + 77n, epoch }), INVALID_PRODUCER_ID_MAPPING)
      assert.equal(await end({ producerId, epoch: epoch + 1 }), PRODUCER_FENCED)
      assert.equal(await end({ producerId, epoch: epoch - 1 }), PRODUCER_FENCED)
      assert.equal(await end({ producerId, epoch }), 0)
    }))
}

function testLaterEnds(name: string, run: RunScenario): void {
  test(`${name} lets another client commit by id, producer id and epoch alone`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      await producer.send(topic, 0, ['a'])
      await client.close()
      const other = await fixture.connect()
      await other.endTxn(producer.id as string, producer.identity, true)
      await settled(fixture, other)
      assert.deepEqual(await readValues(other, topic, 0, 'read_committed'), ['a'])
    }))

  test(`${name} commits a transaction without records, which leaves a marker`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      await producer.end(true)
      await settled(fixture, client)
      const fetched = await fetchOnce(client, topic, 0, { isolation: 'read_committed' })
      assert.deepEqual([fetched.values, fetched.highWatermark, fetched.nextOffset], [[], 1, 1])
    }))

  test(`${name} goes on with the sequence in the next transaction of the same epoch`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      await producer.send(topic, 0, ['a', 'b'])
      await producer.end(true)
      await producer.add(topic, 0)
      const gap = await producer.send(topic, 0, ['x'], { baseSequence: 5 })
      assert.equal(gap.error, ProtocolError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      assert.deepEqual(await producer.send(topic, 0, ['c']), { error: 0, baseOffset: 3 })
      await producer.end(false)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), ['a', 'b'])
    }))

  test(`${name} lists transactions by state while they are open`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = new ContractProducer(fixture, client, fixture.freshName())
      const listed = async () =>
        (await client.listTransactions(['Ongoing']))?.includes(producer.id as string)
      await producer.init()
      assert.equal(await listed(), false)
      await producer.add(topic, 0)
      assert.equal(await listed(), true)
      assert.ok(
        !(await client.listTransactions(['PrepareCommit']))?.includes(producer.id as string),
      )
      await producer.end(true)
      assert.equal(await listed(), false)
    }))
}

function testFencing(name: string, run: RunScenario): void {
  test(`${name} raises the epoch at each InitProducerId, by two when that aborts a transaction`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = new ContractProducer(fixture, client, fixture.freshName())
      assert.equal((await producer.init()).epoch, 0)
      const { producerId } = producer
      assert.equal((await producer.init()).epoch, 1)
      await producer.add(topic, 0)
      await producer.send(topic, 0, ['lost'])
      assert.equal((await producer.init()).epoch, 3)
      assert.equal(producer.producerId, producerId)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), [])
      await producer.add(topic, 0)
      await producer.send(topic, 0, ['kept'])
      await producer.end(true)
      assert.equal((await producer.init()).epoch, 4)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), ['kept'])
    }))

  test(`${name} refuses everything of an older epoch`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const old = await begin(fixture, client, topic, 0)
      await old.send(topic, 0, ['lost'])
      const zombie = await fixture.connect()
      const fresh = new ContractProducer(fixture, zombie, old.id)
      await fresh.init()
      await settled(fixture, client)
      const produced = await old.send(topic, 0, ['zombie'])
      assert.equal(produced.error, ProtocolError.INVALID_PRODUCER_EPOCH)
      assert.equal(await refusalOf(old.add(topic, 1)), PRODUCER_FENCED)
      assert.equal(await refusalOf(old.end(true)), PRODUCER_FENCED)
      assert.equal(await refusalOf(old.end(false)), PRODUCER_FENCED)
      await fresh.add(topic, 0)
      assert.equal((await fresh.send(topic, 0, ['kept'])).error, 0)
      const again = await old.send(topic, 0, ['zombie'])
      assert.equal(again.error, ProtocolError.INVALID_PRODUCER_EPOCH)
      const elsewhere = await old.send(topic, 1, ['zombie'], { baseSequence: 0 })
      assert.equal(elsewhere.error, ProtocolError.INVALID_PRODUCER_EPOCH)
      await fresh.end(true)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), ['kept'])
      assert.deepEqual(await readValues(client, topic, 1, 'read_uncommitted'), [])
    }))

  test(`${name} refuses a transaction timeout that is too long`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      await assert.rejects(client.initProducerId(fixture.freshName(), 900_001), (error) => {
        assert.ok(isMillraceError(error, 'KAFKA_REQUEST_FAILED'))
        assert.match(error.message, /INVALID_TRANSACTION_TIMEOUT \(50\)/)
        return true
      })
    }))
}

function testMembership(name: string, run: RunScenario): void {
  test(`${name} takes transactional records into registered partitions only`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      assert.equal((await producer.send(topic, 1, ['x'])).error, INVALID_TXN_STATE)
      assert.equal((await producer.send(topic, 0, ['a'])).error, 0)
      // A repeat within the transaction is the same batch.
      const repeat = await producer.send(topic, 0, ['a'], { baseSequence: 0 })
      assert.deepEqual(repeat, { error: 0, baseOffset: 0 })
      await producer.end(true)
      await settled(fixture, client)
      const late = await producer.send(topic, 0, ['b'])
      assert.equal(late.error, INVALID_TXN_STATE)
      assert.deepEqual(await readValues(client, topic, 0, 'read_uncommitted'), ['a'])
    }))

  test(`${name} refuses plain records of a producer whose transaction is open there`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      await producer.send(topic, 0, ['a'])
      const plain = await producer.send(topic, 0, ['x'], { transactional: false, baseSequence: 1 })
      assert.equal(plain.error, INVALID_TXN_STATE)
      await producer.end(true)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_uncommitted'), ['a'])
    }))

  test(`${name} begins the sequence anew with each epoch`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = await begin(fixture, client, topic, 0)
      await producer.send(topic, 0, ['a', 'b'])
      await producer.end(true)
      await producer.init()
      await producer.add(topic, 0)
      const late = await producer.send(topic, 0, ['x'], { baseSequence: 2 })
      assert.equal(late.error, ProtocolError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      assert.equal((await producer.send(topic, 0, ['c'])).error, 0)
      await producer.end(true)
      await settled(fixture, client)
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), ['a', 'b', 'c'])
    }))

  test(`${name} adds a partition twice as once, and refuses ones that do not exist`, () =>
    run(async (fixture) => {
      const client = await fixture.connect(300)
      const topic = await fixture.createTopic(1)
      const producer = await begin(fixture, client, topic, 0)
      assert.equal(await refusalOf(producer.add(topic, 0)), 0)
      await assert.rejects(producer.add(fixture.freshName(), 0), (error) =>
        isMillraceError(error, 'KAFKA_UNREACHABLE'),
      )
      const other = { producerId: producer.producerId, epoch: producer.epoch + 1 }
      const place = { topic, partition: 0 }
      const ahead = client.addPartitionsToTxn(producer.id as string, other, [place])
      assert.equal(await refusalOf(ahead), PRODUCER_FENCED)
      const unknown = client.addPartitionsToTxn(fixture.freshName(), producer.identity, [place])
      assert.equal(await refusalOf(unknown), INVALID_PRODUCER_ID_MAPPING)
      await producer.end(false)
    }))
}

function testTimeout(name: string, run: RunScenario): void {
  test(`${name} aborts a transaction that is open for longer than its timeout, and fences it`, () =>
    onTopic(run, async ({ fixture, client, topic }) => {
      const producer = new ContractProducer(fixture, client, fixture.freshName())
      await producer.init(500)
      await producer.add(topic, 0)
      await producer.send(topic, 0, ['lost'])
      assert.deepEqual(await readValues(client, topic, 0, 'read_committed'), [])
      await fixture.delay(500 + fixture.timeoutCheckMs)
      await settled(fixture, client)
      const after = await fetchOnce(client, topic, 0, { isolation: 'read_committed' })
      assert.deepEqual([after.values, after.lastStableOffset], [[], 2])
      assert.equal(await refusalOf(producer.end(true)), PRODUCER_FENCED)
      assert.equal(await refusalOf(producer.add(topic, 0)), PRODUCER_FENCED)
      const produced = await producer.send(topic, 0, ['zombie'])
      assert.equal(produced.error, ProtocolError.INVALID_PRODUCER_EPOCH)
      assert.equal((await producer.init(TRANSACTION_TIMEOUT_MS)).epoch, 2)
    }))
}
