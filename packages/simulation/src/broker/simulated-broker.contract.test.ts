/**
 * The simulated broker answers as a real one does: the contract that test/integration runs against
 * a real broker.
 */
import { testKafkaClientContract } from '@millrace/connector-kafka/contract'
import { delay } from '../world/scheduler.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

let seed = 1

for (const { nodeCount, hasTopicIds } of [
  { nodeCount: 1, hasTopicIds: true },
  { nodeCount: 3, hasTopicIds: true },
  { nodeCount: 1, hasTopicIds: false },
]) {
  const which = hasTopicIds ? `of ${nodeCount}` : 'without topic ids'
  testKafkaClientContract(`A simulated cluster ${which}`, (scenario) => {
    const fixture = new BrokerFixture(seed++, {
      ...{ nodeCount, hasTopicIds, createsTopics: hasTopicIds },
    })
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
        async makeTopicAnew(topic) {
          broker.makeTopicAnew(topic)
        },
        hasTopicIds,
        createsTopics: hasTopicIds,
        timeoutCheckMs: 12_000,
      }),
    )
  })
}
