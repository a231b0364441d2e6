/**
 * GROUP BY in two phases gives what one phase gives, whether the local one gathers or steps aside;
 * nothing waits in it for longer than it says, nor across a barrier.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type ColumnBatch,
  copyBatch,
  type LogicalType,
  type Schema,
  type Value,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, GroupAggregateConfig } from '../../operator-config.ts'
import { OperatorHarness } from '../../testing/operator-harness.ts'
import { groupAccumulatorSchema } from '../accumulate/accumulator-schema.ts'
import { GroupAggregate } from './group-aggregate.ts'
import { LocalGroupAggregate } from './local-group-aggregate.ts'

const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const STRING: LogicalType = { kind: 'STRING', nullable: true }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'k', type: BIGINT },
    { name: 'name', type: STRING },
    { name: 'v', type: BIGINT },
    { name: 's', type: STRING },
    { name: 'd', type: DOUBLE },
  ],
}
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: INPUT.fields[index]!.type,
})
const call = (
  name: AggregateCall['function'],
  argument: number | null,
  resultType: LogicalType,
): AggregateCall => ({
  function: name,
  argument: argument === null ? null : column(argument),
  distinct: false,
  filter: null,
  resultType,
})
const CALLS = [
  call('COUNT', null, BIGINT),
  call('SUM', 2, BIGINT),
  call('COUNT', 2, BIGINT),
  call('MIN', 3, STRING),
  call('MAX', 2, BIGINT),
  call('AVG', 4, DOUBLE),
  call('MIN', 4, DOUBLE),
]
const config = (twoPhase: boolean, keys = [0, 1]): GroupAggregateConfig => ({
  inputSchema: INPUT,
  keys: keys.map(column),
  aggregates: CALLS,
  inputIsChangelog: false,
  emitUpdateBefore: false,
  stateTtlMs: 0,
  twoPhase,
  outputSchema: {
    fields: [
      ...keys.map((key) => INPUT.fields[key]!),
      ...CALLS.map((c, i) => ({ name: `a${i}`, type: c.resultType })),
    ],
  },
})

const openGlobal = (c: GroupAggregateConfig) =>
  new OperatorHarness({
    factory: (made, x) => ({
      kind: 'operator',
      operator: new GroupAggregate(made as GroupAggregateConfig, x),
    }),
    config: c,
    outputSchema: c.outputSchema,
  }).open()

async function openLocal(c: GroupAggregateConfig, sent: ColumnBatch[], groupsMax = 5000) {
  const harness = await new OperatorHarness({
    factory: (made, x) => ({
      kind: 'operator',
      operator: new LocalGroupAggregate(made as GroupAggregateConfig, x),
    }),
    config: c,
    outputSchema: groupAccumulatorSchema(c),
    configuration: { 'table.exec.local-aggregate.max-groups': String(groupsMax) },
  }).open()
  harness.output.emitBatch = (batch) => void sent.push(copyBatch(batch))
  return harness
}

/** The table that a changelog without -U leaves. */
function tableOf(harness: OperatorHarness, keyCount: number): string[] {
  const table = new Map<string, string>()
  for (const element of harness.output.elements) {
    if (element.kind !== 'row') continue
    table.set(String(element.values.slice(0, keyCount)), String(element.values))
  }
  return [...table.values()].sort()
}

const below = (bound: number): number => Math.floor(Math.random() * bound)

function randomRows(count: number, keys: number): Value[][] {
  return Array.from({ length: count }, () => [
    Math.random() < 0.05 ? null : BigInt(below(keys)),
    Math.random() < 0.05 ? null : `n${below(2)}`,
    Math.random() < 0.2 ? null : BigInt(below(1000)) * 2n ** 53n,
    Math.random() < 0.2 ? null : `t${below(100)}`,
    Math.random() < 0.2 ? null : below(64) / 8,
  ])
}

for (const [what, keyCount, keys] of [
  ['few keys', 20, [0, 1]],
  ['keys that hardly repeat', 1e9, [0, 1]],
  ['no key', 1, []],
] as const) {
  test(`two phases give what one gives: ${what}`, async () => {
    const whole = await openGlobal(config(false, [...keys]))
    const global = await openGlobal(config(true, [...keys]))
    const sent: ColumnBatch[] = []
    const local = await openLocal(config(true, [...keys]), sent)
    for (let step = 0; step < 12; step++) {
      const batch = batchOf(INPUT, randomRows(600, keyCount))
      whole.operator.processBatch(0, batch)
      local.operator.processBatch(0, batch)
      if (step % 5 === 4) local.operator.prepareBarrier!(step)
    }
    local.operator.endInput(0)
    for (const batch of sent) global.operator.processBatch(0, batch)
    assert.deepEqual(tableOf(global, keys.length), tableOf(whole, keys.length))
    const rows = sent.reduce((sum, batch) => sum + batch.rowCount, 0)
    if (what === 'few keys') assert.ok(rows < 600, `${rows} rows were sent`)
    if (what === 'keys that hardly repeat') {
      assert.ok(sent.at(-1)!.rowCount === 600, 'batches go on as they come')
    }
  })
}

test('a row waits 10 ms at most, and not for a barrier', async () => {
  const sent: ColumnBatch[] = []
  const local = await openLocal(config(true), sent)
  const batch = batchOf(INPUT, [[1n, 'a', 1n, null, null]])
  local.operator.processBatch(0, batch)
  local.advanceTo(local.nowMs + 9)
  assert.equal(sent.length, 0)
  local.advanceTo(local.nowMs + 1)
  assert.equal(sent.length, 1)
  local.operator.processBatch(0, batch)
  local.operator.prepareBarrier!(1)
  assert.equal(sent.length, 2)
  local.advanceTo(local.nowMs + 100)
  assert.equal(sent.length, 2)
})

test('wide keys leave before they fill the memory, whether they repeat within 10 ms or not', async () => {
  // Cause: keys were counted, not their bytes; 120 different texts of 1 MB stayed in the local
  // phase for good.
  const sent: ColumnBatch[] = []
  const local = await openLocal(config(true), sent)
  const wide = 'x'.repeat(1 << 20)
  for (let i = 0; i < 80; i++) {
    local.operator.processBatch(0, batchOf(INPUT, [[1n, `${i} ${wide}`, 1n, null, null]]))
    if (i % 2 === 1) local.advanceTo(local.nowMs + 10)
  }
  const { memoryBytes } = (local.operator as LocalGroupAggregate).table
  assert.ok(memoryBytes < 100 * 2 ** 20, `${memoryBytes} bytes are held`)
  sent.length = 0
  for (let i = 0; i < 80; i++) {
    local.operator.processBatch(0, batchOf(INPUT, [[2n, `${i} ${wide}`, 1n, null, null]]))
  }
  const rows = sent.reduce((sum, batch) => sum + batch.rowCount, 0)
  assert.ok(rows >= 30 && sent.length < 10, `${rows} rows in ${sent.length} batches`)
})
