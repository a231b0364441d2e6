/** Reading record batches: every layout, every damage. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedMemoryOf } from '@millrace/connector/wasm'
import { isMillraceError } from '@millrace/core'
import { RecordBatchBuilder } from './record-batch-builder.ts'
import { BatchField, COMPRESSION_NAMES } from './record-batch-format.ts'
import { RecordBatchReader, type RecordSource, surveyBatches } from './record-batch-reader.ts'
import { allocateResponse } from './response-memory.ts'
import { SpanMemory } from './span-code.ts'

type Codec = (typeof COMPRESSION_NAMES)[number]

/** One sealed batch of texts (null = tombstone) that begins at `baseOffset`. */
function batch(
  values: readonly (string | null)[],
  baseOffset = 0,
  codec: Codec = 'none',
  more = {},
) {
  const bytes = Buffer.from(values.map((value) => value ?? '').join(''))
  const starts = new Int32Array(values.length)
  const lengths = new Int32Array(values.length)
  let at = 0
  values.forEach((value, i) => {
    starts[i] = at
    lengths[i] = value === null ? -1 : Buffer.byteLength(value)
    at += Math.max(0, lengths[i] as number)
  })
  const builder = new RecordBatchBuilder(64, codec)
  builder.append(bytes, starts, lengths, 0, values.length, 1 << 30)
  builder.finish()
  const sealed = Buffer.from(
    builder.seal({
      ...{ producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, timestampMs: 5 },
      ...more,
    }),
  )
  sealed.writeBigInt64BE(BigInt(baseOffset), BatchField.BASE_OFFSET)
  return sealed
}

function readAll(bytes: Uint8Array, more: Partial<RecordSource> = {}, target = 1) {
  const reader = new RecordBatchReader({ checkCrcs: true })
  reader.open({
    ...{ topic: 'readings', partition: 2, bytes, start: 0, end: bytes.length, fetchOffset: 0 },
    ...{ stoppingOffset: Number.POSITIVE_INFINITY, aborted: [], readCommitted: false },
    ...more,
  })
  const rows: [number, string | null][] = []
  while (reader.fill(target)) {
    for (let i = 0; i < reader.count; i++) {
      const start = reader.starts[i] as number
      const length = reader.lengths[i] as number
      const text = Buffer.from(reader.bytes.subarray(start, start + Math.max(0, length))).toString()
      rows.push([reader.offsets[i] as number, length < 0 ? null : text])
    }
  }
  return { rows, nextOffset: reader.nextOffset }
}

test('values, tombstones and offsets survive every compression', () => {
  for (const codec of COMPRESSION_NAMES) {
    const values = ['a', null, '', 'ü'.repeat(300), 'z'.repeat(70_000)]
    const { rows, nextOffset } = readAll(batch(values, 1000, codec))
    assert.deepEqual(
      rows,
      values.map((value, i) => [1000 + i, value]),
      codec,
    )
    assert.equal(nextOffset, 1005)
  }
})

test('batches of mixed compressions are gathered without mixing their buffers', () => {
  const parts: Buffer[] = []
  const expected: [number, string][] = []
  for (let i = 0; i < 20; i++) {
    const values = Array.from({ length: 7 }, (_, k) => `batch ${i} value ${k}`)
    parts.push(batch(values, i * 7, COMPRESSION_NAMES[i % 3 === 0 ? 3 : 0]))
    values.forEach((value, k) => void expected.push([i * 7 + k, value]))
  }
  for (const target of [1, 10, 1000]) {
    assert.deepEqual(readAll(Buffer.concat(parts), {}, target).rows, expected)
  }
})

test('batches are gathered as long as their records and bytes stay within bounds', () => {
  for (const codec of ['none', 'zstd'] as const) {
    const text = 'x'.repeat(100_000)
    const sizes = (texts: readonly string[], most: number) => {
      const bytes = Buffer.concat(texts.map((value, i) => batch([value], i, codec)))
      const reader = new RecordBatchReader({ checkCrcs: true })
      reader.open({
        ...{ topic: 'readings', partition: 2, bytes, start: 0, end: bytes.length, fetchOffset: 0 },
        ...{ stoppingOffset: Number.POSITIVE_INFINITY, aborted: [], readCommitted: false },
      })
      const counts: number[] = []
      while (reader.fill(most)) counts.push(reader.count)
      return counts
    }
    assert.deepEqual(sizes(new Array(7).fill('a'), 3), [3, 3, 1], codec)
    const [first, ...rest] = sizes(new Array(30).fill(text), 1000)
    assert.ok(first === 10 || first === 11, codec)
    assert.equal(rest.length, 2, codec)
    // A single one may be larger.
    assert.deepEqual(sizes([text.repeat(11), 'a'], 1000), [1, 1], codec)
  }
})

test('records before the asked offset and from the stopping offset on are left out', () => {
  const bytes = Buffer.concat([batch(['0', '1', '2', '3'], 0), batch(['4', '5', '6', '7'], 4)])
  const { rows, nextOffset } = readAll(bytes, { fetchOffset: 2, stoppingOffset: 6 })
  assert.deepEqual(
    rows.map(([offset]) => offset),
    [2, 3, 4, 5],
  )
  assert.equal(nextOffset, 6)
})

test('a batch cut off at the end is left for the next fetch, at any byte', () => {
  const first = batch(['a', 'b'], 0)
  const bytes = Buffer.concat([first, batch(['c', 'd'], 2)])
  for (let end = first.length; end < bytes.length; end++) {
    const { rows, nextOffset } = readAll(bytes.subarray(0, end))
    assert.deepEqual(rows, [
      [0, 'a'],
      [1, 'b'],
    ])
    assert.equal(nextOffset, 2)
    const second = bytes.length - first.length
    assert.deepEqual(surveyBatches(bytes, 0, end, 0), {
      nextOffset: 2,
      largestBytes: first.length,
      // Its length is behind its offset.
      cutBytes: end - first.length < 12 ? 0 : second,
    })
  }
})

test('a changed byte anywhere behind the length is found and its place named', () => {
  const bytes = batch(['first', 'second'], 77)
  for (let at = BatchField.CRC; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] as number) ^ 0x10
    assert.throws(
      () => readAll(damaged),
      (error) => {
        assert.ok(isMillraceError(error, 'KAFKA_RECORDS_CORRUPT'))
        assert.deepEqual(error.location, { topic: 'readings', partition: 2, offset: '77' })
        return true
      },
    )
  }
})

test('random damage without CRC gives a named error or rows within bounds, never anything else', () => {
  let seed = 12345
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) / 2 ** 32
  for (const codec of COMPRESSION_NAMES) {
    const bytes = batch(
      Array.from({ length: 50 }, (_, i) => `value ${i}`),
      0,
      codec,
    )
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(bytes)
      for (let k = 0; k < 3; k++) {
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256)
      }
      const reader = new RecordBatchReader({ checkCrcs: false })
      reader.open({
        ...{ topic: 't', partition: 0, bytes: damaged, start: 0, end: damaged.length },
        ...{ fetchOffset: 0, stoppingOffset: 1e9, aborted: [], readCommitted: false },
      })
      try {
        while (reader.fill(1)) {
          for (let i = 0; i < reader.count; i++) {
            const end = (reader.starts[i] as number) + Math.max(0, reader.lengths[i] as number)
            assert.ok(end <= reader.bytes.length)
          }
        }
      } catch (error) {
        assert.ok(isMillraceError(error), String(error))
      }
    }
  }
})

test('an old batch version is refused by name', () => {
  const bytes = batch(['x'])
  bytes.writeInt8(1, BatchField.MAGIC)
  assert.throws(
    () => readAll(bytes),
    (error) => isMillraceError(error, 'KAFKA_RECORD_FORMAT_UNSUPPORTED'),
  )
})

/** A control batch that ends producer 9's transaction. */
function marker(offset: number, commit: boolean, producerId: bigint): Buffer {
  const bytes = Buffer.alloc(BatchField.RECORDS + 16)
  const record = Buffer.from([24, 0, 0, 0, 8, 0, 0, 0, commit ? 1 : 0, 6, 0, 0, 0, 0, 0, 0])
  record.copy(bytes, BatchField.RECORDS)
  bytes.writeBigInt64BE(BigInt(offset), BatchField.BASE_OFFSET)
  bytes.writeInt32BE(bytes.length - 12, BatchField.LENGTH)
  bytes.writeInt8(2, BatchField.MAGIC)
  bytes.writeInt16BE(0x30, BatchField.ATTRIBUTES)
  bytes.writeBigInt64BE(producerId, BatchField.PRODUCER_ID)
  bytes.writeInt32BE(1, BatchField.COUNT)
  return bytes
}

test('aborted transactions are left out, also when the broker lists them by their ends', () => {
  const by = (producerId: bigint) => ({
    producerId,
    epoch: 0,
    baseSequence: 0,
    transactional: true,
  })
  const bytes = Buffer.concat([
    batch(['a0'], 0, 'none', by(1n)),
    batch(['b0'], 1, 'none', by(2n)),
    batch(['c0'], 2, 'none', by(3n)),
    marker(3, false, 2n),
    marker(4, false, 1n),
    marker(5, true, 3n),
    batch(['b1'], 6, 'none', by(2n)),
    marker(7, true, 2n),
  ])
  const aborted = [
    { producerId: 2n, firstOffset: 1 },
    { producerId: 1n, firstOffset: 0 },
  ]
  const reader = { readCommitted: true, aborted, fetchOffset: 0 }
  const uncrc = new RecordBatchReader({ checkCrcs: false })
  uncrc.open({
    topic: 't',
    partition: 0,
    bytes,
    start: 0,
    end: bytes.length,
    stoppingOffset: 1e9,
    ...reader,
  })
  assert.ok(uncrc.fill(1000))
  assert.deepEqual([...uncrc.offsets.subarray(0, uncrc.count)], [2, 6])
  assert.equal(uncrc.nextOffset, 8)
})

/** A copy in the memory that large responses are received into. */
function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const response = allocateResponse(Math.max(bytes.length, 256 << 10), 0)
  const place = response.subarray(response.length - bytes.length)
  place.set(bytes)
  return place
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let raw = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  for (; raw >= 0x80n; raw >>= 7n) bytes.push(Number(raw & 0x7fn) | 0x80)
  return [...bytes, Number(raw)]
}

interface RecordParts {
  readonly timestamp?: number
  readonly delta: number
  readonly key?: number
  readonly value: number
  readonly headers?: number
}

/** A batch of records of such lengths (-1: null), unsealed: its checksum is not written. */
function batchOf(records: readonly RecordParts[], baseOffset: number, lastDelta: number): Buffer {
  const bytes: number[] = []
  for (const { timestamp = 0, delta, key = -1, value, headers = 0 } of records) {
    const text = (length: number) => new Array<number>(Math.max(0, length)).fill(0x80 + delta)
    const body = [0, ...varint(timestamp), ...varint(delta), ...varint(key), ...text(key)]
    body.push(...varint(value), ...text(value), ...varint(headers), ...text(headers))
    bytes.push(...varint(body.length), ...body)
  }
  const head = batch(['x'], baseOffset).subarray(0, BatchField.RECORDS)
  const whole = Buffer.concat([head, Buffer.from(bytes)])
  whole.writeInt32BE(whole.length - 12, BatchField.LENGTH)
  whole.writeInt32BE(lastDelta, BatchField.LAST_OFFSET_DELTA)
  whole.writeInt32BE(records.length, BatchField.COUNT)
  return whole
}

/** What the reader makes of it, where the bytes lie; an error by its message. */
function spansIn(bytes: Uint8Array, fetchOffset: number, stoppingOffset: number): unknown {
  const reader = new RecordBatchReader({ checkCrcs: false })
  const at = { start: 0, end: bytes.length, fetchOffset, stoppingOffset }
  reader.open({
    ...{ topic: 'readings', partition: 2, bytes, ...at },
    ...{ aborted: [], readCommitted: false },
  })
  const rows: unknown[] = []
  try {
    while (reader.fill(1000)) {
      for (let i = 0; i < reader.count; i++) {
        rows.push([reader.offsets[i], reader.starts[i], reader.lengths[i]])
      }
    }
  } catch (error) {
    rows.push((error as Error).message)
  }
  return { rows, nextOffset: reader.nextOffset }
}

test('records in a shared memory are found where they are found elsewhere, damaged ones too', () => {
  let state = 17
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return ((state >>> 8) % below) | 0
  }
  for (let round = 0; round < 200; round++) {
    const count = 1 + random(100)
    const records = Array.from({ length: count }, (_, delta) => ({
      timestamp: [0, 5, -1, 1 << 20, 2 ** 40][random(8)] ?? 0,
      delta: random(60) === 0 ? [-1, count, 70_000][random(3)] : delta,
      key: random(20) === 0 ? [0, 1, 70, 300, 9000][random(5)] : -1,
      value: random(10) === 0 ? [-1, 0, 9000][random(3)] : 50 + random(30),
      headers: random(20) === 0 ? 10 : 0,
    })) as RecordParts[]
    const first = batchOf(records, 1000, count - 1)
    const bytes = Buffer.concat([first, batchOf(records, 1000 + count, count - 1)])
    for (let damage = round % 4; damage > 0; damage--) {
      // Heads stay: what a checksum would not have let pass anyway.
      const at = BatchField.RECORDS + random(first.length - BatchField.RECORDS)
      bytes[at] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)] as number
    }
    const from = [0, 1000, 1001 + random(2 * count)][random(3)] as number
    const stop = [Number.POSITIVE_INFINITY, 1000 + random(2 * count + 3)][random(2)] as number
    const shared = inSharedMemory(bytes)
    assert.deepEqual(spansIn(shared, from, stop), spansIn(bytes, from, stop), `round ${round}`)
  }
})

test('batches of any number of records find room in a shared memory', () => {
  const values = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)
  for (const counts of [[10, 5000, 10], [9000], [4096, 4096, 1]]) {
    const expected: [number, string][] = []
    const parts: Buffer[] = []
    for (const count of counts) {
      const base = expected.length
      parts.push(batch(values(count), base))
      values(count).forEach((value, i) => void expected.push([base + i, value]))
    }
    assert.deepEqual(readAll(inSharedMemory(Buffer.concat(parts)), {}, 8192).rows, expected)
  }
})

test('of plain records none is left to the reader, with or without a key', () => {
  const records = Array.from({ length: 100 }, (_, delta) => ({
    ...{ timestamp: delta * 1e9, delta, key: delta % 3 === 0 ? 100 : -1 },
    value: delta % 7 === 0 ? -1 : 90,
  }))
  const bytes = inSharedMemory(batchOf(records, 0, 99))
  const spans = new SpanMemory(128)
  const base = bytes.byteOffset
  spans.batch(base, 1000, 99)
  const memory = sharedMemoryOf(bytes) as WebAssembly.Memory
  const end = base + bytes.length
  assert.equal(spans.read(memory, base + BatchField.RECORDS, end, 100, 20), 100)
  assert.equal(spans.position, end)
  assert.deepEqual(
    [...spans.offsets.subarray(20, 120)],
    records.map(({ delta }) => 1000 + delta),
  )
  assert.deepEqual(
    [...spans.lengths.subarray(20, 120)],
    records.map(({ value }) => value),
  )
  // A value of which nothing but its length is there any more.
  assert.equal(spans.read(memory, base + BatchField.RECORDS, end - 1, 100, 0), 99)
})
