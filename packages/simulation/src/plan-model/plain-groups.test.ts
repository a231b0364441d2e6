/** What an aggregate holds and has fired, at a watermark, by definition. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogicalType, Schema } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { AggregateCall, WindowAggregateConfig } from '@millrace/sql-operators'
import type { ModelRow } from './model-row.ts'
import { firedRow, type ModelGroup, PlainGroups } from './plain-groups.ts'

const STRING: LogicalType = { kind: 'STRING', nullable: true }
const INT: LogicalType = { kind: 'INT', nullable: true }
const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
const INPUT: Schema = {
  fields: [
    { name: 'k', type: STRING },
    { name: 'v', type: INT },
    { name: 't', type: TIMESTAMP },
  ],
}
const column = (index: number): Expression => ({
  kind: 'column',
  index,
  type: INPUT.fields[index]!.type,
})
const call = (name: AggregateCall['function'], distinct: boolean): AggregateCall => ({
  function: name,
  argument: column(1),
  distinct,
  filter: null,
  resultType: name === 'COUNT' ? BIGINT : INT,
})

function configOf(distinct: boolean): WindowAggregateConfig {
  return {
    inputSchema: INPUT,
    keys: [column(0)],
    aggregates: [call('SUM', false), call('COUNT', distinct)],
    window: { kind: 'hop', sizeMs: 3000, slideMs: 2000, offsetMs: 0 },
    rowtime: column(2),
    properties: ['window_start', 'window_end', 'window_time'],
    twoPhase: false,
    outputSchema: {
      fields: [
        { name: 'k', type: STRING },
        { name: 'a', type: INT },
        { name: 'b', type: BIGINT },
      ],
    },
  }
}

// Windows end at 1000, 3000, 5000, 7000, …; slices are a second long.
const ROWS: ModelRow[] = (
  [
    ['a', 5, 2500],
    ['a', 5, 2600],
    ['a', null, 3500],
    ['b', 1, 4500],
  ] as const
).map((values, at) => ({ values, origin: { source: 's', partition: 0, at } }))
const short = ({ key, endMs, rowCount, results }: ModelGroup) =>
  [key[0], endMs, rowCount, ...results.map(String)].join(' ')

describe('the groups of a window aggregate', () => {
  it('are slices, held until the last window that they are in has fired', () => {
    const groups = new PlainGroups(configOf(false))
    const all = ['a 3000 2 10 2', 'a 4000 1 null 0', 'b 5000 1 1 1']
    assert.deepEqual(groups.held(ROWS, () => Number.NEGATIVE_INFINITY).map(short), all)
    assert.deepEqual(groups.held(ROWS, () => 4998).map(short), all)
    // The window that ends at 5000 has fired: it was the last of the slices that end at 3000 and 4000.
    assert.deepEqual(groups.held(ROWS, () => 4999).map(short), ['b 5000 1 1 1'])
    assert.deepEqual(
      groups.held(ROWS, ([key]) => (key === 'a' ? 4999 : 6999)),
      [],
    )
  })

  it('are windows where a value counts once', () => {
    const groups = new PlainGroups(configOf(true))
    const held = groups.held(ROWS, () => 4998)
    assert.deepEqual(held.map(short), ['a 5000 3 10 1', 'b 5000 1 1 1', 'b 7000 1 1 1'])
    assert.deepEqual([...held[0]!.valueCounts[1]!], [['[5]', 2]])
  })

  it('leave as rows with their bounds when they have fired', () => {
    const groups = new PlainGroups(configOf(false))
    const fired = groups.fired(ROWS, () => 5000)
    assert.deepEqual(
      fired.map((group) => firedRow(configOf(false), group)),
      [
        ['a', 10, 2n, 0, 3000, 2999],
        ['a', 10, 2n, 2000, 5000, 4999],
        ['b', 1, 1n, 2000, 5000, 4999],
      ],
    )
  })
})
