/**
 * Rows a CPU second through the local window aggregate on one core: the sensor query's COUNT, AVG,
 * MAX, MIN, AVG by a dictionary-coded key.
 *
 *     node packages/sql-operators/src/aggregate/window/window-aggregate.bench.ts
 */
import {
  ColumnBatch,
  Float64Column,
  type LogicalType,
  type Schema,
  StringColumn,
  StringPool,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, WindowAggregateConfig } from '../../operator-config.ts'
import { OperatorHarness } from '../../testing/operator-harness.ts'
import { accumulatorSchema } from '../accumulate/accumulator-schema.ts'
import { LocalWindowAggregate } from './local-window-aggregate.ts'

const STRING: LogicalType = { kind: 'STRING', nullable: true }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: false }
const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'sensor_id', type: STRING },
    { name: 'temperature', type: DOUBLE },
    { name: 'humidity', type: DOUBLE },
    { name: 'event_time', type: TIMESTAMP },
  ],
}
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: INPUT.fields[index]!.type,
})
const call = (name: AggregateCall['function'], argument: number | null): AggregateCall => ({
  function: name,
  argument: argument === null ? null : column(argument),
  distinct: false,
  filter: null,
  resultType: argument === null ? BIGINT : DOUBLE,
})
const calls = [call('AVG', 1), call('MAX', 1), call('MIN', 1), call('AVG', 2), call('COUNT', null)]
const config: WindowAggregateConfig = {
  inputSchema: INPUT,
  keys: [column(0)],
  aggregates: calls,
  window: { kind: 'tumble', sizeMs: 60_000, offsetMs: 0 },
  rowtime: column(3),
  properties: ['window_start', 'window_end'],
  twoPhase: true,
  outputSchema: {
    fields: [
      INPUT.fields[0]!,
      ...calls.map((c, i) => ({ name: `a${i}`, type: c.resultType })),
      { name: 'window_start', type: TIMESTAMP },
      { name: 'window_end', type: TIMESTAMP },
    ],
  },
}

const ROWS = 2048
const BATCHES = 64

/** Batches of 10 rows a millisecond, up to 10 s out of order. */
function batchesOf(keyCount: number): ColumnBatch[] {
  const starts = Int32Array.from({ length: keyCount }, (_, i) => i * 12)
  const lengths = new Int32Array(keyCount).fill(12)
  const bytes = new Uint8Array(keyCount * 12)
  for (let i = 0; i < keyCount; i++) {
    bytes.set(new TextEncoder().encode(`s-${String(i).padStart(10, '0')}`), i * 12)
  }
  const pool = new StringPool(bytes, starts, lengths, keyCount)
  return Array.from({ length: BATCHES }, (_, b) => {
    const codes = Int32Array.from({ length: ROWS }, () => Math.floor(Math.random() * keyCount))
    const random = () => Float64Array.from({ length: ROWS }, () => Math.random() * 40)
    const time = Float64Array.from(
      { length: ROWS },
      (_, i) => 1_700_000_000_000 + (b * ROWS + i) / 10 - Math.random() * 10_000,
    )
    return new ColumnBatch(ROWS, [
      new StringColumn(pool, codes, null),
      new Float64Column(random(), null),
      new Float64Column(random(), null),
      new Float64Column(time, null),
    ])
  })
}

for (const keyCount of [100, 10_000, 1_000_000]) {
  const harness = await new OperatorHarness({
    factory: (c, x) => ({
      kind: 'operator',
      operator: new LocalWindowAggregate(c as WindowAggregateConfig, x),
    }),
    config,
    outputSchema: accumulatorSchema(config),
  }).open()
  let flushed = 0
  harness.output.emitBatch = (batch) => {
    flushed += batch.rowCount
  }
  const batches = batchesOf(keyCount)
  const best: number[] = []
  for (let round = 0; round < 30; round++) {
    const startedAt = process.cpuUsage()
    for (const batch of batches) harness.operator.processBatch(0, batch)
    harness.operator.prepareBarrier!(round)
    const used = process.cpuUsage(startedAt)
    const elapsedMs = (used.user + used.system) / 1000
    best.push((BATCHES * ROWS) / elapsedMs / 1000)
  }
  best.sort((a, b) => a - b)
  console.log(
    `${keyCount} keys: ${best[15]!.toFixed(1)} M rows a CPU second, median, ${best.at(-1)!.toFixed(1)} best; ${flushed} rows flushed`,
  )
}
