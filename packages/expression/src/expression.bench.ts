/**
 * Rows per CPU second of a filter and projection: `node
 * packages/expression/src/expression.bench.ts`.
 *
 * Prints the generated projection and the interpreter side by side, over batches of 2,048 rows.
 */
import { BATCH_ROWS_TARGET, batchOf, type Schema } from '@millrace/core'
import { dictionaryColumn, seededRandom } from '@millrace/core/testing'
import { compileProjection, type Expression, interpret, makeCall } from './index.ts'

const schema: Schema = {
  fields: [
    { name: 'sensor_id', type: { kind: 'STRING', nullable: true } },
    { name: 'temperature', type: { kind: 'DOUBLE', nullable: true } },
    { name: 'humidity', type: { kind: 'DOUBLE', nullable: true } },
    { name: 'event_time', type: { kind: 'TIMESTAMP', precision: 3, nullable: true } },
    { name: 'id', type: { kind: 'BIGINT', nullable: false } },
  ],
}
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: schema.fields[index]!.type,
})
const double = (value: number): Expression => ({
  kind: 'literal',
  value,
  type: { kind: 'DOUBLE', nullable: false },
})
const text = (value: string): Expression => ({
  kind: 'literal',
  value,
  type: { kind: 'STRING', nullable: false },
})

const random = seededRandom(42)
const rows = Array.from({ length: BATCH_ROWS_TARGET }, (_, i) => [
  `sensor-${i % 100}`,
  Math.floor(random() * 40),
  Math.floor(random() * 100),
  1_790_000_000_000 + i * 17,
  BigInt(i),
])
const batch = batchOf(schema, rows)
const dictionary = batchOf(schema, rows)
dictionary.columns[0] = dictionaryColumn(rows.map((row) => row[0] as string))
const context = { nowMs: () => 0, localTimeZone: 'UTC' }

const numbers: Expression[] = [
  column(0),
  makeCall('plus', [makeCall('times', [column(1), double(1.8)]), double(32)]),
  makeCall('floor_to', [column(3), text('MINUTE')]),
]
const filter = makeCall('greater', [column(1), double(10)])
const cases = [
  { name: 'filter + 2 numeric outputs', batch, filter, outputs: numbers },
  {
    name: 'filter on text bytes',
    batch,
    filter: makeCall('equals', [column(0), text('sensor-7')]),
    outputs: numbers,
  },
  {
    name: 'BIGINT arithmetic',
    batch,
    filter: null,
    outputs: [makeCall('plus', [column(4), column(4)])],
  },
  { name: 'UPPER of references', batch, filter: null, outputs: [makeCall('upper', [column(0)])] },
  {
    name: 'UPPER of a dictionary',
    batch: dictionary,
    filter: null,
    outputs: [makeCall('upper', [column(0)])],
  },
]

/** Rows per CPU second of `run` over batches of `rowCount` rows, after warming up. */
function rate(rowCount: number, run: () => void): number {
  for (let i = 0; i < 200; i++) run()
  const start = process.cpuUsage()
  const calls = 2000
  for (let i = 0; i < calls; i++) run()
  const { user, system } = process.cpuUsage(start)
  return (calls * rowCount) / ((user + system) / 1e6)
}

for (const { name, batch: input, filter: condition, outputs } of cases) {
  const projection = compileProjection({ filter: condition, outputs, inputSchema: schema })
  const generated = rate(BATCH_ROWS_TARGET, () => projection(input, context))
  const interpreted = rate(64, () => {
    for (let row = 0; row < 64; row++) {
      if (condition !== null && interpret(condition, input, row, context) !== true) continue
      for (const output of outputs) interpret(output, input, row, context)
    }
  })
  const millions = (value: number) => (value / 1e6).toFixed(1).padStart(7)
  console.log(
    `${name.padEnd(28)} generated ${millions(generated)} M rows/s, interpreted ${millions(interpreted)} M rows/s`,
  )
}
