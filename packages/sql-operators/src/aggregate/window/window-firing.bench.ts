/**
 * Rows a CPU second through the global window aggregate and out of its windows, by a BIGINT key:
 * `node packages/sql-operators/src/aggregate/window/window-firing.bench.ts [tumble|hop] [KEYS]
 * [ROWS] [MEGABYTES]`. With megabytes state is on disk, in files of the machine, and has so much
 * memory. With `perf stat -e instructions:u` two versions compare on a busy machine too.
 */
import {
  ColumnBatch,
  Configuration,
  Float64Column,
  Int64Column,
  type LogicalType,
  type Schema,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import { createNodePlatform } from '@millrace/platform/node'
import { openKeyedState, StateMemory } from '@millrace/state'
import type { AggregateCall, WindowAggregateConfig } from '../../operator-config.ts'
import { OperatorHarness } from '../../testing/operator-harness.ts'
import { GlobalWindowAggregate } from './global-window-aggregate.ts'

const [kind = 'tumble', keyText = '100000', rowText = '4000000', megabytes] = process.argv.slice(2)
const keys = Number(keyText)
const rows = Number(rowText)
const ROWS = 2048
const ROWS_A_MS = 50

const BIGINT: LogicalType = { kind: 'BIGINT', nullable: false }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: false }
const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: false }
const INPUT: Schema = {
  fields: [
    { name: 'id', type: BIGINT },
    { name: 'price', type: DOUBLE },
    { name: 'ts', type: TIMESTAMP },
  ],
}
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: INPUT.fields[index]!.type,
})
const calls: AggregateCall[] = (['COUNT', 'SUM', 'MAX'] as const).map((name, n) => ({
  function: name,
  argument: n === 0 ? null : column(1),
  distinct: false,
  filter: null,
  resultType: n === 0 ? BIGINT : DOUBLE,
}))
const config: WindowAggregateConfig = {
  inputSchema: INPUT,
  keys: [column(0)],
  aggregates: calls,
  window:
    kind === 'hop'
      ? { kind: 'hop', sizeMs: 10_000, slideMs: 2_000, offsetMs: 0 }
      : { kind: 'tumble', sizeMs: 10_000, offsetMs: 0 },
  rowtime: column(2),
  properties: ['window_start', 'window_end'],
  twoPhase: false,
  outputSchema: {
    fields: [
      INPUT.fields[0]!,
      ...calls.map((c, i) => ({ name: `a${i}`, type: c.resultType })),
      { name: 'window_start', type: TIMESTAMP },
      { name: 'window_end', type: TIMESTAMP },
    ],
  },
}

let seed = 1
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  return (seed >>> 0) / 4_294_967_296
}

const waiting: (() => boolean)[] = []
const state = openKeyedState({
  configuration: new Configuration({
    'state.backend.type': megabytes === undefined ? 'hashmap' : 'rocksdb',
  }),
  maxParallelism: 128,
  nowMs: () => 0,
  monotonicMs: () => 0,
  files: createNodePlatform().temporaryFiles,
  memory: new StateMemory(Number(megabytes ?? 0) * 1024 * 1024),
  background: (step) => waiting.push(step),
})

/** One step of what was put off, as the mailbox takes one between batches. */
function work(): void {
  const step = waiting.shift()
  if (step?.() === true) waiting.push(step)
}

const harness = await new OperatorHarness({
  factory: (c, x) => ({
    kind: 'operator',
    operator: new GlobalWindowAggregate(c as WindowAggregateConfig, x),
  }),
  config,
  outputSchema: config.outputSchema,
  state,
}).open()
let fired = 0
harness.output.emitBatch = (batch: ColumnBatch) => {
  fired += batch.rowCount
}
const ids = new BigInt64Array(ROWS)
const prices = new Float64Array(ROWS)
const times = new Float64Array(ROWS)
const batch = new ColumnBatch(ROWS, [
  new Int64Column(ids, null),
  new Float64Column(prices, null),
  new Float64Column(times, null),
])
const startedAt = process.cpuUsage()
for (let from = 0; from < rows; from += ROWS) {
  for (let i = 0; i < ROWS; i++) {
    ids[i] = BigInt(Math.floor(random() * keys))
    prices[i] = random() * 100
    times[i] = Math.floor((from + i) / ROWS_A_MS)
  }
  harness.operator.processBatch(0, batch)
  work()
  harness.watermark(Math.floor(from / ROWS_A_MS))
}
harness.watermark(Number.POSITIVE_INFINITY)
const used = process.cpuUsage(startedAt)
const elapsedMs = (used.user + used.system) / 1000
console.log(
  `${kind}, ${keys} keys, ${megabytes ?? 'all the'} MB: ${(rows / elapsedMs / 1000).toFixed(2)} M rows a CPU second, ` +
    `${fired} rows fired, ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB resident at most`,
)
state.close()
