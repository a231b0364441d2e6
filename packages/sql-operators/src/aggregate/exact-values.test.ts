/**
 * Values at the edge: -0 beside 0, and sums of BIGINT that wrap. What comes out must not depend
 * on the order of the rows, on the phases, or on a checkpoint between them; it is what the
 * reference engine gives.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type ColumnBatch,
  type LogicalType,
  type OperatorSnapshot,
  type Schema,
  type Value,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type {
  AggregateCall,
  GroupAggregateConfig,
  WindowAggregateConfig,
} from '../operator-config.ts'
import { OperatorHarness, restoredState } from '../testing/operator-harness.ts'
import { accumulatorSchema } from './accumulate/accumulator-schema.ts'
import { GroupAggregate } from './group/group-aggregate.ts'
import { GlobalWindowAggregate } from './window/global-window-aggregate.ts'
import { LocalWindowAggregate } from './window/local-window-aggregate.ts'

const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'd', type: DOUBLE },
    { name: 't', type: TIMESTAMP },
    { name: 'b', type: BIGINT },
    { name: 'e', type: DOUBLE },
  ],
}
type Row = [number, number, bigint, number]
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: INPUT.fields[index]!.type,
})
const call = (
  name: AggregateCall['function'],
  argument: number,
  distinct = false,
): AggregateCall => ({
  function: name,
  argument: column(argument),
  distinct,
  filter: null,
  resultType: name === 'COUNT' ? BIGINT : INPUT.fields[argument]!.type,
})
const CALLS = [
  call('SUM', 2),
  call('AVG', 2),
  call('MIN', 3),
  call('MAX', 3),
  call('SUM', 3),
  call('AVG', 3),
]
const COUNTED = [...CALLS, call('COUNT', 3, true)]

function configOf(calls: readonly AggregateCall[], twoPhase: boolean): WindowAggregateConfig {
  return {
    inputSchema: INPUT,
    keys: [column(0)],
    aggregates: calls,
    window: { kind: 'tumble', sizeMs: 1000, offsetMs: 0 },
    rowtime: column(1),
    properties: [],
    twoPhase,
    outputSchema: outputOf(calls),
  }
}

function outputOf(calls: readonly AggregateCall[]): Schema {
  const results = calls.map((c, i) => ({ name: `a${i}`, type: c.resultType }))
  return { fields: [INPUT.fields[0]!, ...results] }
}

const textOf = (values: readonly Value[]): string =>
  values.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join(' ')

/** Each row a batch of its own, a checkpoint and a restore after each. */
async function windowRows(config: WindowAggregateConfig, rows: readonly Row[]): Promise<string[]> {
  const open = (restored: OperatorSnapshot | null) =>
    new OperatorHarness({
      factory: (c, x) => ({
        kind: 'operator',
        operator: new GlobalWindowAggregate(c as WindowAggregateConfig, x),
      }),
      config,
      outputSchema: config.outputSchema,
      restored: restored === null ? null : restoredState([restored], 0, 1),
    }).open()
  const batches: ColumnBatch[] = []
  const local = await new OperatorHarness({
    factory: (c, x) => ({
      kind: 'operator',
      operator: new LocalWindowAggregate(c as WindowAggregateConfig, x),
    }),
    config,
    outputSchema: config.twoPhase ? accumulatorSchema(config) : INPUT,
  }).open()
  local.output.emitBatch = (batch) => void batches.push(batch)
  let harness = await open(null)
  for (const row of rows) {
    const batch = batchOf(INPUT, [row])
    if (config.twoPhase) {
      local.operator.processBatch(0, batch)
      local.operator.prepareBarrier!(1)
    }
    for (const each of config.twoPhase ? batches.splice(0) : [batch]) {
      harness.operator.processBatch(0, each)
    }
    harness = await open(await harness.checkpoint(1))
  }
  harness.watermark(999)
  return harness.output.elements
    .flatMap((element) => (element.kind === 'row' ? textOf(element.values) : []))
    .sort()
}

const HALF = 2n ** 62n
const ROWS: readonly Row[] = [
  [0, 1, HALF, -0],
  [-0, 2, HALF, 0],
  [0, 3, HALF, 0],
  [-0, 4, 5n, -0],
  [0, 5, HALF - 1n, -0],
]
// Three times 2^62, less 1, wraps to -2^62 - 1; keys 0 and -0 are two groups.
const WRAPPED = -HALF - 1n
const SHOWN = [
  `-0 ${HALF + 5n} ${(HALF + 5n) / 2n} -0 0 0 0`,
  `0 ${WRAPPED} ${WRAPPED / 3n} -0 0 0 0`,
]

for (const twoPhase of [true, false]) {
  test(`a window's -0, and sums that wrap, are the same in any order, ${twoPhase ? 'two phases' : 'one phase'}`, async () => {
    const config = configOf(CALLS, twoPhase)
    assert.deepEqual(await windowRows(config, ROWS), SHOWN)
    assert.deepEqual(await windowRows(config, [...ROWS].reverse()), SHOWN)
  })
}

test('a window counts -0 and 0 as two values, and sums -0 alone to -0', async () => {
  const config = configOf(COUNTED, false)
  const counted = SHOWN.map((text) => `${text} 2`)
  assert.deepEqual(await windowRows(config, ROWS), counted)
  assert.deepEqual(await windowRows(config, [...ROWS].reverse()), counted)
  const alone: Row[] = [
    [1, 1, 1n, -0],
    [1, 2, 1n, -0],
  ]
  assert.deepEqual(await windowRows(configOf(COUNTED, false), alone), ['1 2 1 -0 -0 -0 0 1'])
})

test('groups of -0 and 0 are two, and retracting one leaves the other as the extreme', async () => {
  const config: GroupAggregateConfig = {
    inputSchema: INPUT,
    keys: [column(0)],
    aggregates: COUNTED,
    inputIsChangelog: true,
    emitUpdateBefore: true,
    stateTtlMs: 0,
    outputSchema: outputOf(COUNTED),
  }
  const harness = await new OperatorHarness({
    factory: (c, x) => ({
      kind: 'operator',
      operator: new GroupAggregate(c as GroupAggregateConfig, x),
    }),
    config,
    outputSchema: config.outputSchema,
  }).open()
  for (const row of ROWS) harness.operator.processBatch(0, batchOf(INPUT, [row]))
  const table = new Map<string, string>()
  for (const element of harness.output.elements) {
    if (element.kind === 'row') table.set(textOf([element.values[0]!]), textOf(element.values))
  }
  assert.deepEqual(
    [...table.values()].sort(),
    SHOWN.map((text) => `${text} 2`),
  )
  const retracted = batchOf(INPUT, [ROWS[3]!])
  retracted.rowKinds = Uint8Array.of(3)
  harness.output.elements.length = 0
  harness.operator.processBatch(0, retracted)
  const last = harness.output.elements.at(-1)
  assert.ok(last?.kind === 'row')
  assert.equal(textOf(last.values), `-0 ${HALF} ${HALF} 0 0 0 0 1`)
})

test('sums wrap in the width of their type, and sums of FLOATs are added in singles', async () => {
  // Cause: both were computed as their wider type, and were neither wrapped nor rounded on the way.
  const FLOAT: LogicalType = { kind: 'FLOAT', nullable: true }
  const TINYINT: LogicalType = { kind: 'TINYINT', nullable: true }
  const types = [TINYINT, FLOAT]
  const inputSchema = { fields: types.map((type, i) => ({ name: `c${i}`, type })) }
  const aggregate = (name: 'SUM' | 'AVG', index: number): AggregateCall => ({
    function: name,
    argument: { kind: 'column', index, type: types[index]! },
    distinct: false,
    filter: null,
    resultType: types[index]!,
  })
  const aggregates = [aggregate('SUM', 0), aggregate('SUM', 1), aggregate('AVG', 1)]
  const config: GroupAggregateConfig = {
    inputSchema,
    keys: [],
    aggregates,
    inputIsChangelog: true,
    emitUpdateBefore: true,
    stateTtlMs: 0,
    outputSchema: { fields: [0, 1, 1].map((c, i) => ({ name: `a${i}`, type: types[c]! })) },
  }
  const harness = await new OperatorHarness({
    factory: (c, x) => ({
      kind: 'operator',
      operator: new GroupAggregate(c as GroupAggregateConfig, x),
    }),
    config,
    outputSchema: config.outputSchema,
  }).open()
  const tenth = Math.fround(0.1)
  const rows = Array.from({ length: 10 }, (): [number, number] => [100, tenth])
  let single = 0
  for (const [, value] of rows) single = Math.fround(single + value)
  harness.operator.processBatch(0, batchOf(inputSchema, rows))
  const last = harness.output.elements.at(-1)
  assert.ok(last?.kind === 'row')
  assert.notEqual(single, Math.fround(10 * tenth), 'the order of rounding shows')
  assert.deepEqual(last.values, [1000 - 4 * 256, single, tenth])
})

test('NaN comes after every number: the maximum of what has one, the minimum of it alone', async () => {
  // Cause: comparisons with NaN are all false, so that a group of NaN alone had the
  // minimum Infinity.
  const calls = [call('MIN', 3), call('MAX', 3)]
  const { NaN: nan } = Number
  const rows: Row[] = [
    [1, 1, 0n, nan],
    [1, 2, 0n, 2],
    [1, 3, 0n, -3],
    [2, 4, 0n, nan],
    [3, 5, 0n, -0],
    [3, 6, 0n, 0],
  ]
  const shown = ['1 -3 NaN', '2 NaN NaN', '3 -0 0']
  for (const twoPhase of [true, false]) {
    assert.deepEqual(await windowRows(configOf(calls, twoPhase), rows), shown)
    assert.deepEqual(await windowRows(configOf(calls, twoPhase), [...rows].reverse()), shown)
  }
})
