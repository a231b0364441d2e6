/**
 * Rows through one channel: encode, segment, credit, connection, decode.
 *
 *     node packages/network/src/exchange/exchange.bench.ts
 */
import { batchOf, Configuration, columnCodec, type Schema } from '@millrace/core'
import type { DataConnection } from '@millrace/platform'
import { createNodePlatform } from '@millrace/platform/node'
import { SubtaskInput } from '../input/subtask-input.ts'
import { networkSettingsOf } from '../network-options.ts'
import { ResultPartition } from '../partition/result-partition.ts'
import { SlotExchange } from './slot-exchange.ts'

const BATCHES = 4000
const ROWS = 2048
const { clock, data } = createNodePlatform({ logger: { level: 'error' } })
const schema: Schema = {
  fields: [
    { name: 'k', type: { kind: 'STRING', nullable: false } },
    ...['a', 'b', 'c'].map((name) => ({
      name,
      type: { kind: 'DOUBLE' as const, nullable: false },
    })),
  ],
}
const codec = columnCodec(schema)
const batch = batchOf(
  schema,
  Array.from({ length: ROWS }, (_, i) => [`sensor-${i % 100}`, i, i / 2, i / 3]),
)
const settings = networkSettingsOf(new Configuration({}), 1728 * 1024 * 1024, 1)

async function measure(
  name: string,
  connect: ((producer: SlotExchange) => Promise<DataConnection>) | null,
): Promise<void> {
  const producer = new SlotExchange(settings, clock, () => Promise.reject(new Error('unused')))
  const consumer =
    connect === null ? producer : new SlotExchange(settings, clock, () => connect(producer))
  const partition = new ResultPartition(
    {
      attemptId: 'a',
      edgeIndex: 0,
      codec,
      partitioning: { kind: 'forward' },
      subpartitionCount: 1,
      maxParallelism: 128,
      firstSubpartition: 0,
      buffersPerChannel: 2,
      floatingBuffers: 8,
      owner: 'bench',
    },
    producer.pool,
  )
  producer.registerPartition(partition)
  const input = new SubtaskInput(
    {
      gates: [{ codec, channels: ['channel'] }],
      buffersPerChannel: 2,
      floatingBuffersPerGate: 8,
      owner: 'bench',
      nowMs: () => clock.nowMs(),
      setTimer: () => () => {},
      monotonicMs: () => clock.monotonicMs(),
    },
    consumer.pool,
  )
  const peer = { key: 'p', description: 'the producer', isSelf: connect === null }
  consumer.openChannel(input.channels[0]!, peer, {
    attemptId: 'a',
    edgeIndex: 0,
    subpartition: 0,
  })
  let rows = 0
  const listener = {
    onBatch: (_gate: number, each: { rowCount: number }) => {
      rows += each.rowCount
    },
    onWatermark: () => {},
    onWatermarkStatus: () => {},
    onEndOfData: () => {},
    onBarrier: () => {},
    onAlignmentCancelled: () => {},
  }
  const startMs = clock.monotonicMs()
  const startCpu = clock.processCpuMicros()
  for (let emitted = 0; rows < BATCHES * ROWS; ) {
    for (let i = 0; i < 8 && emitted < BATCHES && partition.isAvailable(); i++, emitted++) {
      partition.emitBatch(batch)
    }
    if (emitted === BATCHES) partition.flush()
    while (input.poll(listener));
    await new Promise<void>((resolve) => clock.setImmediate(resolve))
  }
  const seconds = (clock.monotonicMs() - startMs) / 1000
  const cpuSeconds = (clock.processCpuMicros() - startCpu) / 1e6
  const megabytes = input.bytesIn / 1e6
  process.stdout.write(
    `${name.padEnd(7)} ${(rows / seconds / 1e6).toFixed(1)} M rows/s, ${(rows / cpuSeconds / 1e6).toFixed(1)} M rows per CPU second, ${(megabytes / seconds).toFixed(0)} MB/s\n`,
  )
  input.close()
  producer.close()
  consumer.close()
}

await measure('thread', null)
await measure('port', async (producer) => {
  const [a, b] = data.createPortPair()
  producer.accept(data.overPort(a))
  return data.overPort(b)
})
const servers: { close(): Promise<void> }[] = []
await measure('tcp', async (producer) => {
  const server = await data.serve('127.0.0.1:0', (connection) => producer.accept(connection))
  servers.push(server)
  return data.connect(server.address)
})
for (const server of servers) await server.close()
