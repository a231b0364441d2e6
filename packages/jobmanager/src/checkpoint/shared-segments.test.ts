/** Which shared segments go, and when: never one that somebody needs, and all that nobody does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckpointManifest, CheckpointStorage } from '@millrace/state'
import { silentLogger } from '../testing/cluster-harness.ts'
import { SharedSegments } from './shared-segments.ts'

const DIRECTORY = '/c/job'
const pathOf = (name: string): string => `${DIRECTORY}/shared/${name}.state`

/** A directory with the named segments; `refuses` is what the disk does not let go. */
function shared(...names: string[]) {
  const files = new Set(names.map(pathOf))
  const disk = { refuses: false }
  const storage = {
    directory: DIRECTORY,
    sharedSegments: async () => [...files],
    removeSegments: async (paths: readonly string[]) => {
      if (disk.refuses) throw new Error('EIO')
      for (const path of paths) files.delete(path)
    },
  } as unknown as CheckpointStorage
  const segments = new SharedSegments(storage, silentLogger)
  const left = () => [...files].map((path) => path.slice(pathOf('').length - 6, -6)).sort()
  return { segments, disk, left }
}

function manifestOf(checkpointId: number, ...names: string[]): CheckpointManifest {
  const parts = names.map((name) => ({
    handle: { kind: 'file', path: pathOf(name), size: 1, crc32: 1 } as const,
    keyGroups: { start: 0, end: 1 },
    lists: {},
    unions: [],
  }))
  return {
    ...{ jobId: 'job', checkpointId, timestampMs: 1, leaderEpoch: 1, coordinators: {} },
    operators: [
      {
        ...{ operatorId: 'op', operatorName: 'op', vertexId: 'v' },
        ...{ parallelism: 1, maxParallelism: 2, subtasks: [{ parts }] },
      },
    ],
  }
}

test('a segment goes with the last checkpoint that refers to it', async () => {
  const { segments, left } = shared('1-a', '2-a', '3-a')
  segments.kept(manifestOf(1, '1-a'))
  segments.kept(manifestOf(2, '1-a', '2-a'))
  await segments.gone(1)
  assert.deepEqual(left(), ['1-a', '2-a', '3-a'])
  segments.kept(manifestOf(3, '3-a'))
  await segments.gone(2)
  assert.deepEqual(left(), ['3-a'])
})

test('what a checkpoint under way builds upon stays, though its base is dropped, until it ends', async () => {
  const { segments, left } = shared('1-a', '2-a')
  segments.kept(manifestOf(1, '1-a'))
  segments.underWay(3, manifestOf(1, '1-a'))
  segments.kept(manifestOf(2, '2-a'))
  await segments.gone(1)
  assert.deepEqual(left(), ['1-a', '2-a'])
  await segments.ended(3)
  assert.deepEqual(left(), ['2-a'])
})

test('of a failed checkpoint its own segments go, also those that come late, and no base', async () => {
  const { segments, left } = shared('1-a', '2-a', '2-b', '4-a')
  segments.kept(manifestOf(1, '1-a'))
  segments.underWay(2, manifestOf(1, '1-a'))
  segments.reserved(2)
  await segments.ended(2)
  await segments.gone(2)
  assert.deepEqual(left(), ['1-a', '4-a'])
  const late = shared('2-late', '3-a', '4-a')
  for (const id of [2, 3]) {
    late.segments.reserved(id)
    await late.segments.gone(id)
  }
  assert.deepEqual(late.left(), ['4-a'])
})

test('files of an id that another leader may have are not touched', async () => {
  const { segments, left } = shared('5-a')
  segments.underWay(5, null)
  await segments.ended(5)
  await segments.gone(5)
  assert.deepEqual(left(), ['5-a'])
})

test('what the disk refuses is tried again with the next', async () => {
  const { segments, disk, left } = shared('1-a', '2-a', '3-a')
  segments.kept(manifestOf(1, '1-a'))
  segments.kept(manifestOf(2, '2-a'))
  disk.refuses = true
  await segments.gone(1)
  disk.refuses = false
  assert.deepEqual(left(), ['1-a', '2-a', '3-a'])
  await segments.gone(2)
  assert.deepEqual(left(), ['3-a'])
})

test('a retained checkpoint that cannot be read keeps whatever it may need', async () => {
  const { segments, left } = shared('1-a', '2-a', '6-a')
  segments.keptUnread(3)
  segments.kept(manifestOf(4, '1-a', '2-a'))
  segments.kept(manifestOf(6, '6-a'))
  await segments.gone(4)
  assert.deepEqual(left(), ['1-a', '2-a', '6-a'])
  await segments.gone(6)
  assert.deepEqual(left(), ['1-a', '2-a'])
})
