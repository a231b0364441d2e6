/** How state is dealt out to another parallelism: the decision tables of `reassignState`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatePart } from '@millrace/core'
import type { CheckpointManifest, OperatorManifest } from '../checkpoint/checkpoint-manifest.ts'
import { reassignState } from './reassign-state.ts'

const CLAIM_ALL = { ignoreUnclaimedState: false }

function part(id: number, overrides: Partial<StatePart>): StatePart {
  const handle = { kind: 'file' as const, path: `/s${id}`, size: 1, crc32: id }
  return { handle, keyGroups: null, lists: {}, unions: [], ...overrides }
}

function manifestOf(operator: Partial<OperatorManifest>): CheckpointManifest {
  const operators = [
    {
      operatorId: 'op',
      operatorName: 'Sink[2]',
      vertexId: 'v',
      parallelism: 2,
      maxParallelism: 8,
      subtasks: [],
      ...operator,
    },
  ]
  return {
    jobId: 'j',
    checkpointId: 5,
    timestampMs: 0,
    leaderEpoch: 1,
    operators,
    coordinators: {},
  }
}

function vertexOf(parallelism: number, maxParallelism = 8, id = 'op') {
  return { name: 'v', parallelism, maxParallelism, operators: [{ id, name: 'Sink[2]' }] }
}

const KEYED = manifestOf({
  subtasks: [
    { parts: [part(0, { keyGroups: { start: 0, end: 3 } })] },
    { parts: [part(1, { keyGroups: { start: 4, end: 7 } })] },
  ],
})

test('key groups go to the subtasks that own them now, and only they', () => {
  const subtasks = reassignState(KEYED, [vertexOf(3)], CLAIM_ALL).get('op')
  const read = subtasks?.map((handles) =>
    handles?.parts.map(({ handle, keyGroups }) => [handle.crc32, keyGroups?.start, keyGroups?.end]),
  )
  assert.deepEqual(read, [
    [[0, 0, 2]],
    [
      [0, 3, 3],
      [1, 4, 5],
    ],
    [[1, 6, 7]],
  ])
})

test('of keys that became wider every subtask reads all parts', () => {
  const tables = (kind: 'INT' | 'BIGINT') => [
    {
      name: 'groups',
      key: { fields: [{ name: 'k', type: { kind, nullable: true } }] },
      ...{ sub: null, value: { fields: [] }, ttlMs: 0 },
    },
  ]
  const { subtasks } = KEYED.operators[0] as OperatorManifest
  const manifest = manifestOf({ subtasks, tables: tables('INT') })
  const operator = { id: 'op', name: 'Sink[2]', states: tables('BIGINT') }
  const vertex = { name: 'v', parallelism: 3, maxParallelism: 8, operators: [operator] }
  for (const handles of reassignState(manifest, [vertex], CLAIM_ALL).get('op') ?? []) {
    assert.equal(handles?.rekeyedAmong, 8)
    assert.deepEqual(
      handles?.parts.map(({ keyGroups }) => keyGroups),
      [
        { start: 0, end: 3 },
        { start: 4, end: 7 },
      ],
    )
  }
  const same = { ...vertex, operators: [{ ...operator, states: tables('INT') }] }
  const [first] = reassignState(manifest, [same], CLAIM_ALL).get('op') ?? []
  assert.deepEqual([first?.rekeyedAmong, first?.parts.length], [undefined, 1])
})

test('list items are dealt out round robin over all writers; unchanged parallelism keeps them', () => {
  const lists = (count: number) => ({ lists: { l: { count, offset: 0, stride: 1 } } })
  const manifest = manifestOf({
    subtasks: [{ parts: [part(0, lists(3))] }, null, { parts: [part(1, lists(2))] }],
    parallelism: 3,
  })
  const itemsOf = (parallelism: number) =>
    reassignState(manifest, [vertexOf(parallelism)], CLAIM_ALL)
      .get('op')
      ?.map((handles) =>
        (handles?.parts ?? []).flatMap(({ handle, lists: { l } }) =>
          Array.from({ length: l?.count ?? 0 }, (_, i) => i)
            .filter((i) => i % l.stride === l.offset)
            .map((i) => `${handle.crc32}.${i}`),
        ),
      )
  assert.deepEqual(itemsOf(2), [
    ['0.0', '0.2', '1.1'],
    ['0.1', '1.0'],
  ])
  assert.deepEqual(itemsOf(3), [['0.0', '0.1', '0.2'], [], ['1.0', '1.1']])
  assert.deepEqual(itemsOf(6), [['0.0'], ['0.1'], ['0.2'], ['1.0'], ['1.1'], []])
})

test('union states go to everyone, also at unchanged parallelism', () => {
  const manifest = manifestOf({ subtasks: [{ parts: [part(0, { unions: ['u'] })] }, null] })
  for (const parallelism of [1, 2, 3]) {
    const subtasks = reassignState(manifest, [vertexOf(parallelism)], CLAIM_ALL).get('op')
    assert.equal(subtasks?.length, parallelism)
    for (const handles of subtasks ?? []) assert.deepEqual(handles?.parts[0].unions, ['u'])
  }
})

test('another max parallelism is refused for keyed state, fine for the rest', () => {
  assert.throws(() => reassignState(KEYED, [vertexOf(2, 16)], CLAIM_ALL), {
    code: 'STATE_MAX_PARALLELISM_MISMATCH',
    hint: "Set 'pipeline.max-parallelism' to 8.",
  })
  const union = manifestOf({ subtasks: [{ parts: [part(0, { unions: ['u'] })] }] })
  assert.equal(reassignState(union, [vertexOf(2, 16)], CLAIM_ALL).size, 1)
})

test('state that no operator claims is refused, unless it may be ignored or is empty', () => {
  const other = [vertexOf(2, 8, 'other')]
  assert.throws(() => reassignState(KEYED, other, CLAIM_ALL), {
    code: 'STATE_UNCLAIMED',
    message: /Sink\[2\]/,
    hint: /execution\.state-recovery\.ignore-unclaimed-state/,
  })
  assert.equal(reassignState(KEYED, other, { ignoreUnclaimedState: true }).size, 0)
  const empty = manifestOf({ subtasks: [null, { parts: [] }] })
  assert.equal(reassignState(empty, other, CLAIM_ALL).size, 0)
})
