/** What becomes of partitions when a request of their fetcher fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchRequest, FetchResponse, KafkaClient } from '../client/kafka-client.ts'
import { parseKafkaProperties } from '../client/kafka-properties.ts'
import { BrokerFetcher } from './broker-fetcher.ts'
import { PartitionProgress } from './partition-progress.ts'

const progressOf = (partition: number) =>
  new PartitionProgress(`t-${partition}`, {
    topic: 't',
    partition,
    offset: 0,
    stoppingOffset: null,
  })

test('a partition that was added during a request is asked for though the request fails', async () => {
  // Found by simulation seeds 1001 and 1266: it was never fetched again, and held the
  // watermark for ever.
  const requests: FetchRequest[] = []
  const failures: ((error: Error) => void)[] = []
  const fetch = (_: number, request: FetchRequest): Promise<FetchResponse> => {
    requests.push(request)
    return new Promise((_, reject) => failures.push(reject))
  }
  const settings = await parseKafkaProperties({ 'bootstrap.servers': 'x:1' }, null as never)
  const lost: number[] = []
  const fetcher = new BrokerFetcher(1, { fetch } as unknown as KafkaClient, settings, {
    onChunk: () => {},
    onProgress: () => {},
    onLost: (partitions) => lost.push(...partitions.map(({ partition }) => partition)),
    onFatal: (error) => assert.fail(String(error)),
  })
  fetcher.add(progressOf(0))
  fetcher.add(progressOf(1))
  failures[0]?.(new Error('connection lost'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(lost, [0])
  assert.deepEqual(
    requests.map(({ partitions }) => partitions.map(({ partition }) => partition)),
    [[0], [1]],
  )
  fetcher.close()
})
