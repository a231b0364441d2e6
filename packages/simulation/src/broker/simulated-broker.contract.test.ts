/** The simulated broker answers as a real one does: the contract that test/integration runs against a real broker. */
import { testKafkaClientContract } from '@millrace/connector-kafka/contract'
import { delay } from '../world/scheduler.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

let seed = 1

for (const nodeCount of [1, 3]) {
  testKafkaClientContract(`A simulated cluster of ${nodeCount}`, (scenario) => {
    const fixture = new BrokerFixture(seed++, { nodeCount })
    const { broker, world, process } = fixture
    let names = 0
    const freshName = () => `name-${++names}`
    return fixture.run(() =>
      scenario({
        connect: (apiTimeoutMs = 30_000) =>
          fixture.connect({ 'default.api.timeout.ms': String(apiTimeoutMs) }),
        async createTopic(partitions) {
          const topic = freshName()
          broker.createTopic(topic, partitions)
          return topic
        },
        freshName,
        delay: (ms) => delay(process, ms),
        nowMs: () => world.nowMs,
        async deleteRecordsBefore(topic, partition, offset) {
          broker.deleteRecordsBefore(topic, partition, offset)
        },
        timeoutCheckMs: 12_000,
      }),
    )
  })
}
