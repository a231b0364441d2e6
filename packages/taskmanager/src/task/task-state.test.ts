/** Where a subtask's checkpoints are written, and what those that build upon others refer to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type CheckpointOrder,
  Configuration,
  type OperatorStateHandles,
  type StateTableSpec,
  type SubtaskStateHandles,
  storedSchemaOf,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { createNodePlatform } from '@millrace/platform/node'
import type { TaskDeployment } from '@millrace/protocol'
import { LocalCopies, ResidentKeyedState } from '@millrace/state'
import { TaskState } from './task-state.ts'

const node = createNodePlatform({ logger: { level: 'off' } })

const SPEC: StateTableSpec = {
  name: 'sums',
  key: { fields: [{ name: 'k', type: { kind: 'BIGINT', nullable: false } }] },
  sub: null,
  value: { fields: [{ name: 'n', type: { kind: 'DOUBLE', nullable: false } }] },
  ttlMs: 0,
}
const RANGE = { start: 0, end: 7 }
const KEYS = 500

/** One subtask with one operator, in one of its lives. */
async function life(
  filesystem: MemoryFilesystem,
  restored: TaskDeployment['restored'] = null,
  copies = new LocalCopies(),
) {
  const operators = [{ id: 'op', name: 'op' }]
  const deployment = {
    vertex: { id: 'v', parallelism: 1, maxParallelism: 8, operators },
    ...{ subtaskIndex: 0, attempt: restored === null ? 0 : 1, restored },
    checkpointing: { mode: 'exactly-once', directory: '/c/job' },
  } as unknown as TaskDeployment
  const lines: unknown[] = []
  const platform = {
    filesystem,
    temporaryFiles: node.temporaryFiles,
    logger: { info: (_: string, fields: unknown) => void lines.push(fields) },
    clock: { setImmediate: (action: () => void) => void setImmediate(action) },
  } as unknown as Platform
  const options = {
    'state.storage.fs.memory-threshold': '1kb',
    'execution.checkpointing.local-backup.enabled': 'true',
  }
  const task = new TaskState(deployment, new Configuration(options), platform, copies)
  const settings = { maxParallelism: 8, nowMs: () => 1, tracksChanges: true }
  const state = new ResidentKeyedState(settings)
  const table = state.table(SPEC)
  const found = (await task.restore()).get('op')
  if (found !== undefined) await state.restore(found)
  task.opened()
  return {
    task,
    lines,
    put: (from: number, to: number, value: number) => {
      const rows = Array.from({ length: to - from }, (_, i) => [BigInt(from + i), value])
      table.put(batchOf(storedSchemaOf(SPEC), rows))
    },
    size: () => table.size,
    take: async (id: number, incremental: CheckpointOrder['incremental']) => {
      const order: CheckpointOrder = {
        ...{ id, timestampMs: 1, kind: 'checkpoint', align: 'exactly-once', after: 'go-on' },
        ...(incremental === undefined ? {} : { incremental }),
      }
      const keyed = state.freeze(id, task.sinceOf(order, 'op'))
      const union = { watermark: [new Uint8Array(3)] }
      const snapshots = new Map([['op', { keyed, union }]])
      return task.write(order, snapshots, RANGE, new AbortController().signal)
    },
  }
}

const partsOf = (handles: SubtaskStateHandles) => (handles.op as OperatorStateHandles).parts
const pathsOf = (handles: SubtaskStateHandles) =>
  partsOf(handles).map(({ handle }) => (handle.kind === 'file' ? handle.path : 'inline'))

test('a checkpoint refers to what the one has that it builds upon, and to what it wrote itself', async () => {
  const filesystem = new MemoryFilesystem()
  const { put, take } = await life(filesystem)
  put(0, KEYS, 1)
  const first = await take(1, { since: null })
  assert.deepEqual(pathsOf(first.handles), ['/c/job/shared/1-op-0-0.state'])
  assert.equal(first.bytes, first.stateBytes)
  put(7, 9, 2)
  const second = await take(2, { since: 1 })
  assert.deepEqual(pathsOf(second.handles), ['/c/job/shared/1-op-0-0.state', 'inline'])
  assert.ok(second.bytes < first.bytes / 3, `${second.bytes} of ${first.bytes}`)
  assert.equal(second.stateBytes, first.stateBytes + second.bytes)
  // Of what is not by key each checkpoint has its own.
  assert.deepEqual(
    partsOf(second.handles).map(({ unions }) => unions),
    [[], ['watermark']],
  )
  // The second one failed.
  put(20, 21, 3)
  const third = await take(3, { since: 1 })
  assert.equal(partsOf(third.handles).length, 2)
  const restored = { checkpointId: 3, operators: third.handles, channels: [] }
  const copy = await life(filesystem, restored)
  assert.equal(copy.size(), KEYS)
  const fourth = await copy.take(4, { since: 3 })
  assert.equal(partsOf(fourth.handles).length, 3)
  assert.deepEqual(partsOf(fourth.handles)[2]?.unions, ['watermark'])
  // It had no row: nothing of it is carried on.
  const fifth = await copy.take(5, { since: 4 })
  assert.equal(partsOf(fifth.handles).length, 3)
})

test('what shares nothing is in the directory of its checkpoint, and an unknown base is none', async () => {
  const filesystem = new MemoryFilesystem()
  const { put, take } = await life(filesystem)
  put(0, KEYS, 1)
  assert.deepEqual(pathsOf((await take(1, undefined)).handles), ['/c/job/chk-1/op-0-0.state'])
  const second = await take(2, { since: 1 })
  assert.deepEqual(pathsOf(second.handles), ['/c/job/shared/2-op-0-0.state'])
  assert.ok(second.bytes === second.stateBytes && second.bytes > KEYS * 16)
})

test('what its slot has copied is not fetched again, as long as it may be restored', async () => {
  const filesystem = new MemoryFilesystem()
  const copies = new LocalCopies()
  const { task, put, take } = await life(filesystem, null, copies)
  put(0, KEYS, 1)
  const first = await take(1, { since: null })
  put(0, KEYS, 2)
  const second = await take(2, { since: 1 })
  assert.equal(copies.size.files, 2)
  assert.equal(copies.size.bytes, second.stateBytes)
  // Of the files themselves nothing is left to read.
  for (const path of pathsOf(second.handles)) await filesystem.remove(path)
  const again = await life(
    filesystem,
    { checkpointId: 2, operators: second.handles, channels: [] },
    copies,
  )
  assert.equal(again.size(), KEYS)
  assert.partialDeepStrictEqual(again.lines, [{ fromCopies: 2, fetched: 0 }])
  again.put(0, KEYS, 3)
  const third = await again.take(3, undefined)
  again.task.complete(3)
  task.complete(2)
  assert.deepEqual(copies.size, { files: 1, bytes: third.bytes })
  await assert.rejects(
    life(filesystem, { checkpointId: 1, operators: first.handles, channels: [] }, copies),
    {
      code: 'STATE_CORRUPTED',
    },
  )
})
