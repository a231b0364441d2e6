/** Key groups of batches, whatever the form of their texts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Schema } from '../types/logical-type.ts'
import { ColumnBatchBuilder } from './column-batch-builder.ts'
import { keyGroups } from './key-columns.ts'
import { randomBatch, seededRandom } from './random-batch.ts'

const schema: Schema = {
  fields: [
    { name: 'name', type: { kind: 'STRING', nullable: true } },
    { name: 'id', type: { kind: 'BIGINT', nullable: true } },
    { name: 'size', type: { kind: 'DOUBLE', nullable: true } },
    { name: 'flag', type: { kind: 'BOOLEAN', nullable: true } },
  ],
}

test('a row has the same key group in dictionary and reference form', () => {
  for (let seed = 1; seed < 50; seed++) {
    const batch = randomBatch(schema, 30, seededRandom(seed))
    const builder = new ColumnBatchBuilder(schema)
    for (let row = 0; row < batch.rowCount; row++) builder.appendFrom(batch, row)
    const flat = builder.build()
    assert.deepEqual(keyGroups(flat, [0, 1, 2, 3], 128), keyGroups(batch, [0, 1, 2, 3], 128))
  }
})

test('hundreds of keys spread over all key groups', () => {
  const builder = new ColumnBatchBuilder(schema)
  for (let i = 0; i < 2000; i++) builder.appendRow([`sensor-${i}`, BigInt(i), i / 2, i % 2 === 0])
  const batch = builder.build()
  for (const column of [0, 1, 2]) {
    assert.equal(new Set(keyGroups(batch, [column], 128)).size, 128)
  }
})
