/**
 * Fills a topic as fast as the connector's own record batches go; what a record says
 * is the caller's.
 */
import { openKafkaClient } from '@millrace/connector-kafka'
import { createNodePlatform } from '@millrace/platform/node'
import { RecordBatchBuilder } from '../../packages/connector-kafka/src/records/record-batch-builder.ts'

const BATCH_BYTES = 512 * 1024
const CHUNK_RECORDS = 4000

export interface TopicContent {
  readonly topic: string
  readonly partitions: number
  /** Spread evenly; rounded up to a multiple of the partitions. */
  readonly records: number
  /** Of one value at most. */
  readonly valueBytesMax: number
  /** The value of a partition's record `n` (from 0): ASCII. */
  readonly value: (n: number, partition: number) => string
}

/** `progress` is told how many records are there, about ten times. */
export async function loadTopic(
  bootstrapServers: string,
  content: TopicContent,
  progress: (done: number) => void,
): Promise<void> {
  const { topic, partitions } = content
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const { client } = await openKafkaClient({ 'bootstrap.servers': bootstrapServers }, platform)
  await client.createTopics([{ topic, partitions }])
  const identity = await client.initProducerId(null, 60_000)
  const perPartition = Math.ceil(content.records / partitions)
  const sequences = new Array<number>(partitions).fill(0)
  const chunk = {
    bytes: Buffer.alloc(CHUNK_RECORDS * content.valueBytesMax),
    starts: new Int32Array(CHUNK_RECORDS),
    lengths: new Int32Array(CHUNK_RECORDS),
  }
  let leaders = (await client.metadata([topic])).topics[0]?.partitions ?? []
  while (leaders.length < partitions) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    leaders = (await client.metadata([topic])).topics[0]?.partitions ?? []
  }
  let shown = 0
  for (let first = 0; first < perPartition; first += CHUNK_RECORDS) {
    const count = Math.min(CHUNK_RECORDS, perPartition - first)
    const requests: Promise<void>[] = []
    for (const { partition, leader } of leaders) {
      let at = 0
      for (let i = 0; i < count; i++) {
        const written = chunk.bytes.write(content.value(first + i, partition), at, 'latin1')
        chunk.starts[i] = at
        chunk.lengths[i] = written
        at += written
      }
      const builder = new RecordBatchBuilder(BATCH_BYTES + 65_536, 'none')
      const { bytes: values, starts, lengths } = chunk
      const next = builder.append(values, starts, lengths, 0, count, 16 * BATCH_BYTES)
      if (next !== count) throw new Error('A chunk did not fit into one batch.')
      const bytes = builder.seal({
        ...identity,
        baseSequence: sequences[partition] as number,
        transactional: false,
        timestampMs: Date.now(),
      })
      sequences[partition] = (sequences[partition] as number) + count
      requests.push(
        client.produce(leader, null, [{ topic, partition, bytes }], 60_000).then(([produced]) => {
          if (produced?.error !== 0) throw new Error(`Produce failed: error ${produced?.error}`)
        }),
      )
    }
    await Promise.all(requests)
    const done = (first + count) * partitions
    if (done - shown >= content.records / 10) progress((shown = done))
  }
  // A broker makes its topics of transactions and of group offsets when they are first asked for,
  // in about 300 ms.
  await client.initProducerId(`${topic}-loader`, 60_000)
  await client.fetchCommittedOffsets(`${topic}-loader`, [{ topic, partition: 0 }])
  await client.close()
}
