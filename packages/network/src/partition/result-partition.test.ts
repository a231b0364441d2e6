/** What a result partition makes of batches of any size, read back as its consumers would. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BATCH_BYTES_MAX,
  BATCH_ROWS_MAX,
  batchOf,
  ColumnBatch,
  columnCodec,
  isMillraceError,
  rowsOf,
  type Schema,
  StringColumn,
  StringPool,
} from '@millrace/core'
import { Segment, SegmentPool } from '../buffer/segment-pool.ts'
import { ElementReader } from '../input/element-reader.ts'
import { decodeWatermark, ElementKind } from '../wire/element-wire.ts'
import { type PartitionKind, ResultPartition } from './result-partition.ts'

const schema: Schema = { fields: [{ name: 'text', type: { kind: 'STRING', nullable: true } }] }
const codec = columnCodec(schema)
const SEGMENT_BYTES = 32 * 1024
const ROOM_BESIDE_VALUES = 1024

interface Received {
  /** Bytes and rows of each batch, in order. */
  readonly sizes: number[]
  readonly counts: number[]
  readonly rows: unknown[][]
  readonly reader: ElementReader
}

/** A partition whose consumers read at once; `keep`: the rows, too. */
function partitionWithReaders(partitioning: PartitionKind, count: number, keep: boolean) {
  const pool = new SegmentPool(SEGMENT_BYTES, 1000)
  const settings = {
    attemptId: 'a',
    edgeIndex: 0,
    codec,
    partitioning,
    subpartitionCount: count,
    maxParallelism: 128,
    firstSubpartition: 0,
    buffersPerChannel: 2,
    floatingBuffers: 8,
    owner: 'a',
  }
  const partition = new ResultPartition(settings, pool)
  const received = partition.subpartitions.map((subpartition): Received => {
    const arrived: Segment[] = []
    const reader = new ElementReader(
      () => arrived.shift() ?? null,
      () => {},
    )
    const into: Received = { sizes: [], counts: [], rows: [], reader }
    const sendSegment = (_sequence: number, _backlog: number, bytes: Uint8Array) => {
      const segment = new Segment(SEGMENT_BYTES)
      segment.bytes.set(bytes)
      segment.length = bytes.length
      arrived.push(segment)
      while (reader.next()) {
        assert.equal(reader.kind, ElementKind.BATCH)
        const batch = codec.decode(reader.bytes, reader.start, reader.length)
        into.sizes.push(reader.length)
        into.counts.push(batch.rowCount)
        if (keep) into.rows.push(...rowsOf(batch, schema))
      }
    }
    subpartition.attach(
      { sendSegment, sendEnd: () => {}, sendBarrier: () => {} },
      Number.MAX_SAFE_INTEGER,
    )
    return into
  })
  return { partition, received, pool }
}

const ways: readonly PartitionKind[] = [
  { kind: 'forward' },
  { kind: 'hash', keyColumns: [0] },
  { kind: 'rebalance' },
  { kind: 'broadcast' },
]

for (const way of ways) {
  test(`long rows go in batches within the limit of bytes: ${way.kind}`, () => {
    const consumers = way.kind === 'forward' ? 1 : 3
    const { partition, received, pool } = partitionWithReaders(way, consumers, true)
    const rows = Array.from({ length: 60 }, (_, i) => [
      i % 7 === 0 ? null : `${i}-`.padEnd(i % 5 === 0 ? 20 : 200_000, 'x'),
    ])
    partition.emitBatch(batchOf(schema, rows))
    partition.flush()
    for (const { sizes } of received) {
      for (const size of sizes) assert.ok(size <= BATCH_BYTES_MAX + ROOM_BESIDE_VALUES, `${size}`)
    }
    const text = ([value]: unknown[]) => String(value).slice(0, 10)
    const expected = rows.flatMap((row) => (way.kind === 'broadcast' ? [row, row, row] : [row]))
    const arrived = received.flatMap((each) => each.rows)
    assert.deepEqual(arrived.map(text).sort(), expected.map(text).sort())
    assert.deepEqual(arrived.map(String).sort(), expected.map(String).sort())
    assert.equal(pool.inUse, 0)
  })
}

test('a batch of more rows than the limit goes in several, in order', () => {
  const { partition, received } = partitionWithReaders({ kind: 'forward' }, 1, true)
  const rows = Array.from({ length: 2 * BATCH_ROWS_MAX + 5 }, (_, i) => [`${i}`])
  partition.emitBatch(batchOf(schema, rows))
  partition.flush()
  assert.deepEqual(received[0]!.counts, [BATCH_ROWS_MAX, BATCH_ROWS_MAX, 5])
  assert.deepEqual(received[0]!.rows, rows)
  assert.equal(partition.recordsOut, rows.length)
})

test('a row beyond the limit goes alone, and the memory that it took is given up with it', () => {
  const { partition, received } = partitionWithReaders({ kind: 'forward' }, 1, true)
  const long = 'y'.repeat(3 * BATCH_BYTES_MAX)
  partition.emitBatch(batchOf(schema, [['before'], [long], ['after']]))
  partition.emitBatch(batchOf(schema, [['later']]))
  partition.flush()
  const { rows, counts, reader } = received[0]!
  assert.deepEqual(counts, [1, 1, 1, 1])
  assert.deepEqual(rows, [['before'], [long], ['after'], ['later']])
  assert.ok(reader.scratchBytes < BATCH_BYTES_MAX)
})

test('of watermarks with nothing in between the last one goes out, also at the end of a segment', () => {
  const pool = new SegmentPool(64, 10)
  const { partition } = partitionWithReaders({ kind: 'forward' }, 1, true)
  const settings = { ...partition.settings, buffersPerChannel: 4 }
  const small = new ResultPartition(settings, pool)
  const elements: string[] = []
  const arrived: Segment[] = []
  const reader = new ElementReader(
    () => arrived.shift() ?? null,
    () => {},
  )
  const sendSegment = (_sequence: number, _backlog: number, bytes: Uint8Array) => {
    const segment = new Segment(64)
    segment.bytes.set(bytes)
    segment.length = bytes.length
    arrived.push(segment)
    while (reader.next()) {
      const payload = reader.bytes.subarray(reader.start, reader.start + reader.length)
      const isWatermark = reader.kind === ElementKind.WATERMARK
      elements.push(isWatermark ? `watermark ${decodeWatermark(payload)}` : `kind ${reader.kind}`)
    }
  }
  small.subpartitions[0]?.attach({ sendSegment, sendEnd: () => {}, sendBarrier: () => {} }, 1000)
  for (let time = 1; time <= 9; time++) small.emitWatermark(time)
  assert.equal(small.hasUrgentData, false)
  small.emitWatermarkStatus(true)
  assert.equal(small.hasUrgentData, true)
  small.emitWatermark(10)
  small.emitWatermark(11)
  small.flush()
  assert.equal(small.hasUrgentData, false)
  small.emitWatermark(12)
  small.emitWatermarkStatus(false)
  for (let time = 13; time <= 20; time++) {
    small.emitWatermark(time)
    small.emitWatermarkStatus(time % 2 === 0)
  }
  small.flush()
  const expected = ['watermark 9', 'kind 3', 'watermark 11', 'watermark 12', 'kind 3']
  for (let time = 13; time <= 20; time++) expected.push(`watermark ${time}`, 'kind 3')
  assert.deepEqual(elements, expected)
})

/** Rows of `length` bytes each that all lie at the same place of one pool. */
function rowsOfBytes(rowCount: number, length: number): ColumnBatch {
  const lengths = new Int32Array(rowCount).fill(length)
  const pool = new StringPool(new Uint8Array(length), new Int32Array(rowCount), lengths, rowCount)
  return new ColumnBatch(rowCount, [new StringColumn(pool, null, null)])
}

test('more than a gibibyte of rows in one batch arrives', () => {
  // It was one element of 1.1 GB, which its reader refused as NETWORK_PROTOCOL_VIOLATION.
  const { partition, received } = partitionWithReaders({ kind: 'forward' }, 1, false)
  const rowCount = 1100
  partition.emitBatch(rowsOfBytes(rowCount, 1_000_000))
  partition.flush()
  const { counts } = received[0]!
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    rowCount,
  )
})

test('a row that no channel carries is refused by name where it is written', () => {
  const { partition } = partitionWithReaders({ kind: 'forward' }, 1, false)
  const batch = rowsOfBytes(1, 1 << 20)
  const column = batch.columns[0] as StringColumn
  column.pool.lengths[0] = (1 << 30) + 1
  assert.throws(
    () => partition.emitBatch(batch),
    (error) => isMillraceError(error, 'NETWORK_ROW_TOO_LARGE'),
  )
})
