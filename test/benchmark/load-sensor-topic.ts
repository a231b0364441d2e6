/** Fills a topic with sensor readings as fast as the connector's own record batches go. */

import { openKafkaClient } from '@millrace/connector-kafka'
import { createNodePlatform } from '@millrace/platform/node'
import { RecordBatchBuilder } from '../../packages/connector-kafka/src/records/record-batch-builder.ts'

const BATCH_BYTES = 512 * 1024
const CHUNK_RECORDS = 4000
const SENSORS = 100
/** Event time of one record after another of a partition: 10 million records over 3 partitions make about 56 minutes. */
const STEP_MS = 1
const DISORDER_MS = 5000
const START_MS = Date.UTC(2026, 10, 22, 10, 0, 0)

/** Two and three digits with leading zeros. */
const pad = (value: number, digits: number) => String(value).padStart(digits, '0')

class Chunk {
  readonly bytes = Buffer.alloc(CHUNK_RECORDS * 160)
  readonly starts = new Int32Array(CHUNK_RECORDS)
  readonly lengths = new Int32Array(CHUNK_RECORDS)
  #minuteMs = -1
  #minuteText = ''

  fill(first: number, count: number, partition: number, partitions: number): void {
    let at = 0
    for (let i = 0; i < count; i++) {
      const n = (first + i) * partitions + partition
      const timeMs = START_MS + (first + i) * STEP_MS - ((n * 7919) % DISORDER_MS)
      const temperature = 18 + ((n * 31) % 150) / 10
      const humidity = 30 + ((n * 17) % 60)
      const text = `{"sensor_id":"sensor-${n % SENSORS}","temperature":${temperature},"humidity":${humidity},"event_time":"${this.#isoText(timeMs)}"}`
      const written = this.bytes.write(text, at, 'latin1')
      this.starts[i] = at
      this.lengths[i] = written
      at += written
    }
  }

  #isoText(timeMs: number): string {
    const minuteMs = Math.floor(timeMs / 60_000) * 60_000
    if (minuteMs !== this.#minuteMs) {
      this.#minuteMs = minuteMs
      this.#minuteText = new Date(minuteMs).toISOString().slice(0, 17)
    }
    const inMinuteMs = timeMs - minuteMs
    return `${this.#minuteText}${pad(Math.floor(inMinuteMs / 1000), 2)}.${pad(inMinuteMs % 1000, 3)}`
  }
}

/** Produces `records` readings, spread evenly; resolves with the bytes of their values. */
export async function loadSensorTopic(
  bootstrapServers: string,
  topic: string,
  partitions: number,
  records: number,
  progress: (done: number) => void,
): Promise<void> {
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const { client } = await openKafkaClient({ 'bootstrap.servers': bootstrapServers }, platform)
  await client.createTopics([{ topic, partitions }])
  const identity = await client.initProducerId(null, 60_000)
  const perPartition = Math.ceil(records / partitions)
  const sequences = new Array<number>(partitions).fill(0)
  const chunk = new Chunk()
  let leaders = (await client.metadata([topic])).topics[0]?.partitions ?? []
  while (leaders.length < partitions) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    leaders = (await client.metadata([topic])).topics[0]?.partitions ?? []
  }
  let done = 0
  for (let first = 0; first < perPartition; first += CHUNK_RECORDS) {
    const requests: Promise<void>[] = []
    for (const { partition, leader } of leaders) {
      const count = Math.min(CHUNK_RECORDS, perPartition - first)
      chunk.fill(first, count, partition, partitions)
      const builder = new RecordBatchBuilder(BATCH_BYTES + 65_536, 'none')
      const next = builder.append(
        chunk.bytes,
        chunk.starts,
        chunk.lengths,
        0,
        count,
        16 * BATCH_BYTES,
      )
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
      done += count
    }
    await Promise.all(requests)
    progress(done)
  }
  // A broker makes its topics of transactions and of group offsets when they are first asked for, in about 300 ms.
  await client.initProducerId(`${topic}-loader`, 60_000)
  await client.fetchCommittedOffsets(`${topic}-loader`, [{ topic, partition: 0 }])
  await client.close()
}
