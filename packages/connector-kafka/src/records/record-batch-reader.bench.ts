/**
 * Nanoseconds a record to find its value, in a shared memory and elsewhere: records of 100 bytes in
 * batches of 4,000, in what is in the nearer caches; without checksums.
 *
 *     node packages/connector-kafka/src/records/record-batch-reader.bench.ts
 */
import { RecordBatchBuilder } from './record-batch-builder.ts'
import { RecordBatchReader } from './record-batch-reader.ts'
import { allocateResponse } from './response-memory.ts'

const RECORDS = 4000
const BYTES = 100
const ROUNDS = 3000

function sealedBatch(): Uint8Array {
  const builder = new RecordBatchBuilder(1 << 20, 'none')
  const starts = Int32Array.from({ length: RECORDS }, (_, i) => i * BYTES)
  const lengths = new Int32Array(RECORDS).fill(BYTES)
  const values = new Uint8Array(RECORDS * BYTES).fill(120)
  builder.append(values, starts, lengths, 0, RECORDS, 1 << 30)
  builder.finish()
  const seal = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false }
  return builder.seal({ ...seal, timestampMs: 0 })
}

const sealed = sealedBatch()
const shared = allocateResponse(Math.max(sealed.length, 256 << 10), 0).subarray(0, sealed.length)
shared.set(sealed)

function measure(name: string, bytes: Uint8Array): void {
  const reader = new RecordBatchReader({ checkCrcs: false })
  const source = { topic: 't', partition: 0, bytes, start: 0, end: bytes.length, fetchOffset: 0 }
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now()
    reader.open({
      ...source,
      ...{ stoppingOffset: Number.POSITIVE_INFINITY, aborted: [], readCommitted: false },
    })
    if (!reader.fill(RECORDS) || reader.count !== RECORDS) throw new Error('records are missing')
    times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)
  const ns = (ms: number) => ((ms * 1e6) / RECORDS).toFixed(2)
  const median = times[ROUNDS >> 1] as number
  console.log(`${name}: ${ns(median)} ns a record (best ${ns(times[0] as number)})`)
}

measure('elsewhere', Uint8Array.from(sealed))
measure('shared memory', shared)
