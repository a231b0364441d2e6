/**
 * What simulated requests cost of CPU time: transactions of one batch, end to end through the
 * client that ships.
 *
 *     node packages/simulation/src/broker/simulated-broker.bench.ts
 */
import { batchOfTexts } from '../../../connector-kafka/src/contract/contract-fixture.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

const TRANSACTIONS = 2000
const RECORDS = Array.from({ length: 20 }, (_, i) => `{"row":${i},"text":"some text of a row"}`)

async function round(): Promise<{ ms: number; requests: number; events: number }> {
  const fixture = new BrokerFixture(1)
  const { broker, world } = fixture
  broker.createTopic('t', 1)
  const place = { topic: 't', partition: 0 }
  const started = process.cpuUsage()
  await fixture.run(async () => {
    const client = await fixture.connect()
    for (let i = 0; i < TRANSACTIONS; i++) {
      const id = `bench-0-${i % 50}`
      const identity = await client.initProducerId(id, 60_000)
      await client.addPartitionsToTxn(id, identity, [place])
      const bytes = batchOfTexts(RECORDS, {
        ...{ ...identity, baseSequence: 0, transactional: true, timestampMs: world.nowMs },
      })
      await client.produce(1, id, [{ ...place, bytes }], 30_000)
      await client.fetch(
        1,
        {
          ...{ maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, partitionMaxBytes: 1 << 20 },
          isolation: 'read_committed',
          partitions: [{ ...place, topicId: null, offset: i === 0 ? 0 : (i - 1) * 21 }],
        },
        (size) => Buffer.allocUnsafe(size),
      )
      await client.endTxn(id, identity, true)
    }
  })
  const { user, system } = process.cpuUsage(started)
  return { ms: (user + system) / 1000, requests: TRANSACTIONS * 5, events: world.events }
}

for (let i = 0; i < 3; i++) {
  const { ms, requests, events } = await round()
  const each = ((ms / requests) * 1000).toFixed(1)
  process.stdout.write(
    `${requests} requests, ${events} events: ${ms.toFixed(0)} ms of CPU, ${each} µs a request\n`,
  )
}
