/**
 * The unbounded aggregate against a plain model: its changelog, applied, gives the model's table,
 * through restores and retractions.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type LogicalType,
  type OperatorSnapshot,
  RowKind,
  type Schema,
  type Value,
} from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, GroupAggregateConfig } from '../../operator-config.ts'
import { OperatorHarness, restoredState } from '../../testing/operator-harness.ts'
import { GroupAggregate } from './group-aggregate.ts'

const STRING: LogicalType = { kind: 'STRING', nullable: true }
const INT: LogicalType = { kind: 'INT', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'k', type: STRING },
    { name: 'v', type: INT },
    { name: 's', type: STRING },
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
  distinct = false,
): AggregateCall => ({
  function: name,
  argument: argument === null ? null : column(argument),
  distinct,
  filter: null,
  resultType,
})
const CALLS = [
  call('COUNT', null, BIGINT),
  call('SUM', 1, INT),
  call('MIN', 1, INT),
  call('MAX', 1, INT),
  call('MAX', 2, STRING),
  call('COUNT', 2, BIGINT, true),
]
const OUTPUT: Schema = {
  fields: [INPUT.fields[0]!, ...CALLS.map((c, i) => ({ name: `a${i}`, type: c.resultType }))],
}
const config = (
  inputIsChangelog: boolean,
  stateTtlMs = 0,
  emitUpdateBefore = true,
): GroupAggregateConfig => ({
  inputSchema: INPUT,
  keys: [column(0)],
  aggregates: CALLS,
  inputIsChangelog,
  emitUpdateBefore,
  stateTtlMs,
  outputSchema: OUTPUT,
})
const open = (c: GroupAggregateConfig, snapshots: OperatorSnapshot[] | null = null) =>
  new OperatorHarness({
    factory: (made, x) => ({
      kind: 'operator',
      operator: new GroupAggregate(made as GroupAggregateConfig, x),
    }),
    config: c,
    outputSchema: c.outputSchema,
    restored: snapshots === null ? null : restoredState(snapshots, 0, 1),
  }).open()

type Row = [string | null, number | null, string | null]
const text = (values: readonly Value[]): string =>
  JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? Number(value) : value))

/**
 * Applies a changelog; every retraction must name a row that is there. Without −U an update stands
 * in for the row before.
 */
function apply(harness: OperatorHarness, table: Map<string, string>, updateBefore = true): void {
  for (const element of harness.output.elements) {
    if (element.kind !== 'row') continue
    const key = String(element.values[0])
    if (!updateBefore) assert.notEqual(element.rowKind, RowKind.UPDATE_BEFORE)
    if (!updateBefore && element.rowKind === RowKind.UPDATE_AFTER) {
      assert.ok(table.delete(key), 'an update has a row before')
    }
    if (element.rowKind === 1 || element.rowKind === 3) {
      assert.equal(table.get(key), text(element.values), 'a retraction names the row before')
      table.delete(key)
    } else {
      assert.ok(!table.has(key), 'an insertion follows a retraction')
      table.set(key, text(element.values))
    }
  }
  harness.output.elements.length = 0
}

function model(rows: readonly Row[]): string[] {
  const groups = new Map<string | null, Row[]>()
  for (const row of rows) groups.set(row[0], [...(groups.get(row[0]) ?? []), row])
  return [...groups].map(([key, held]) => {
    const numbers = held.map((row) => row[1]).filter((v) => v !== null)
    const texts = held.map((row) => row[2]).filter((v) => v !== null)
    return text([
      key,
      held.length,
      numbers.length === 0 ? null : numbers.reduce((a, b) => a + b, 0),
      numbers.length === 0 ? null : Math.min(...numbers),
      numbers.length === 0 ? null : Math.max(...numbers),
      texts.length === 0 ? null : texts.sort().at(-1)!,
      new Set(texts).size,
    ])
  })
}

for (const [changelog, updateBefore] of [
  [false, true],
  [true, true],
  [false, false],
  [true, false],
] as const) {
  const input = changelog ? 'insertions and retractions' : 'insertions'
  test(`the changelog ${updateBefore ? 'with' : 'without'} −U of random ${input} builds the model's table`, async () => {
    const settings = config(changelog, 0, updateBefore)
    let harness = await open(settings)
    const table = new Map<string, string>()
    const rows: Row[] = []
    for (let step = 0; step < 200; step++) {
      const batch: Row[] = []
      const kinds: number[] = []
      for (let i = 0; i < 1 + Math.floor(Math.random() * 12); i++) {
        if (changelog && rows.length > 0 && Math.random() < 0.45) {
          batch.push(rows.splice(Math.floor(Math.random() * rows.length), 1)[0]!)
          kinds.push(Math.random() < 0.5 ? 1 : 3)
          continue
        }
        const pick = Math.floor(Math.random() * 6)
        const row: Row = [
          pick === 0 ? null : `k${pick}`,
          Math.random() < 0.2 ? null : Math.floor(Math.random() * 20) - 10,
          Math.random() < 0.2 ? null : `t${Math.floor(Math.random() * 9)}`,
        ]
        rows.push(row)
        batch.push(row)
        kinds.push(Math.random() < 0.5 ? 0 : 2)
      }
      harness.operator.processBatch(0, batchOf(INPUT, batch, changelog ? kinds : undefined))
      apply(harness, table, updateBefore)
      assert.deepEqual([...table.values()].sort(), model(rows).sort())
      if (step % 50 === 49) harness = await open(settings, [await harness.checkpoint(step)])
    }
  })
}

test('a batch that leaves a result as it was emits nothing for it', async () => {
  const harness = await open(config(true))
  harness.operator.processBatch(0, batchOf(INPUT, [['a', 1, 'x']]))
  harness.output.elements.length = 0
  const rows: Row[] = [
    ['a', 5, 'y'],
    ['a', 5, 'y'],
  ]
  harness.operator.processBatch(0, batchOf(INPUT, rows, [0, 3]))
  assert.deepEqual(harness.output.elements, [])
})

test('a group beyond its time to live starts afresh', async () => {
  const harness = await open(config(false, 1000))
  harness.operator.processBatch(0, batchOf(INPUT, [['a', 1, null]]))
  harness.nowMs += 1000
  harness.operator.processBatch(0, batchOf(INPUT, [['a', 2, null]]))
  const kinds = harness.output.elements.map((e) =>
    e.kind === 'row' ? [e.rowKind, e.values[2]] : e,
  )
  assert.deepEqual(kinds, [
    [0, 1],
    [0, 2],
  ])
  harness.advanceTo(harness.nowMs + 5000)
  assert.equal(harness.entryCount('groups'), 0, 'expired groups leave the state')
})

test('a retraction of a group that has expired is nothing, also when a row of the group follows it', async () => {
  // Cause: -1 and +1 row made 0, so an update of the input took the group away for good; and the
  // value that was retracted stood with a count of -1, so that its next row had no extreme.
  for (const apart of [false, true]) {
    const harness = await open(config(true, 1000))
    const kinds = [RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER]
    const rows: Row[] = [
      ['k', 5, 'x'],
      ['k', 7, 'y'],
    ]
    if (apart) {
      rows.forEach((row, i) => {
        harness.operator.processBatch(0, batchOf(INPUT, [row], [kinds[i]!]))
      })
    } else harness.operator.processBatch(0, batchOf(INPUT, rows, kinds))
    harness.operator.processBatch(0, batchOf(INPUT, [['k', 5, 'x']], [RowKind.INSERT]))
    const table = new Map<string, string>()
    apply(harness, table)
    const held: Row[] = [
      ['k', 7, 'y'],
      ['k', 5, 'x'],
    ]
    assert.deepEqual([...table.values()], model(held))
  }
})

test('keys alone are inserted once, also with a time to live', async () => {
  const distinct = { ...config(false, 1000), aggregates: [] }
  const harness = await open({ ...distinct, outputSchema: { fields: [INPUT.fields[0]!] } })
  const step = (ms: number) => {
    harness.nowMs += ms
    harness.operator.processBatch(0, batchOf(INPUT, [['k', 1, 'x']]))
    return harness.output.elements
      .splice(0)
      .map(({ kind, ...row }) => ('rowKind' in row ? row.rowKind : kind))
  }
  assert.deepEqual([step(0), step(400), step(400)], [[RowKind.INSERT], [], []])
  assert.deepEqual(step(2000), [RowKind.INSERT], 'it was forgotten')
})

test('values that DISTINCT, MIN and MAX remember are forgotten one by one', async () => {
  const harness = await open(config(true, 1000))
  const step = (rows: Row[], kinds: number[]) => {
    harness.operator.processBatch(0, batchOf(INPUT, rows, kinds))
    const last = harness.output.elements.at(-1)
    harness.output.elements.length = 0
    return last?.kind === 'row' ? [last.values[3], last.values[4], last.values[6]] : null
  }
  assert.deepEqual(step([['k', 1, 'x']], [0]), [1, 1, 1n])
  harness.nowMs += 600
  assert.deepEqual(step([['k', 5, 'y']], [0]), [1, 5, 2n])
  harness.nowMs += 600
  assert.equal(harness.entryCount('groups'), 1, 'the group was written 600 ms ago')
  // 1 and x are forgotten: 5 is the least that is known, and x is new.
  assert.deepEqual(step([['k', 5, 'x']], [0]), [5, 5, 3n])
  harness.nowMs += 1000
  assert.deepEqual(step([['k', 7, 'x']], [0]), [7, 7, 1n], 'a group is forgotten with its values')
})

test('memory of deleted groups is given back', async () => {
  const harness = await open(config(true))
  for (let round = 0; round < 20; round++) {
    const rows = Array.from({ length: 500 }, (_, i): Row => [`key ${round} ${i}`, i, `t${i}`])
    harness.operator.processBatch(0, batchOf(INPUT, rows))
    const kinds = rows.map(() => 3)
    if (round < 19) harness.operator.processBatch(0, batchOf(INPUT, rows, kinds))
  }
  const table = new Map<string, string>()
  apply(harness, table)
  assert.equal(table.size, 500)
  assert.equal(harness.entryCount('groups'), 500)
})
