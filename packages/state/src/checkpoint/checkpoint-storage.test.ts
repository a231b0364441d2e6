/** Checkpoint storage on a real directory, in memory, and on disks that fail. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Configuration } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { createNodePlatform } from '@millrace/platform/node'
import { testCheckpointStorage } from '../testing/checkpoint-storage-contract.ts'
import { manifestOf, restoreCheckpoint, takeCheckpoint } from '../testing/checkpoint-writer.ts'
import { randomContent, seeded, sorted } from '../testing/random-state.ts'
import { readCheckpoint } from './checkpoint-directory.ts'
import { decodeManifest, encodeManifest } from './checkpoint-manifest.ts'
import type { CheckpointStorage } from './checkpoint-storage.ts'
import { checkpointDirectoryPath, createCheckpointStorage } from './create-checkpoint-storage.ts'
import { DirectoryCheckpointStorage } from './directory-checkpoint-storage.ts'
import { MemoryCheckpointStorage } from './memory-checkpoint-storage.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-checkpoints-'))
after(() => rmSync(root, { recursive: true, force: true }))
const { filesystem } = createNodePlatform()
const content = randomContent(seeded(1), 16, 500)
const plan = { content, checkpointId: 1, parallelism: 3, maxParallelism: 16, memoryThreshold: 1000 }

async function assertHolds(storage: CheckpointStorage, checkpointId: number): Promise<void> {
  const seen = await restoreCheckpoint(await storage.read(checkpointId), filesystem, 2, 16)
  for (const [name, rows] of Object.entries(content.tables)) {
    assert.deepEqual(sorted(seen.flatMap((subtask) => subtask.content.tables[name])), sorted(rows))
  }
}

testCheckpointStorage('a directory', async () => ({ root, filesystem, dispose: async () => {} }))

test('a checkpoint is read where it was moved to', async () => {
  const storage = new DirectoryCheckpointStorage(join(root, 'moving'), filesystem)
  await takeCheckpoint(storage, filesystem, plan)
  const moved = join(root, 'moved')
  await filesystem.rename(join(storage.directory, 'chk-1'), moved)
  for (const location of [moved, `${moved}/`, join(moved, '_metadata')]) {
    const manifest = await readCheckpoint(location, filesystem)
    assert.equal(manifest.checkpointId, 1)
    assert.equal((await restoreCheckpoint(manifest, filesystem, 1, 16)).length, 1)
  }
})

test('checkpoints in memory are completed once, and those that do not count go', async () => {
  const memory = new MemoryCheckpointStorage()
  for (const id of [1, 2, 6]) await memory.complete(manifestOf(id))
  await assert.rejects(memory.complete(manifestOf(6)), { code: 'CHECKPOINT_ALREADY_COMPLETE' })
  assert.deepEqual(await memory.removeOthers(new Set([2]), 6), [1])
  assert.deepEqual(await memory.list(), [2, 6])
})

test('a directory that is a file, read-only or full is named before the job starts', async () => {
  writeFileSync(join(root, 'file'), '')
  const below = new DirectoryCheckpointStorage(join(root, 'file', 'job'), filesystem)
  await assert.rejects(below.prepare(), {
    code: 'CHECKPOINT_DIRECTORY_UNUSABLE',
    hint: 'A part of the path is a file; choose another directory.',
  })
  const hints = { EROFS: /writable/, ENOSPC: /Free space/, EACCES: /Let the user/ }
  for (const [code, hint] of Object.entries(hints)) {
    const broken = new MemoryFilesystem()
    broken.writeErrorCode = code
    const storage = new DirectoryCheckpointStorage('/checkpoints/job', broken)
    await assert.rejects(storage.prepare(), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'CHECKPOINT_DIRECTORY_UNUSABLE')
      assert.match(error.message, /\/checkpoints\/job/)
      assert.match(error.hint, hint)
      return true
    })
    await assert.rejects(storage.complete(manifestOf(1)), { code: 'CHECKPOINT_WRITE_FAILED' })
  }
})

test('a disk that fills up during a snapshot is named, and no file is left', async () => {
  const full = new MemoryFilesystem()
  const storage = new DirectoryCheckpointStorage('/checkpoints/job', full)
  await storage.prepare()
  full.writeErrorCode = 'ENOSPC'
  await assert.rejects(takeCheckpoint(storage, full, { ...plan, memoryThreshold: 0 }), {
    code: 'STATE_WRITE_FAILED',
    retry: 'backoff',
    hint: /Free space/,
  })
})

test('without a directory small state lives in memory, and too much of it says what to set', async () => {
  const storage = createCheckpointStorage(new Configuration(), 'j', filesystem)
  assert.equal(storage.directory, null)
  await storage.prepare()
  await takeCheckpoint(storage, filesystem, plan)
  await assertHolds(storage, 1)
  const handle = { kind: 'inline' as const, bytes: '', size: 6 * 1024 * 1024, crc32: 0 }
  const operator = {
    operatorId: 'o',
    operatorName: 'o',
    vertexId: 'v',
    parallelism: 1,
    maxParallelism: 1,
    subtasks: [{ parts: [{ handle, keyGroups: null, lists: {}, unions: [] }] }],
  }
  await assert.rejects(storage.complete({ ...manifestOf(2), operators: [operator] }), {
    code: 'CHECKPOINT_TOO_LARGE_FOR_MEMORY',
    hint: /execution\.checkpointing\.dir/,
  })
  assert.deepEqual(await storage.list(), [1])
})

test('the directory comes from the option or its alias, as URI or path', () => {
  const directoryOf = (values: Record<string, string>): string | null =>
    createCheckpointStorage(new Configuration(values), 'j', filesystem).directory
  assert.equal(directoryOf({ 'execution.checkpointing.dir': 'file:///a/b/' }), '/a/b/j')
  assert.equal(directoryOf({ 'state.checkpoints.dir': '/a b' }), '/a b/j')
  const both = {
    'execution.checkpointing.dir': '/a',
    'execution.checkpointing.storage': 'jobmanager',
  }
  assert.equal(directoryOf(both), null)
  assert.equal(checkpointDirectoryPath('file:/a%20b', filesystem), '/a b')
  assert.throws(() => directoryOf({ 'execution.checkpointing.storage': 'filesystem' }), {
    code: 'CHECKPOINT_DIRECTORY_UNUSABLE',
  })
  assert.throws(() => checkpointDirectoryPath('s3://bucket/x', filesystem), {
    code: 'CHECKPOINT_DIRECTORY_UNSUPPORTED',
    hint: "Not supported yet: checkpoints in 's3://'.",
  })
  const buckets = { ...filesystem, schemes: ['s3', 's3a'] }
  assert.equal(checkpointDirectoryPath('s3a://bucket/x//', buckets), 's3a://bucket/x')
  for (const location of ['s3://', 's3:/bucket', 's3:///x', 'gs://bucket/x']) {
    assert.throws(() => checkpointDirectoryPath(location, buckets), {
      code: 'CHECKPOINT_DIRECTORY_UNSUPPORTED',
    })
  }
  assert.throws(() => checkpointDirectoryPath('relative/path', filesystem), {
    code: 'CHECKPOINT_DIRECTORY_UNSUPPORTED',
  })
})

test('a manifest of another format is refused by version', () => {
  const bytes = encodeManifest(manifestOf(1))
  assert.deepEqual(decodeManifest(bytes, 'f'), manifestOf(1))
  const text = Buffer.from(bytes).toString()
  for (const version of [0, 4, 17]) {
    const other = Buffer.from(text.replace(/checkpoint \d/, `checkpoint ${version}`))
    assert.throws(() => decodeManifest(other, 'f'), {
      code: 'CHECKPOINT_VERSION_UNSUPPORTED',
      message: new RegExp(`its format is version ${version}; this Millrace reads 1, 2, 3\\.`),
    })
  }
})
