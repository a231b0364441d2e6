/**
 * Whose transactions the shipped Kafka sink ends, and what it makes of those that the cluster
 * has forgotten.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKafkaConnector } from '@millrace/connector-kafka'
import { batchOf, makeWriter } from '@millrace/connector-kafka/testing'
import type { SubtaskInfo } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { simulatedClock } from '../platform/simulated-clock.ts'
import { simulatedLogger } from '../platform/simulated-logger.ts'
import { delay } from '../world/scheduler.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

const TOPIC = 'lines'
let seed = 1

type Restored = Parameters<ReturnType<typeof makeWriter>['writer']['open']>[0]

class SinkFixture {
  readonly brokers = new BrokerFixture(seed++, { createsTopics: true })
  readonly #connector = createKafkaConnector(
    this.brokers.broker.clientFactory(this.brokers.process),
  )
  readonly #platform = {
    clock: simulatedClock(this.brokers.process),
    random: this.brokers.world.random.split('sink'),
    filesystem: {},
    logger: simulatedLogger(this.brokers.process, 'error'),
  } as unknown as Platform

  constructor() {
    this.brokers.broker.createTopic(TOPIC, 1)
  }

  /** Of a job; an attempt of it that has opened. */
  async open(jobId: string, restored: Restored = null, more: Partial<SubtaskInfo> & Options = {}) {
    const { options, ...subtask } = more
    const run = makeWriter(
      this.#connector,
      this.#platform,
      {
        topic: TOPIC,
        'properties.bootstrap.servers': this.brokers.broker.bootstrapServers,
        ...options,
      },
      { jobId, ...subtask },
    )
    await run.writer.open(restored)
    return run.writer
  }

  get values(): string[] {
    return this.brokers.broker.inspect.committedValues(TOPIC)
  }

  openIds(): string[] {
    return this.brokers.broker.inspect.openTransactions().map((each) => each.transactionalId)
  }

  async settle(): Promise<void> {
    await delay(this.brokers.process, 50)
  }
}

interface Options {
  readonly options?: Readonly<Record<string, string>>
}

type Writer = Awaited<ReturnType<SinkFixture['open']>>

/** A scenario in simulated time. */
function scenario(name: string, body: (sink: SinkFixture) => Promise<void>): void {
  test(name, () => {
    const sink = new SinkFixture()
    return sink.brokers.run(() => body(sink))
  })
}

async function checkpointOf(writer: Writer, checkpointId: number): Promise<NonNullable<Restored>> {
  const committables = await writer.prepareCommit(checkpointId)
  return { checkpointId, states: writer.snapshotState(checkpointId), committables }
}

/** One checkpoint of a job, committed, and the cluster that has forgotten its id. */
async function committedAndForgotten(sink: SinkFixture) {
  const writer = await sink.open('a')
  writer.write(batchOf(['x']))
  const checkpoint = await checkpointOf(writer, 1)
  await writer.commit(checkpoint.committables)
  await sink.settle()
  await writer.close()
  const { broker } = sink.brokers
  for (const id of broker.inspect.transactionalIds()) broker.forgetTransactionalId(id)
  return checkpoint
}

scenario('jobs whose tables share a name leave each other’s transactions alone', async (sink) => {
  const first = await sink.open('a')
  first.write(batchOf(['of a']))
  await sink.settle()
  const second = await sink.open('b')
  second.write(batchOf(['of b']))
  const [ofFirst, ofSecond] = [await checkpointOf(first, 1), await checkpointOf(second, 1)]
  await (await sink.open('c')).close()
  await first.commit(ofFirst.committables)
  await second.commit(ofSecond.committables)
  await sink.settle()
  assert.deepEqual(sink.values.sort(), ['of a', 'of b'])
  await first.close()
  await second.close()
})

scenario(
  'a job restored from another’s checkpoint takes over its name and ends what it left',
  async (sink) => {
    const former = await sink.open('a')
    former.write(batchOf(['committed']))
    const checkpoint = await checkpointOf(former, 1)
    former.write(batchOf(['lost with its job']))
    await sink.settle()
    const [left] = sink.openIds().filter((id) => id.includes('-2-'))
    const next = await sink.open('b', checkpoint)
    await sink.settle()
    assert.deepEqual([sink.values, sink.openIds()], [['committed'], []])
    next.write(batchOf(['of the next']))
    await sink.settle()
    const prefix = left?.slice(0, left.indexOf('-0-2-'))
    assert.ok(sink.openIds().every((id) => id.startsWith(`${prefix}-0-2-`)))
    // The lineage goes on: a third job ends what the second left.
    await sink.open('c', { ...(await checkpointOf(next, 2)), checkpointId: 2 })
    await sink.settle()
    assert.deepEqual(sink.values, ['committed', 'of the next'])
  },
)

scenario('a commit that the cluster has forgotten is found in the topic', async (sink) => {
  const checkpoint = await committedAndForgotten(sink)
  const next = await sink.open('a', checkpoint, { attempt: 1 })
  assert.deepEqual(sink.values, ['x'])
  await next.close()
})

scenario('a transaction that was aborted and forgotten is lost by name', async (sink) => {
  const writer = await sink.open('a')
  writer.write(batchOf(['x']))
  const checkpoint = await checkpointOf(writer, 1)
  const { broker } = sink.brokers
  const [id] = sink.openIds()
  broker.expireTransaction(id as string)
  await sink.settle()
  broker.forgetTransactionalId(id as string)
  await assert.rejects(sink.open('a', checkpoint, { attempt: 1 }), {
    code: 'KAFKA_TRANSACTION_LOST',
  })
})

scenario(
  'of a forgotten transaction whose records retention has taken nothing is left to lose',
  async (sink) => {
    const checkpoint = await committedAndForgotten(sink)
    sink.brokers.broker.deleteRecordsBefore(TOPIC, 0, 2)
    await (await sink.open('a', checkpoint, { attempt: 1 })).close()
    assert.deepEqual(sink.values, [])
  },
)

scenario('a topic that the cluster makes when it is asked for is written to', async (sink) => {
  const options = { topic: 'made-for-the-sink' }
  const writer = await sink.open('a', null, { options })
  writer.write(batchOf(['x']))
  await writer.commit((await checkpointOf(writer, 1)).committables)
  await sink.settle()
  assert.deepEqual(sink.brokers.broker.inspect.committedValues('made-for-the-sink'), ['x'])
})

const CLAIMED = {
  options: {
    'sink.delivery-guarantee': 'exactly-once',
    'sink.transactional-id-prefix': 'claimed',
  },
}

scenario(
  'a second living job under one explicit prefix is refused before it ends anything',
  async (sink) => {
    const first = await sink.open('a', null, CLAIMED)
    first.write(batchOf(['kept']))
    await sink.settle()
    await assert.rejects(sink.open('b', null, CLAIMED), {
      code: 'KAFKA_TRANSACTIONAL_ID_PREFIX_IN_USE',
    })
    const checkpoint = await checkpointOf(first, 1)
    await first.commit(checkpoint.committables)
    first.write(batchOf(['lost with its job']))
    await sink.settle()
    // Its own next attempt, and a job that comes from its checkpoint, are no rivals
    // of what it left.
    const again = await sink.open('a', checkpoint, { ...CLAIMED, attempt: 1 })
    again.write(batchOf(['lost as well']))
    await sink.settle()
    await sink.open('c', checkpoint, CLAIMED)
    await sink.settle()
    assert.deepEqual([sink.values, sink.openIds()], [['kept'], []])
  },
)
