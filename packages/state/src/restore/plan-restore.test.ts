/** What is said about a restore before it happens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operatorId } from '@millrace/core'
import type { CheckpointManifest } from '../checkpoint/checkpoint-manifest.ts'
import { planRestore } from './plan-restore.ts'

function storedWith(operators: Record<string, string>): CheckpointManifest {
  const handle = { kind: 'inline', bytes: '', size: 0, crc32: 0 } as const
  const parts = [{ handle, keyGroups: null, lists: {}, unions: [] }]
  return {
    jobId: 'j',
    checkpointId: 1,
    timestampMs: 0,
    leaderEpoch: 1,
    coordinators: {},
    operators: Object.entries(operators).map(([operatorId, operatorName]) => ({
      operatorId,
      operatorName,
      vertexId: 'v',
      parallelism: 1,
      maxParallelism: 1,
      subtasks: [operatorName.startsWith('Calc') ? null : { parts }],
    })),
  }
}

const AS_IS = { changes: [], refusal: null, isRekeyed: false, columns: null }
const AGGREGATE = operatorId('aggregate', 'a > 1', '')
const FILTERED = operatorId('aggregate', 'a > 2', '')
const SOURCE = operatorId('source', '', '')
const SINK = operatorId('sink', '', '')
const CALC = operatorId('calc', '', '')

test('operators that are as they were restore, new ones start empty, calculations are not spoken of', () => {
  const manifest = storedWith({ [SOURCE]: 'Source[1]', [AGGREGATE]: 'Agg[3]', [CALC]: 'Calc[2]' })
  const operators = [
    { id: SOURCE, name: 'Source[1]', stateful: true },
    { id: operatorId('calc', 'other', ''), name: 'Calc[2]' },
    { id: FILTERED, name: 'Agg[5]', stateful: true },
    { id: SINK, name: 'Sink[6]', stateful: true },
  ]
  assert.deepEqual(planRestore(manifest, [{ operators }]), {
    restored: [
      { id: SOURCE, name: 'Source[1]', from: 'Source[1]', isFilterChanged: false, ...AS_IS },
      { id: FILTERED, name: 'Agg[5]', from: 'Agg[3]', isFilterChanged: true, ...AS_IS },
    ],
    empty: [{ id: SINK, name: 'Sink[6]' }],
    unclaimed: [],
  })
})

test('state that nobody claims says why: there is no such operator, or more than one', () => {
  const manifest = storedWith({ [AGGREGATE]: 'Agg[3]', [SINK]: 'Sink[4]' })
  const operators = [
    { id: FILTERED, name: 'Agg[5]', stateful: true },
    { id: operatorId('aggregate', 'a > 3', ''), name: 'Agg[6]', stateful: true },
  ]
  const { restored, empty, unclaimed } = planRestore(manifest, [{ operators }])
  assert.deepEqual([restored.length, empty.length], [0, 2])
  assert.deepEqual(
    unclaimed.map(({ name, why }) => [name, why.split(',')[0]]),
    [
      ['Agg[3]', 'more than one differs from another in its filter'],
      ['Sink[4]', 'the job has no operator that makes such state of the same inputs'],
    ],
  )
})
