/** In BATCH mode a global aggregate answers with a row when nothing came, or all of it went. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type LogicalType,
  type OperatorSnapshot,
  RowKind,
  type Schema,
} from '@millrace/core'
import type { AggregateCall, GroupAggregateConfig } from '../../operator-config.ts'
import { OperatorHarness, restoredState } from '../../testing/operator-harness.ts'
import { GroupAggregate } from './group-aggregate.ts'

const INT: LogicalType = { kind: 'INT', nullable: true }
const TEXT: LogicalType = { kind: 'STRING', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: false }
const INPUT: Schema = {
  fields: [
    { name: 'n', type: INT },
    { name: 's', type: TEXT },
  ],
}
const call = (name: AggregateCall['function'], index: number | null): AggregateCall => ({
  function: name,
  argument: index === null ? null : { kind: 'column', index, type: INPUT.fields[index]!.type },
  distinct: false,
  filter: null,
  resultType: index === null ? BIGINT : INPUT.fields[index]!.type,
})
const CALLS = [call('COUNT', null), call('SUM', 0), call('AVG', 0), call('MAX', 1)]
const OUTPUT: Schema = {
  fields: CALLS.map(({ resultType }, i) => ({ name: `a${i}`, type: resultType })),
}

function open(
  settings: Partial<GroupAggregateConfig>,
  snapshots: OperatorSnapshot[] | null = null,
): Promise<OperatorHarness> {
  const config: GroupAggregateConfig = {
    inputSchema: INPUT,
    keys: [],
    aggregates: CALLS,
    inputIsChangelog: true,
    emitUpdateBefore: true,
    stateTtlMs: 0,
    answersNoRows: true,
    outputSchema: OUTPUT,
    ...settings,
  }
  return new OperatorHarness({
    factory: (made, context) => ({
      kind: 'operator',
      operator: new GroupAggregate(made as GroupAggregateConfig, context),
    }),
    config,
    outputSchema: OUTPUT,
    restored: snapshots === null ? null : restoredState(snapshots, 0, 1),
  }).open()
}

function rowsAtEnd(harness: OperatorHarness): unknown[] {
  harness.operator.endInput(0)
  return harness.output.elements.flatMap((element) =>
    element.kind === 'row' ? [[element.rowKind, ...element.values]] : [],
  )
}

const NOTHING = [RowKind.INSERT, 0n, null, null, null]

test('no rows make one row at the end, and none where they are not to', async () => {
  assert.deepEqual(rowsAtEnd(await open({})), [NOTHING])
  assert.deepEqual(rowsAtEnd(await open({ answersNoRows: false })), [])
})

test('a row that came is the answer; when it has gone again there is one of nothing', async () => {
  const kept = await open({})
  kept.operator.processBatch(0, batchOf(INPUT, [[7, 'x']]))
  assert.deepEqual(rowsAtEnd(kept), [[RowKind.INSERT, 1n, 7, 7, 'x']])
  const gone = await open({})
  gone.operator.processBatch(0, batchOf(INPUT, [[7, 'x']]))
  gone.operator.processBatch(0, batchOf(INPUT, [[7, 'x']], [RowKind.DELETE]))
  assert.deepEqual(rowsAtEnd(gone).slice(1), [[RowKind.DELETE, 1n, 7, 7, 'x'], NOTHING])
})

test('after a restore behind the end the row is not given again', async () => {
  const first = await open({})
  const before = await first.checkpoint(1)
  assert.deepEqual(rowsAtEnd(first), [NOTHING])
  const after = await first.checkpoint(2)
  assert.deepEqual(rowsAtEnd(await open({}, [before])), [NOTHING])
  assert.deepEqual(rowsAtEnd(await open({}, [after])), [])
})
