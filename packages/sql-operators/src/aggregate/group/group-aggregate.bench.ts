/**
 * Nanoseconds of CPU a row through `group-aggregate`: COUNT and SUM by a BIGINT key, random keys,
 * batches of 2,048 rows; and the bytes of memory a key that its table takes.
 *
 *     node packages/sql-operators/src/aggregate/group/group-aggregate.bench.ts [KEYS …]
 *
 * A checkpoint is frozen, and let go, between the halves; with --incremental the table notes from
 * then on which entries are written.
 */
import { ColumnBatch, Int64Column, type LogicalType, type Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, GroupAggregateConfig } from '../../operator-config.ts'
import { OperatorHarness } from '../../testing/operator-harness.ts'
import { GroupAggregate } from './group-aggregate.ts'

const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'k', type: BIGINT },
    { name: 'v', type: BIGINT },
  ],
}
const column = (index: number): Expression => ({ kind: 'column', index, type: BIGINT })
const call = (name: AggregateCall['function'], argument: number | null): AggregateCall => ({
  function: name,
  argument: argument === null ? null : column(argument),
  distinct: false,
  filter: null,
  resultType: BIGINT,
})
const calls = [call('COUNT', null), call('SUM', 1)]
const config: GroupAggregateConfig = {
  inputSchema: INPUT,
  keys: [column(0)],
  aggregates: calls,
  inputIsChangelog: false,
  stateTtlMs: 0,
  emitUpdateBefore: false,
  outputSchema: {
    fields: [INPUT.fields[0]!, ...calls.map((c, i) => ({ name: `a${i}`, type: c.resultType }))],
  },
}
const ROWS = 2048

function fill(batch: ColumnBatch, keyCount: number): void {
  const [keys, values] = batch.columns as [Int64Column, Int64Column]
  const halves = new Int32Array(keys.values.buffer)
  const small = new Int32Array(values.values.buffer)
  for (let i = 0; i < ROWS; i++) {
    halves[2 * i] = Math.floor(Math.random() * keyCount)
    small[2 * i] = i
  }
}

const INCREMENTAL = '--incremental'
const configuration = {
  'execution.checkpointing.incremental': String(process.argv.includes(INCREMENTAL)),
}
const sizes = process.argv
  .slice(2)
  .filter((argument) => argument !== INCREMENTAL)
  .map(Number)
for (const keyCount of sizes.length > 0 ? sizes : [1e3, 1e5, 1e6, 5e6]) {
  const harness = await new OperatorHarness({
    factory: (c, x) => ({
      kind: 'operator',
      operator: new GroupAggregate(c as GroupAggregateConfig, x),
    }),
    config,
    configuration,
    outputSchema: config.outputSchema,
  }).open()
  let emitted = 0
  harness.output.emitBatch = (batch) => {
    emitted += batch.rowCount
  }
  const batch = new ColumnBatch(ROWS, [
    new Int64Column(new BigInt64Array(ROWS), null),
    new Int64Column(new BigInt64Array(ROWS), null),
  ])
  const rounds = Math.ceil(Math.max(4e6, keyCount * 2) / ROWS)
  const times: number[] = []
  const startedAt = process.cpuUsage()
  for (let round = 0; round < rounds; round++) {
    if (round === rounds >> 1) {
      for (const table of harness.state.freeze(1, null)) table.release()
    }
    fill(batch, keyCount)
    const from = performance.now()
    harness.operator.processBatch(0, batch)
    times.push(performance.now() - from)
  }
  const used = process.cpuUsage(startedAt)
  const ns = (list: number[]) =>
    ((list.sort((a, b) => a - b)[list.length >> 1]! / ROWS) * 1e6).toFixed(0)
  const half = times.length >> 1
  const bytes = [...harness.state.memoryByTable().values()].reduce((a, b) => a + b, 0)
  console.log(
    `${keyCount} keys: ${ns(times.slice(0, half))} ns a row in the first half, ${ns(times.slice(half))} in the second, medians; ` +
      `${(((used.user + used.system) * 1000) / rounds / ROWS).toFixed(0)} ns of CPU with making the rows; ` +
      `${(bytes / keyCount).toFixed(0)} bytes a key; ${emitted} rows out`,
  )
}
