/** The wire form of batches: round trips, damage, and copies of rows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../error/millrace-error.ts'
import type { LogicalType, Schema } from '../types/logical-type.ts'
import { decodeBatch, encodeBatch, encodedBatchSize } from './batch-wire.ts'
import { rowsOf } from './column-values.ts'
import { copyBatch, gatherRows, sliceBatch } from './gather-rows.ts'
import { randomBatch, seededRandom } from './random-batch.ts'

const TYPES: LogicalType[] = [
  { kind: 'BOOLEAN', nullable: true },
  { kind: 'INT', nullable: true },
  { kind: 'BIGINT', nullable: true },
  { kind: 'DOUBLE', nullable: false },
  { kind: 'DECIMAL', precision: 18, scale: 3, nullable: true },
  { kind: 'STRING', nullable: true },
  { kind: 'STRING', nullable: false },
  { kind: 'TIMESTAMP', precision: 3, nullable: true },
  { kind: 'DATE', nullable: true },
]
const schemaOf = (types: LogicalType[]): Schema => ({
  fields: types.map((type, i) => ({ name: `c${i}`, type })),
})

function randomCase(seed: number) {
  const random = seededRandom(seed)
  const schema = schemaOf(TYPES.filter(() => random() < 0.6))
  return { random, schema, batch: randomBatch(schema, Math.floor(random() * 40), random) }
}

test('a batch survives the wire at any position and alignment', () => {
  for (let seed = 1; seed <= 400; seed++) {
    const { random, schema, batch } = randomCase(seed)
    const at = Math.floor(random() * 20)
    const size = encodedBatchSize(batch, schema)
    assert.equal(size % 8, 0)
    const bytes = new Uint8Array(at + size + 5).fill(0xee)
    assert.equal(encodeBatch(batch, schema, bytes, at), size)
    assert.ok(bytes.subarray(at + size).every((byte) => byte === 0xee))
    const decoded = decodeBatch(bytes, at, size, schema)
    assert.deepEqual(rowsOf(decoded, schema), rowsOf(batch, schema), `seed ${seed}`)
    const kinds = batch.rowKinds === null ? null : [...batch.rowKinds.subarray(0, batch.rowCount)]
    assert.deepEqual(decoded.rowKinds === null ? null : [...decoded.rowKinds], kinds)
  }
})

test('aligned bytes are decoded as views, without a copy', () => {
  const schema = schemaOf([{ kind: 'DOUBLE', nullable: false }])
  const batch = randomBatch(schema, 10, seededRandom(3))
  const bytes = new Uint8Array(encodedBatchSize(batch, schema))
  encodeBatch(batch, schema, bytes, 0)
  const column = decodeBatch(bytes, 0, bytes.length, schema).columns[0]!
  assert.ok(column.kind === 'f64' && column.values.buffer === bytes.buffer)
})

test('a large dictionary sends the entries in use alone', () => {
  const schema = schemaOf([{ kind: 'STRING', nullable: false }])
  const random = seededRandom(11)
  let batch = randomBatch(schema, 500, random)
  while (batch.columns[0]!.kind !== 'str' || batch.columns[0]!.codes === null) {
    batch = randomBatch(schema, 500, random)
  }
  const few = sliceBatch(batch, 0, 3)
  assert.ok(encodedBatchSize(few, schema) < 300)
})

test('damaged bytes give BATCH_CORRUPT or a readable batch, never another error', () => {
  for (let seed = 1; seed <= 600; seed++) {
    const { random, schema, batch } = randomCase(seed)
    const size = encodedBatchSize(batch, schema)
    const bytes = new Uint8Array(size)
    encodeBatch(batch, schema, bytes, 0)
    const cut = random() < 0.3 ? Math.floor(random() * size) : size
    for (let k = 0; k < 3; k++) bytes[Math.floor(random() * size)] = Math.floor(random() * 256)
    try {
      rowsOf(decodeBatch(bytes, 0, cut, schema), schema)
    } catch (error) {
      assert.ok(isMillraceError(error, 'BATCH_CORRUPT'), `seed ${seed}: ${error}`)
    }
  }
})

test('bytes of another schema are refused by name', () => {
  const doubles = schemaOf([{ kind: 'DOUBLE', nullable: false }])
  const strings = schemaOf([{ kind: 'STRING', nullable: false }])
  const batch = randomBatch(doubles, 4, seededRandom(1))
  const bytes = new Uint8Array(encodedBatchSize(batch, doubles))
  encodeBatch(batch, doubles, bytes, 0)
  assert.throws(() => decodeBatch(bytes, 0, bytes.length, strings), /kind f64, the schema has str/)
})

test('copies, slices and gathered rows equal the rows they were made from', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { random, schema, batch } = randomCase(seed)
    const rows = rowsOf(batch, schema)
    assert.deepEqual(rowsOf(copyBatch(batch), schema), rows)
    const from = Math.floor(random() * (batch.rowCount + 1))
    assert.deepEqual(rowsOf(sliceBatch(batch, from, batch.rowCount), schema), rows.slice(from))
    const indexes = Int32Array.from(rows.keys()).reverse()
    assert.deepEqual(rowsOf(gatherRows(batch, indexes), schema), rows.reverse())
  }
})
