/** A savepoint's directory: its name, what is in it, that it can be moved, what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { readCheckpoint } from './checkpoint-directory.ts'
import type { CheckpointManifest } from './checkpoint-manifest.ts'
import { SavepointDirectory, savepointTarget } from './savepoint-directory.ts'

const JOB = 'abcdef0123456789'.repeat(2)

function manifestOf(path: string): CheckpointManifest {
  const handle = { kind: 'file', path, size: 3, crc32: 1 } as const
  return {
    jobId: JOB,
    checkpointId: 4,
    timestampMs: 1,
    leaderEpoch: 1,
    operators: [
      {
        operatorId: 'op',
        operatorName: 'op',
        vertexId: 'v',
        parallelism: 1,
        maxParallelism: 128,
        subtasks: [{ parts: [{ handle, keyGroups: null, lists: {}, unions: [] }] }],
      },
    ],
    coordinators: {},
    savepoint: { format: 'canonical' },
  }
}

const pathIn = (manifest: CheckpointManifest) => {
  const handle = manifest.operators[0]?.subtasks[0]?.parts[0]?.handle
  return handle?.kind === 'file' ? handle.path : null
}

test('a savepoint names its job and itself, and is read where it was moved to', async () => {
  const filesystem = new MemoryFilesystem()
  const savepoint = new SavepointDirectory('/s', JOB, '0123456789ab', filesystem)
  assert.equal(savepoint.path, '/s/savepoint-abcdef-0123456789ab')
  await savepoint.prepare()
  assert.deepEqual(await filesystem.list(savepoint.path), [])
  await savepoint.complete(manifestOf(`${savepoint.path}/op-0-0.state`))
  await filesystem.makeDirectory('/elsewhere')
  await filesystem.rename(savepoint.path, '/elsewhere/mine')
  const moved = await readCheckpoint('/elsewhere/mine', filesystem)
  assert.equal(pathIn(moved), '/elsewhere/mine/op-0-0.state')
  assert.deepEqual(moved.savepoint, { format: 'canonical' })
})

test('a savepoint with state beside its directory is none', async () => {
  const filesystem = new MemoryFilesystem()
  const savepoint = new SavepointDirectory('/s', JOB, '0123456789ab', filesystem)
  await savepoint.prepare()
  await assert.rejects(savepoint.complete(manifestOf('/checkpoints/chk-4/op-0-0.state')), {
    code: 'SAVEPOINT_NOT_SELF_CONTAINED',
  })
  await savepoint.remove()
  assert.equal(await filesystem.status(savepoint.path), null)
})

test('a directory that is none is named with what to do', async () => {
  const filesystem = new MemoryFilesystem()
  assert.equal(savepointTarget('file:///a/b/', filesystem), '/a/b')
  for (const location of ['relative', 'hdfs://host/a']) {
    assert.throws(() => savepointTarget(location, filesystem), {
      code: 'SAVEPOINT_DIRECTORY_UNUSABLE',
    })
  }
  await filesystem.writeFileAtomic('/file', new Uint8Array(1))
  const below = new SavepointDirectory('/file', JOB, '0123456789ab', filesystem)
  await assert.rejects(below.prepare(), {
    code: 'SAVEPOINT_DIRECTORY_UNUSABLE',
    message: /Cannot write a savepoint to \/file\/savepoint-/,
  })
})
