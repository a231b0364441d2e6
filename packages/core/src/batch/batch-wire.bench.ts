/**
 * Rows per CPU second of encoding, decoding and hashing batches: `node
 * packages/core/src/batch/batch-wire.bench.ts`.
 *
 * A batch of 2,048 sensor readings, its key as references and as a dictionary. Rates are per
 * second of CPU time.
 */
import type { Schema } from '../types/logical-type.ts'
import { decodeBatch, encodeBatch, encodedBatchSize } from './batch-wire.ts'
import { BATCH_ROWS_TARGET } from './column-batch.ts'
import { batchOf } from './column-batch-builder.ts'
import { hashRows } from './key-columns.ts'
import { dictionaryColumn } from './random-batch.ts'

const schema: Schema = {
  fields: [
    { name: 'sensor_id', type: { kind: 'STRING', nullable: true } },
    { name: 'temperature', type: { kind: 'DOUBLE', nullable: true } },
    { name: 'humidity', type: { kind: 'DOUBLE', nullable: true } },
    { name: 'event_time', type: { kind: 'TIMESTAMP', precision: 3, nullable: true } },
  ],
}
const rows = Array.from({ length: BATCH_ROWS_TARGET }, (_, i) => [
  `sensor-${i % 100}`,
  i % 40,
  i % 100,
  1_790_000_000_000 + i,
])
const references = batchOf(schema, rows)
const dictionary = batchOf(schema, rows)
dictionary.columns[0] = dictionaryColumn(rows.map((row) => row[0] as string))

function rate(run: () => void): string {
  for (let i = 0; i < 500; i++) run()
  const start = process.cpuUsage()
  const calls = 3000
  for (let i = 0; i < calls; i++) run()
  const { user, system } = process.cpuUsage(start)
  const perSecond = (calls * BATCH_ROWS_TARGET) / ((user + system) / 1e6)
  return `${(perSecond / 1e6).toFixed(0).padStart(5)} M rows/s`
}

for (const [name, batch] of Object.entries({ references, dictionary })) {
  const bytes = new Uint8Array(encodedBatchSize(batch, schema))
  const hashes = new Int32Array(BATCH_ROWS_TARGET)
  encodeBatch(batch, schema, bytes, 0)
  const encoding = rate(() => {
    encodedBatchSize(batch, schema)
    encodeBatch(batch, schema, bytes, 0)
  })
  const decoding = rate(() => decodeBatch(bytes, 0, bytes.length, schema))
  const hashing = rate(() => hashRows(batch, [0], hashes))
  console.log(
    `${name.padEnd(12)} encode ${encoding}, decode ${decoding}, hash key ${hashing}, ` +
      `${(bytes.length / BATCH_ROWS_TARGET).toFixed(1)} bytes a row`,
  )
}
