/** What a checkpoint holds, without reading a row, and what changed from one to another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatePart } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { DirectoryCheckpointStorage } from '../checkpoint/directory-checkpoint-storage.ts'
import { carried } from '../handle/decide-since.ts'
import { manifestOf, OPERATOR, takeCheckpoint } from '../testing/checkpoint-writer.ts'
import { randomContent, seeded } from '../testing/random-state.ts'
import { compareCheckpoints } from './compare-checkpoints.ts'
import { inspectCheckpoint } from './inspect-checkpoint.ts'

const filesystem = new MemoryFilesystem()
const storage = new DirectoryCheckpointStorage('/checkpoints/job', filesystem)
const taken = (checkpointId: number, seed: number, rows: number) => {
  const content = randomContent(seeded(seed), 16, rows)
  const plan = { content, checkpointId, parallelism: 3, maxParallelism: 16, memoryThreshold: 2000 }
  return takeCheckpoint(storage, filesystem, plan).then((manifest) => ({ manifest, content }))
}
const inspect = (id: number) => inspectCheckpoint(`/checkpoints/job/chk-${id}`, filesystem)

test('states, rows, key groups and columns are those that were written', async () => {
  const { content } = await taken(1, 3, 400)
  const found = await inspect(1)
  const { operators, kind, checkpointId, formatVersion } = found
  assert.deepEqual([kind, checkpointId, formatVersion], ['checkpoint', 1, 2])
  const [operator] = operators
  assert.equal(operator?.name, OPERATOR.name)
  assert.equal(found.bytes, operator?.bytes)
  const rows = Object.fromEntries(operator?.states.map(({ name, rows: count }) => [name, count]))
  assert.deepEqual(rows, {
    windows: content.tables.windows?.length,
    timers: content.tables.timers?.length,
    splits: content.lists.splits?.length,
    committables: content.lists.committables?.length,
    offsets: content.unions.offsets?.length,
    coordinator: 1,
  })
  const windows = operator?.states.find(({ name }) => name === 'windows')
  const groups = new Set(content.tables.windows?.map(({ keyGroup }) => keyGroup))
  assert.equal(windows?.keyGroups, groups.size)
  assert.deepEqual(
    windows?.schema?.fields.map(({ name }) => name),
    ['id', 'name', 'total', 'mean', 'open'],
  )
  assert.equal(windows?.isUpperBound, false)
})

test('a checkpoint that builds upon others says that its rows are at most so many', async () => {
  const { manifest: base } = await taken(2, 4, 100)
  const { manifest } = await taken(3, 5, 50)
  const chain = manifest.operators.map((operator) => ({
    ...operator,
    subtasks: operator.subtasks.map((handles, subtask) => {
      const earlier = base.operators[0]?.subtasks[subtask]?.parts as readonly StatePart[]
      return { parts: [...carried(earlier), ...(handles?.parts ?? [])] }
    }),
  }))
  await storage.complete({ ...manifest, checkpointId: 4, operators: chain })
  const [own, lower] = [await inspect(3), await inspect(2)]
  const statesOf = (found: typeof own) => found.operators[0]?.states ?? []
  for (const { name, kind, rows, isUpperBound } of statesOf(await inspect(4))) {
    const written = statesOf(own).find((state) => state.name === name)?.rows ?? 0
    const before = statesOf(lower).find((state) => state.name === name)?.rows ?? 0
    assert.equal(isUpperBound, kind === 'table', name)
    // Items of the earlier one are none of its own.
    assert.equal(rows, kind === 'table' ? written + before : written, name)
  }
})

test('from one to another each state has what it was and what it is', async () => {
  await taken(5, 6, 60)
  const before = await inspect(5)
  const [operator] = before.operators
  assert.ok(operator !== undefined)
  const windows = operator.states.find(({ name }) => name === 'windows')
  assert.ok(windows?.schema)
  const fields = [
    ...windows.schema.fields.filter(({ name }) => name !== 'mean'),
    { name: 'seen', type: { kind: 'BIGINT', nullable: true } } as const,
  ]
  const edited = { ...operator, states: [{ ...windows, rows: 7, schema: { fields } }] }
  const other = { ...operator, id: 'f'.repeat(32), states: [] }
  const after = { ...before, operators: [edited, other] }
  const { operators } = compareCheckpoints(before, after)
  assert.deepEqual(
    operators.map(({ before: was, after: is }) => [was !== null, is !== null]),
    [
      [true, true],
      [false, true],
    ],
  )
  const states = new Map(operators[0]?.states.map((state) => [state.name, state]))
  assert.equal(states.get('windows')?.before?.rows, windows.rows)
  assert.equal(states.get('windows')?.after?.rows, 7)
  assert.deepEqual(states.get('windows')?.schemaChanges, ['-mean DOUBLE NOT NULL', '+seen BIGINT'])
  assert.equal(states.get('timers')?.after, null)
})

test('who names the directory above is told what is in it', async () => {
  await assert.rejects(inspectCheckpoint('/checkpoints/job', filesystem), {
    code: 'CHECKPOINT_NOT_FOUND',
    message: /^Name one of the checkpoints in \/checkpoints\/job: chk-1, .*chk-5\.$/,
  })
  await assert.rejects(inspectCheckpoint('/nowhere', filesystem), {
    code: 'CHECKPOINT_NOT_FOUND',
    message: /^There is no complete checkpoint at \/nowhere: /,
  })
})

test('a checkpoint without state is shown as such', async () => {
  await storage.complete(manifestOf(9))
  const { operators, bytes, files } = await inspect(9)
  assert.deepEqual([operators, bytes, files], [[], 0, 0])
})

test('a path that may not be read says who has to be let in', async () => {
  const closed = new MemoryFilesystem()
  closed.readFile = async (path) => {
    throw Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES' })
  }
  await assert.rejects(inspectCheckpoint('/savepoints/mine', closed), {
    code: 'STATE_UNREADABLE',
    message: /^Cannot read \/savepoints\/mine\/_metadata: EACCES/,
    hint: /^Let the user that runs this process read the directory/,
  })
})

test('operators of a renamed table are compared with what they were, as a restore would', async () => {
  await taken(6, 8, 50)
  const before = await inspect(6)
  const [operator] = before.operators
  assert.ok(operator !== undefined)
  const byTableName = { id: operator.id, reads: ['kafka topic a'] }
  const renamed = { ...operator, id: 'e'.repeat(32), byTableName }
  const { operators } = compareCheckpoints(before, { ...before, operators: [renamed] })
  assert.deepEqual(
    operators.map(({ before: was, after: is }) => [was?.id, is?.id]),
    [[operator.id, renamed.id]],
  )
})
