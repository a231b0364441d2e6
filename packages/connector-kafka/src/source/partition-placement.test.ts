/** What becomes of partitions that wait for a place when their reader closes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaClient, TopicMetadata } from '../client/kafka-client.ts'
import { parseKafkaProperties } from '../client/kafka-properties.ts'
import { PartitionPlacement } from './partition-placement.ts'
import { PartitionProgress } from './partition-progress.ts'

const progressOf = (partition: number) =>
  new PartitionProgress(`t-${partition}`, {
    topic: 't',
    partition,
    offset: 0,
    stoppingOffset: null,
  })

const CALLS_MAX = 10

/** What would go on for ever ends with a failure. */
class CountedPlacement extends PartitionPlacement {
  calls = 0
  override place(partitions: readonly PartitionProgress[]): void {
    if (++this.calls > CALLS_MAX) throw new Error('It is placed for ever.')
    super.place(partitions)
  }
}

test('a partition that waits for its place when the reader closes keeps nobody busy', async () => {
  // Found by simulation seed 2036: the thread of the slot did nothing else any more.
  const answers: ((metadata: { topics: TopicMetadata[] }) => void)[] = []
  const metadata = () => new Promise((resolve) => answers.push(resolve))
  const settings = await parseKafkaProperties({ 'bootstrap.servers': 'x:1' }, null as never)
  const platform = { clock: { monotonicMs: () => 0 }, logger: { warn: () => {} } }
  const placement = new CountedPlacement(
    { metadata } as unknown as KafkaClient,
    settings,
    platform as never,
    { onChunk: () => {}, onProgress: () => {}, onFatal: (error) => assert.fail(String(error)) },
  )
  placement.place([progressOf(0)])
  placement.place([progressOf(1)])
  placement.close()
  answers[0]?.({ topics: [] })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(placement.calls, 2)
})
