/** The exchange end to end, over each kind of connection: in-thread, message port, TCP. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import {
  batchOf,
  type CheckpointBarrier,
  type ColumnBatch,
  Configuration,
  columnCodec,
  isMillraceError,
  keyGroups,
  rowsOf,
  type Schema,
  subtaskOfKeyGroup,
} from '@millrace/core'
import type { DataConnection, DataServer } from '@millrace/platform'
import { createNodePlatform } from '@millrace/platform/node'
import type { InputListener } from '../input/input-listener.ts'
import { SubtaskInput } from '../input/subtask-input.ts'
import { networkSettingsOf } from '../network-options.ts'
import { type PartitionKind, ResultPartition } from '../partition/result-partition.ts'
import { type PeerSlot, SlotExchange } from './slot-exchange.ts'

const platform = createNodePlatform({ logger: { level: 'error' } as never })
const schema: Schema = {
  fields: [
    { name: 'k', type: { kind: 'STRING', nullable: true } },
    { name: 'v', type: { kind: 'DOUBLE', nullable: false } },
  ],
}
const settings = {
  ...networkSettingsOf(new Configuration({}), 256 * 1024 * 1024, 1),
  segmentBytes: 1024,
  segmentCountMax: 200,
  partitionRequestTimeoutMs: 300,
}
const servers: DataServer[] = []
after(() => Promise.all(servers.map((server) => server.close())))

type Connect = (producer: SlotExchange) => Promise<DataConnection>
const transports: Record<string, Connect> = {
  thread: async () => assert.fail('a slot reaches itself without a connection'),
  port: async (producer) => {
    const [a, b] = platform.data.createPortPair()
    producer.accept(platform.data.overPort(a))
    return platform.data.overPort(b)
  },
  tcp: async (producer) => {
    const server = await platform.data.serve('127.0.0.1:0', (connection) =>
      producer.accept(connection),
    )
    servers.push(server)
    return platform.data.connect(server.address)
  },
}

function barrierOf(
  id: number,
  align: 'exactly-once' | 'at-least-once' = 'exactly-once',
): CheckpointBarrier {
  const order = { id, timestampMs: 5, kind: 'checkpoint', align, after: 'go-on' } as const
  return { kind: 'barrier', order }
}

class Recorder implements InputListener {
  readonly log: string[] = []
  readonly rows: unknown[][] = []
  onBatch(gate: number, batch: ColumnBatch): void {
    this.rows.push(...rowsOf(batch, schema))
    this.log.push(`rows ${gate} ${batch.rowCount}`)
  }
  onWatermark(gate: number, timestampMs: number): void {
    this.log.push(`watermark ${gate} ${timestampMs}`)
  }
  onWatermarkStatus(gate: number, idle: boolean): void {
    this.log.push(`idle ${gate} ${idle}`)
  }
  onEndOfData(gate: number): void {
    this.log.push(`end ${gate}`)
  }
  onBarrier(barrier: CheckpointBarrier): void {
    this.log.push(`barrier ${barrier.order.id}`)
  }
  onAlignmentCancelled(checkpointId: number): void {
    this.log.push(`cancelled ${checkpointId}`)
  }
}

interface Setup {
  readonly producer: SlotExchange
  readonly consumer: SlotExchange
  readonly peer: PeerSlot
}

function setup(name: string): Setup {
  const connect = transports[name] as Connect
  const clock = platform.clock
  const producer = new SlotExchange(settings, clock, () => Promise.reject(new Error('unused')))
  const consumer =
    name === 'thread' ? producer : new SlotExchange(settings, clock, () => connect(producer))
  return {
    producer,
    consumer,
    peer: { key: 'p', description: 'slot 0 of tm-1', isSelf: name === 'thread' },
  }
}

function close(setup: Setup): void {
  setup.producer.close()
  setup.consumer.close()
}

function partitionOf(
  { producer }: Setup,
  partitioning: PartitionKind,
  count: number,
  attemptId = 'a',
): ResultPartition {
  const partition = new ResultPartition(
    {
      attemptId,
      edgeIndex: 0,
      codec: columnCodec(schema),
      partitioning,
      subpartitionCount: count,
      maxParallelism: 128,
      firstSubpartition: 0,
      buffersPerChannel: 2,
      floatingBuffers: 8,
      owner: attemptId,
    },
    producer.pool,
  )
  producer.registerPartition(partition)
  return partition
}

/** One consumer subtask that reads `subpartition` of each producer attempt. */
function inputOf({ consumer, peer }: Setup, attempts: string[], subpartition = 0): SubtaskInput {
  const input = new SubtaskInput(
    {
      gates: [{ codec: columnCodec(schema), channels: attempts.map((a) => `channel from ${a}`) }],
      buffersPerChannel: 2,
      floatingBuffersPerGate: 8,
      owner: 'consumer',
      nowMs: () => platform.clock.nowMs(),
      monotonicMs: () => platform.clock.monotonicMs(),
      setTimer: (delayMs, action) => platform.clock.setTimer(delayMs, action),
    },
    consumer.pool,
  )
  input.onFailure((error) => {
    throw error
  })
  for (const [index, attemptId] of attempts.entries()) {
    const request = { attemptId, edgeIndex: 0, subpartition }
    consumer.openChannel(input.channels[index]!, peer, request)
  }
  return input
}

async function pollUntil(
  input: SubtaskInput,
  recorder: Recorder,
  done: () => boolean,
): Promise<void> {
  const deadline = platform.clock.monotonicMs() + DEADLINE_MS
  while (!done()) {
    if (!input.poll(recorder)) await turn()
    assert.ok(platform.clock.monotonicMs() < deadline, `log so far: ${recorder.log.join(', ')}`)
  }
}

/** `what` completes "waited in vain until …". */
async function until(what: string, done: () => boolean): Promise<void> {
  const deadline = platform.clock.monotonicMs() + DEADLINE_MS
  while (!done()) {
    await settle(2)
    assert.ok(platform.clock.monotonicMs() < deadline, `waited in vain until ${what}`)
  }
}

/** Far beyond what a loaded machine takes. */
const DEADLINE_MS = 30_000

const turn = (): Promise<void> => new Promise((resolve) => platform.clock.setImmediate(resolve))
const settle = (ms = 60): Promise<void> =>
  new Promise((resolve) => void platform.clock.setTimer(ms, resolve))
const rows = (from: number, count: number): [string, number][] =>
  Array.from({ length: count }, (_, i) => [`key-${from + i}`, from + i])

for (const name of Object.keys(transports)) {
  describe(`the exchange over ${name}`, () => {
    it('delivers batches and control elements in order', async () => {
      const it = setup(name)
      const partition = partitionOf(it, { kind: 'forward' }, 1)
      const input = inputOf(it, ['a'])
      const recorder = new Recorder()
      partition.emitBatch(batchOf(schema, rows(0, 3)))
      partition.emitWatermark(1000)
      partition.emitBatch(batchOf(schema, [[null, 7]]))
      partition.emitBarrier(barrierOf(1))
      partition.emitEndOfData()
      partition.finish()
      await pollUntil(input, recorder, () => recorder.log.includes('end 0'))
      assert.deepEqual(recorder.log, [
        'rows 0 3',
        'watermark 0 1000',
        'rows 0 1',
        'barrier 1',
        'watermark 0 Infinity',
        'end 0',
      ])
      assert.deepEqual(recorder.rows, [...rows(0, 3), [null, 7]])
      input.close()
      await settle(20)
      assert.equal(it.producer.partitionCount, 0)
      assert.equal(it.producer.pool.inUse, 0)
      assert.equal(it.consumer.pool.reserved, 0)
      close(it)
    })

    it('reassembles a batch larger than all credits together', async () => {
      const it = setup(name)
      const partition = partitionOf(it, { kind: 'forward' }, 1)
      const input = inputOf(it, ['a'])
      const recorder = new Recorder()
      const expected = rows(0, 3000)
      partition.emitBatch(batchOf(schema, expected))
      partition.flush()
      assert.ok(partition.heldSegments > 40)
      await pollUntil(input, recorder, () => recorder.rows.length === 3000)
      assert.deepEqual(recorder.rows, expected)
      input.close()
      close(it)
    })

    it('stops the producer when the consumer stops, and holds memory bounded', async () => {
      const it = setup(name)
      const partition = partitionOf(it, { kind: 'forward' }, 1)
      const input = inputOf(it, ['a'])
      let emitted = 0
      let wakeUps = 0
      partition.onAvailable(() => wakeUps++)
      // Credit that is still under way makes it available once more.
      let quiet = 0
      await until('the producer stops for good', () => {
        quiet = partition.isAvailable() ? 0 : quiet + 1
        while (partition.isAvailable()) {
          partition.emitBatch(batchOf(schema, rows(emitted, 20)))
          emitted += 20
        }
        return quiet === 30
      })
      assert.ok(partition.heldSegments <= partition.quota + 1)
      assert.ok(input.queuedSegments <= 10, `${input.queuedSegments} segments are queued`)
      const recorder = new Recorder()
      await pollUntil(input, recorder, () => partition.isAvailable())
      assert.ok(wakeUps >= 1)
      partition.flush()
      await pollUntil(input, recorder, () => recorder.rows.length === emitted)
      assert.deepEqual(recorder.rows, rows(0, emitted))
      input.close()
      close(it)
    })

    it('blocks a channel behind its barrier until the others have delivered theirs', async () => {
      const it = setup(name)
      const [a, b] = [
        partitionOf(it, { kind: 'forward' }, 1, 'a'),
        partitionOf(it, { kind: 'forward' }, 1, 'b'),
      ]
      const input = inputOf(it, ['a', 'b'])
      const recorder = new Recorder()
      const barrier = barrierOf(3)
      a.emitBarrier(barrier)
      a.emitBatch(batchOf(schema, rows(100, 1)))
      a.flush()
      b.emitBatch(batchOf(schema, rows(0, 1)))
      b.flush()
      await pollUntil(input, recorder, () => recorder.rows.length === 1)
      await settle()
      while (input.poll(recorder));
      assert.deepEqual(recorder.rows, rows(0, 1))
      b.emitBarrier(barrier)
      await pollUntil(input, recorder, () => recorder.rows.length === 2)
      assert.deepEqual(recorder.log, ['rows 0 1', 'barrier 3', 'rows 0 1'])
      input.close()
      close(it)
    })

    it('lets rows pass an at-least-once barrier', async () => {
      const it = setup(name)
      const [a, b] = [
        partitionOf(it, { kind: 'forward' }, 1, 'a'),
        partitionOf(it, { kind: 'forward' }, 1, 'b'),
      ]
      const input = inputOf(it, ['a', 'b'])
      const recorder = new Recorder()
      const barrier = barrierOf(3, 'at-least-once')
      a.emitBarrier(barrier)
      a.emitBatch(batchOf(schema, rows(100, 1)))
      a.flush()
      await pollUntil(input, recorder, () => recorder.rows.length === 1)
      b.emitBarrier(barrier)
      await pollUntil(input, recorder, () => recorder.log.includes('barrier 3'))
      input.close()
      close(it)
    })

    it('goes on with a newer barrier and after an abort', async () => {
      const it = setup(name)
      const [a, b] = [
        partitionOf(it, { kind: 'forward' }, 1, 'a'),
        partitionOf(it, { kind: 'forward' }, 1, 'b'),
      ]
      const input = inputOf(it, ['a', 'b'])
      const recorder = new Recorder()
      a.emitBarrier(barrierOf(1))
      await pollUntil(input, recorder, () => input.bytesIn > 0)
      while (input.poll(recorder));
      b.emitBarrier(barrierOf(2))
      await pollUntil(input, recorder, () => recorder.log.includes('cancelled 1'))
      a.emitBatch(batchOf(schema, rows(0, 1)))
      a.flush()
      await pollUntil(input, recorder, () => recorder.rows.length === 1)
      b.emitBatch(batchOf(schema, rows(1, 1)))
      b.flush()
      await settle()
      while (input.poll(recorder));
      assert.equal(recorder.rows.length, 1)
      input.abortCheckpoint(2)
      await pollUntil(input, recorder, () => recorder.rows.length === 2)
      a.emitBarrier(barrierOf(2))
      await settle()
      while (input.poll(recorder));
      assert.ok(!recorder.log.includes('barrier 2'))
      input.close()
      close(it)
    })

    it('sends every key to the subtask that owns its key group', async () => {
      const it = setup(name)
      const partition = partitionOf(it, { kind: 'hash', keyColumns: [0] }, 3)
      const inputs = [0, 1, 2].map((subpartition) => inputOf(it, ['a'], subpartition))
      const recorders = inputs.map(() => new Recorder())
      const batch = batchOf(schema, [...rows(0, 500), [null, 1]])
      partition.emitBatch(batch)
      partition.flush()
      const seen = (): number => recorders.reduce((sum, each) => sum + each.rows.length, 0)
      await until('every row has come', () => {
        for (const [index, input] of inputs.entries()) while (input.poll(recorders[index]!));
        return seen() === 501
      })
      const groups = keyGroups(batch, [0], 128)
      const expected: unknown[][][] = [[], [], []]
      for (const [row, value] of rowsOf(batch, schema).entries()) {
        expected[subtaskOfKeyGroup(groups[row]!, 3, 128)]!.push(value)
      }
      assert.deepEqual(
        recorders.map((each) => each.rows),
        expected,
      )
      for (const input of inputs) input.close()
      close(it)
    })

    it('deals batches round robin, and copies them to all when broadcast', async () => {
      const it = setup(name)
      const rebalance = partitionOf(it, { kind: 'rebalance' }, 2, 'a')
      const broadcast = partitionOf(it, { kind: 'broadcast' }, 2, 'b')
      const inputs = [0, 1].map((subpartition) => inputOf(it, ['a', 'b'], subpartition))
      for (let i = 0; i < 4; i++) rebalance.emitBatch(batchOf(schema, rows(i, 1)))
      broadcast.emitBatch(batchOf(schema, rows(9, 1)))
      rebalance.flush()
      broadcast.flush()
      for (const [index, input] of inputs.entries()) {
        const recorder = new Recorder()
        await pollUntil(input, recorder, () => recorder.rows.length === 3)
        const values = recorder.rows.map((row) => row[1]).sort()
        assert.deepEqual(values, [index, index + 2, 9])
        input.close()
      }
      close(it)
    })

    it('waits for a producer that is deployed later, and names one that never comes', async () => {
      const it = setup(name)
      const input = inputOf(it, ['a'])
      const missing = inputOf(it, ['nobody'])
      let error: unknown = null
      missing.onFailure((thrown) => {
        error = thrown
      })
      await settle()
      const partition = partitionOf(it, { kind: 'forward' }, 1)
      partition.emitWatermark(5)
      partition.flush()
      const recorder = new Recorder()
      await pollUntil(input, recorder, () => recorder.log.length === 1)
      await until('the missing one is named', () => error !== null)
      assert.ok(isMillraceError(error, 'NETWORK_PARTITION_NOT_FOUND'))
      close(it)
    })
  })
}

describe('a lost connection', () => {
  it('fails the channels that had not ended', async () => {
    const it = setup('tcp')
    const partition = partitionOf(it, { kind: 'forward' }, 1)
    const input = inputOf(it, ['a'])
    let error: unknown = null
    input.onFailure((thrown) => {
      error = thrown
    })
    partition.emitWatermark(5)
    partition.flush()
    await pollUntil(input, new Recorder(), () => input.bytesIn > 0)
    it.producer.close()
    await until('the loss is noticed', () => error !== null)
    assert.ok(isMillraceError(error, 'NETWORK_CONNECTION_LOST'))
    assert.match((error as Error).message, /slot 0 of tm-1/)
    close(it)
  })

  it('is refused a deployment when the slot has too few buffers', () => {
    const it = setup('thread')
    assert.throws(
      () => partitionOf(it, { kind: 'hash', keyColumns: [0] }, 200),
      (error) => isMillraceError(error, 'NETWORK_MEMORY_INSUFFICIENT'),
    )
  })
})
