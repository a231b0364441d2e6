/**
 * Segments as operators fill them: inline or file, schema checks, refusal of bad rows,
 * pauses, aborts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BATCH_BYTES_MAX,
  batchOf,
  ColumnBatch,
  FrozenRows,
  type OperatorSnapshot,
  RowKind,
  rowsOf,
  type Schema,
} from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { testClock } from '../testing/checkpoint-writer.ts'
import { SCHEMA } from '../testing/random-state.ts'
import { writeOperatorSnapshot } from './write-operator-snapshot.ts'

const RANGE = { start: 0, end: 9 }

function targetOf(filesystem: MemoryFilesystem, memoryThreshold: number) {
  return {
    directory: '/checkpoints/job/chk-3',
    checkpointId: 3,
    operatorId: 'op',
    subtaskIndex: 1,
    attempt: 0,
    keyGroupRange: RANGE,
    memoryThreshold,
    filesystem,
    clock: testClock,
  }
}

function tableOf(rowCount: number, keyGroupOf: (row: number) => number): OperatorSnapshot {
  const values = Array.from({ length: rowCount }, (_, i) => [i, `n${i}`, BigInt(i), i / 3, null])
  const keyGroups = Uint16Array.from(values, (_, i) => keyGroupOf(i))
  return { keyed: [new FrozenRows('t', SCHEMA, batchOf(SCHEMA, values), keyGroups)] }
}

const restore = (
  handles: Awaited<ReturnType<typeof writeOperatorSnapshot>>,
  filesystem: MemoryFilesystem,
) =>
  openRestoredState({
    handles,
    checkpointId: 3,
    keyGroupRange: RANGE,
    filesystem,
    operator: 'Agg[1]',
  })

test('blocks of long rows stay small, and give every row back', async () => {
  const filesystem = new MemoryFilesystem()
  const long = 'x'.repeat(50_000)
  const values = Array.from({ length: 300 }, (_, i) => [i, `${i} ${long}`, BigInt(i), i / 3, null])
  const rows = new FrozenRows('t', SCHEMA, batchOf(SCHEMA, values), new Uint16Array(300).fill(2))
  const handles = await writeOperatorSnapshot({ keyed: [rows] }, targetOf(filesystem, 0))
  const restored = await restore(handles, filesystem)
  const sizes: number[] = []
  const seen: unknown[] = []
  for await (const block of restored.readKeyed('t', SCHEMA)) {
    sizes.push(block.rows.rowCount * 50_000)
    seen.push(...rowsOf(block.rows, SCHEMA).map(([id]) => id))
  }
  assert.ok(
    sizes.slice(1).every((size) => size <= BATCH_BYTES_MAX),
    `${sizes}`,
  )
  assert.deepEqual(seen, [...values.keys()])
})

test('small state stays inline, larger state goes to one file, none gives no part', async () => {
  const filesystem = new MemoryFilesystem()
  const small = await writeOperatorSnapshot(
    tableOf(5, () => 1),
    targetOf(filesystem, 20_480),
  )
  assert.equal(small.parts[0].handle.kind, 'inline')
  assert.deepEqual(filesystem.paths(), [])
  const large = await writeOperatorSnapshot(
    tableOf(5000, (i) => i % 10),
    targetOf(filesystem, 20_480),
  )
  const { handle } = large.parts[0]
  assert.equal(handle.kind, 'file')
  assert.deepEqual(filesystem.paths(), ['/checkpoints/job/chk-3/op-1-0.state'])
  assert.equal((await filesystem.status(filesystem.paths()[0]))?.size, handle.size)
  const none = await writeOperatorSnapshot(
    tableOf(0, () => 0),
    targetOf(filesystem, 0),
  )
  assert.deepEqual(none, { parts: [], keyedRows: 0 })
  const nothing = await writeOperatorSnapshot({ list: { l: [] } }, targetOf(filesystem, 0))
  assert.deepEqual(nothing, { parts: [], keyedRows: 0 })
})

test('row kinds and nulls survive, and a state of another name is empty', async () => {
  const filesystem = new MemoryFilesystem()
  const rows = batchOf(
    SCHEMA,
    [
      [1, null, null, 0.5, null],
      [2, 'b', 7n, Number.NaN, true],
    ],
    [RowKind.UPDATE_AFTER, RowKind.DELETE],
  )
  const keyed = [new FrozenRows('t', SCHEMA, rows, Uint16Array.of(3, 3))]
  const handles = await writeOperatorSnapshot({ keyed }, targetOf(filesystem, 0))
  const state = await restore(handles, filesystem)
  for await (const { keyGroup, rows: read } of state.readKeyed('t', SCHEMA)) {
    assert.equal(keyGroup, 3)
    assert.deepEqual(rowsOf(read, SCHEMA), rowsOf(rows, SCHEMA))
    assert.deepEqual([...(read.rowKinds ?? [])], [RowKind.UPDATE_AFTER, RowKind.DELETE])
  }
  for await (const _ of state.readKeyed('other', SCHEMA)) assert.fail('no such state')
  assert.deepEqual(state.readList('other'), [])
  assert.deepEqual(state.readUnion('other'), [])
  assert.equal(state.checkpointId, 3)
})

test('a schema that differs is refused with the column’s name', async () => {
  const filesystem = new MemoryFilesystem()
  const handles = await writeOperatorSnapshot(
    tableOf(5, () => 1),
    targetOf(filesystem, 0),
  )
  const state = await restore(handles, filesystem)
  const read = async (schema: Schema): Promise<void> => {
    for await (const _ of state.readKeyed('t', schema));
  }
  const [id, name, ...rest] = SCHEMA.fields
  const renamed = { fields: [id, { ...name, name: 'label' }, ...rest] }
  await assert.rejects(read(renamed), {
    code: 'STATE_SCHEMA_MISMATCH',
    message: /column 2 is 'name' STRING in the checkpoint and 'label' STRING now/,
    location: { operator: 'Agg[1]' },
  })
  const retyped = {
    fields: [{ ...id, type: { kind: 'BIGINT' as const, nullable: false } }, name, ...rest],
  }
  await assert.rejects(read(retyped), { message: /'id' INT NOT NULL .* 'id' BIGINT NOT NULL now/ })
  await assert.rejects(read({ fields: SCHEMA.fields.slice(0, 4) }), { message: /'open' BOOLEAN/ })
  await assert.rejects(read({ fields: [...SCHEMA.fields, { ...id, name: 'x' }] }), {
    message: /'x' INT NOT NULL is not in the checkpoint/,
  })
  const narrowed = { fields: [id, { ...name, type: { ...name.type, nullable: false } }, ...rest] }
  await assert.rejects(read(narrowed as Schema), { code: 'STATE_SCHEMA_MISMATCH' })
  const widened = { fields: [{ ...id, type: { ...id.type, nullable: true } }, name, ...rest] }
  await read(widened as Schema)
})

test('a row outside the subtask’s key groups, or uneven columns, are refused and leave no file', async () => {
  const filesystem = new MemoryFilesystem()
  await assert.rejects(
    writeOperatorSnapshot(
      tableOf(50, (i) => (i === 49 ? 10 : 1)),
      targetOf(filesystem, 0),
    ),
    {
      code: 'STATE_SNAPSHOT_INVALID',
      message: /Row 49 of state 't' is in key group 10, outside 0–9/,
    },
  )
  const rows = new ColumnBatch(1, batchOf(SCHEMA, [[1, 'a', 1n, 1, true]]).columns.slice(1))
  const uneven = new FrozenRows('t', SCHEMA, rows, Uint16Array.of(1))
  await assert.rejects(writeOperatorSnapshot({ keyed: [uneven] }, targetOf(filesystem, 0)), {
    code: 'STATE_SNAPSHOT_INVALID',
  })
  assert.deepEqual(filesystem.paths(), [])
})

test('a large snapshot lets the mailbox run in between', async () => {
  const filesystem = new MemoryFilesystem()
  const snapshot = tableOf(60_000, (i) => i % 10)
  let turns = 0
  let writing = true
  const turn = (): void => {
    turns++
    if (writing) setImmediate(turn)
  }
  setImmediate(turn)
  await writeOperatorSnapshot(snapshot, targetOf(filesystem, 0))
  writing = false
  assert.ok(turns >= 5, `${turns} turns`)
})

test('an abort stops the writing and removes the file', async () => {
  const filesystem = new MemoryFilesystem()
  const controller = new AbortController()
  const target = { ...targetOf(filesystem, 0), signal: controller.signal }
  const written = writeOperatorSnapshot(
    tableOf(60_000, (i) => i % 10),
    target,
  )
  setImmediate(() => setImmediate(() => controller.abort(new Error('checkpoint aborted'))))
  await assert.rejects(written, { message: 'checkpoint aborted' })
  assert.deepEqual(filesystem.paths(), [])
})
