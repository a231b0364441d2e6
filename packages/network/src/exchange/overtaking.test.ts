/**
 * Barriers that overtake: what a consumer had processed, what lay in its channels and what its
 * producers had not sent are together what was emitted before the barrier, each row once and in
 * order, wherever buffers were cut.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type CheckpointBarrier,
  type ColumnBatch,
  Configuration,
  columnCodec,
  keyGroupRangeOf,
  rowsOf,
  type Schema,
} from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import type { InputListener, InputRecording } from '../input/input-listener.ts'
import type { ReplayStream } from '../input/replay.ts'
import { SubtaskInput } from '../input/subtask-input.ts'
import { networkSettingsOf } from '../network-options.ts'
import { ResultPartition } from '../partition/result-partition.ts'
import { SlotExchange } from './slot-exchange.ts'

const { clock } = createNodePlatform({ logger: { level: 'error' } as never })
const schema: Schema = {
  fields: [
    { name: 'k', type: { kind: 'STRING', nullable: false } },
    { name: 'v', type: { kind: 'DOUBLE', nullable: false } },
  ],
}
const codec = columnCodec(schema)
const settings = {
  ...networkSettingsOf(new Configuration({}), 256 * 1024 * 1024, 1),
  segmentBytes: 256,
  segmentCountMax: 1000,
}
const PRODUCERS = 3
const MAX_PARALLELISM = 16
const turn = (): Promise<void> => new Promise((resolve) => clock.setImmediate(resolve))

function barrierOf(id: number): CheckpointBarrier {
  const align = { unalignedAfterMs: 0 }
  const order = { id, timestampMs: 0, kind: 'checkpoint', align, after: 'go-on' } as const
  return { kind: 'barrier', order }
}

/** The same numbers each time. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

class Consumer implements InputListener {
  readonly rows: [string, number][] = []
  readonly watermarks: number[] = []
  readonly input: SubtaskInput
  taken: { readonly rows: number; readonly recording: InputRecording } | null = null

  constructor(input: SubtaskInput) {
    this.input = input
  }
  onBatch(_gate: number, batch: ColumnBatch): void {
    for (const [k, v] of rowsOf(batch, schema)) this.rows.push([k as string, v as number])
  }
  onWatermark(_gate: number, timestampMs: number): void {
    this.watermarks.push(timestampMs)
  }
  onWatermarkStatus(): void {}
  onEndOfData(): void {}
  onBarrier({ order }: CheckpointBarrier): void {
    this.taken = { rows: this.rows.length, recording: this.input.record(order.id) }
  }
  onAlignmentCancelled(): void {
    assert.fail('no checkpoint is given up')
  }
}

function exchange(setTimer: (action: () => void) => void) {
  const slot = new SlotExchange(settings, clock, () => Promise.reject(new Error('unused')))
  const partitions = Array.from({ length: PRODUCERS }, (_, p) => {
    const partition = new ResultPartition(
      {
        ...{ attemptId: `p${p}`, edgeIndex: 0, codec, partitioning: { kind: 'forward' } },
        ...{ subpartitionCount: 1, maxParallelism: MAX_PARALLELISM, firstSubpartition: 0 },
        ...{ buffersPerChannel: 2, floatingBuffers: 4, owner: `p${p}` },
      },
      slot.pool,
    )
    slot.registerPartition(partition)
    return partition
  })
  const input = inputOf(slot, setTimer)
  const peer = { key: 'p', description: 'this slot', isSelf: true }
  for (const [p, channel] of input.channels.entries()) {
    slot.openChannel(channel, peer, { attemptId: `p${p}`, edgeIndex: 0, subpartition: 0 })
  }
  return { slot, partitions, consumer: new Consumer(input) }
}

function inputOf(
  slot: SlotExchange,
  setTimer: (action: () => void) => void = () => {},
): SubtaskInput {
  const input = new SubtaskInput(
    {
      gates: [{ codec, channels: Array.from({ length: PRODUCERS }, (_, p) => `from p${p}`) }],
      ...{ buffersPerChannel: 1, floatingBuffersPerGate: 2, owner: 'consumer' },
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (_delayMs, action) => {
        setTimer(action)
        return () => {}
      },
    },
    slot.pool,
  )
  input.onFailure((error) => {
    throw error
  })
  return input
}

const byProducer = (rows: readonly [string, number][], p: number) =>
  rows.filter(([, v]) => v % PRODUCERS === p)

/** What is replayed by a new input. */
function replayed(streams: readonly ReplayStream[], slot: SlotExchange): Consumer {
  const consumer = new Consumer(inputOf(slot))
  consumer.input.replay(streams)
  while (consumer.input.poll(consumer));
  return consumer
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}

for (let seed = 1; seed <= 60; seed++) {
  const isLate = seed > 30
  const when = isLate ? 'overtake when they have waited' : 'overtake'
  test(`Nothing is lost or doubled where barriers ${when} (${seed})`, async () => {
    const random = numbersFrom(seed)
    const timers: (() => void)[] = []
    const { slot, partitions, consumer } = exchange((action) => timers.push(action))
    const barrier = barrierOf(7)
    // Steps from a producer's barrier to the end of its patience; some barriers get through.
    const patience = partitions.map(() => random(40))
    const consumerPatience = 20 + random(60)
    const emitted = partitions.map((): [string, number][] => [])
    const overtakenAt = partitions.map(() => 20 + random(30))
    const unsent: Uint8Array[] = []
    const before: [string, number][][] = []
    let next = 0
    let whole = false
    const lastStep = Math.max(...overtakenAt.map((at, p) => at + (patience[p] ?? 0)))
    for (let step = 0; step < 600 && (!whole || step <= lastStep); step++) {
      for (const [p, partition] of partitions.entries()) {
        if (step === overtakenAt[p]) {
          if (isLate) void partition.passBarrier(barrier)
          else unsent[p] = joined(partition.overtake(barrier)[0] ?? [])
          before[p] = [...(emitted[p] ?? [])]
        }
        if (isLate && step === (overtakenAt[p] ?? 0) + (patience[p] ?? 0)) {
          unsent[p] = joined(partition.overtakeLate(barrier)[0] ?? [])
        }
        if (!partition.isAvailable() || random(3) === 0) continue
        const rows = Array.from({ length: 1 + random(4) }, (): [string, number] => {
          const v = next++ * PRODUCERS + p
          return [`${v} `.repeat(1 + random(random(8) === 0 ? 200 : 4)), v]
        })
        emitted[p]?.push(...rows)
        partition.emitBatch(batchOf(schema, rows))
        if (random(4) === 0) partition.emitWatermark(step)
        if (random(3) === 0) partition.flush()
      }
      if (step === consumerPatience + 20) for (const fire of timers.splice(0)) fire()
      for (let n = random(4); n > 0; n--) consumer.input.poll(consumer)
      if (random(2) === 0) await turn()
      consumer.taken?.recording.whole.then((isWhole) => {
        whole = isWhole
      })
    }
    const { rows: count, recording } = consumer.taken as NonNullable<Consumer['taken']>
    assert.ok(whole)
    const isAligned = recording.parts.length === 0
    if (isAligned)
      assert.deepEqual(
        unsent.map(({ length }) => length),
        [0, 0, 0],
      )
    const streams = recording.parts.map(({ channel, bytes }, p): ReplayStream => {
      assert.equal(channel, p)
      return {
        gate: 0,
        channel: 0,
        keyed: null,
        bytes: joined([...bytes, unsent[p] as Uint8Array]),
      }
    })
    const again = replayed(streams, slot)
    const processed = consumer.rows.slice(0, count)
    for (let p = 0; p < PRODUCERS; p++) {
      const all = [...byProducer(processed, p), ...byProducer(again.rows, p)]
      assert.deepEqual(all, before[p], `producer ${p}`)
    }
    // Dealt to several by key, each row is one's.
    const shares = [0, 1, 2].flatMap((subtask) => {
      const keyGroups = keyGroupRangeOf(subtask, 3, MAX_PARALLELISM)
      const keyed = { columns: [0], maxParallelism: MAX_PARALLELISM, keyGroups }
      return replayed(
        streams.map((stream) => ({ ...stream, keyed })),
        slot,
      ).rows
    })
    const values = (rows: readonly [string, number][]) =>
      rows.map(([, v]) => v).sort((a, b) => a - b)
    assert.deepEqual(values(shares), values(again.rows))
    assert.deepEqual(
      [...again.watermarks].sort((a, b) => a - b),
      again.watermarks,
    )
    slot.close()
  })
}

test('What was being replayed at a barrier is replayed again, from where it was', () => {
  const slot = new SlotExchange(settings, clock, () => Promise.reject(new Error('unused')))
  const producer = new ResultPartition(
    {
      ...{ attemptId: 'p', edgeIndex: 0, codec, partitioning: { kind: 'forward' } },
      ...{ subpartitionCount: 1, maxParallelism: MAX_PARALLELISM, firstSubpartition: 0 },
      ...{ buffersPerChannel: 2, floatingBuffers: 4, owner: 'p' },
    },
    slot.pool,
  )
  producer.emitWatermark(5)
  for (let v = 0; v < 6; v++) producer.emitBatch(batchOf(schema, [[`${v}`, v]]))
  const bytes = joined(producer.overtake(barrierOf(1))[0] ?? [])
  const first = new Consumer(inputOf(slot))
  first.input.replay([{ gate: 0, channel: 0, keyed: null, bytes }])
  for (let n = 0; n < 4; n++) first.input.poll(first)
  assert.deepEqual(first.watermarks, [5])
  const text = new TextEncoder().encode(JSON.stringify(barrierOf(2).order))
  for (const channel of first.input.channels) {
    channel.receiveBarrier({ sequence: 0, isInBand: false, order: text })
  }
  first.input.poll(first)
  const parts = first.taken?.recording.parts.filter(({ restored }) => restored !== undefined) ?? []
  assert.equal(parts.length, 1)
  const second = replayed(
    parts.map((part) => ({ gate: 0, channel: 0, keyed: null, bytes: joined(part.bytes) })),
    slot,
  )
  assert.deepEqual(
    [...first.rows, ...second.rows].map(([, v]) => v),
    [0, 1, 2, 3, 4, 5],
  )
  assert.deepEqual(second.watermarks, [5])
})
