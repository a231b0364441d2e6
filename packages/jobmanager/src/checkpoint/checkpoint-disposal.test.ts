/** What a job claimed is removed whole, however often the disk refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Configuration } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { type CheckpointManifest, type CheckpointStorage, encodeManifest } from '@millrace/state'
import { silentLogger } from '../testing/cluster-harness.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { CheckpointDisposal } from './checkpoint-disposal.ts'
import { cleanUpEnded } from './shared-checkpoints.ts'
import type { SharedSegments } from './shared-segments.ts'

const DIRECTORY = '/savepoints/savepoint-1'

/** Refuses to remove segments, so often. */
class RefusingFilesystem extends MemoryFilesystem {
  refusals = 0

  override async remove(path: string): Promise<void> {
    if (path.endsWith('.state') && this.refusals-- > 0) {
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    }
    await super.remove(path)
  }
}

/** A savepoint of one segment, at DIRECTORY. Resolves with that file. */
async function savepointIn(filesystem: MemoryFilesystem): Promise<string> {
  await filesystem.makeDirectory(DIRECTORY)
  const path = `${DIRECTORY}/op-0-1.state`
  const handle = { kind: 'file', path, size: 3, crc32: 1 } as const
  const part = { handle, keyGroups: null, tables: [], lists: {}, unions: [] }
  const manifest = {
    ...{ jobId: 'a'.repeat(32), jobName: 'job', checkpointId: 1, timestampMs: 1 },
    savepoint: { format: 'canonical' },
    coordinators: {},
    operators: [
      {
        ...{ operatorId: 'op', name: 'op', parallelism: 1, maxParallelism: 8 },
        subtasks: [{ parts: [part] }],
      },
    ],
  } as unknown as CheckpointManifest
  await filesystem.writeFileAtomic(`${DIRECTORY}/_metadata`, encodeManifest(manifest))
  await filesystem.writeFileAtomic(path, new Uint8Array(3))
  return path
}

test('a claimed savepoint goes whole, though another leader each time has to go on with it', async () => {
  const filesystem = new RefusingFilesystem()
  const path = await savepointIn(filesystem)
  const platform = { filesystem, clock: new ManualClock(), logger: silentLogger }
  // Each is of another leader, who knows nothing of the one before.
  const disposal = () =>
    new CheckpointDisposal({} as CheckpointStorage, {} as SharedSegments, platform)
  filesystem.refusals = 2
  assert.equal(await disposal().dispose(DIRECTORY), false)
  assert.equal(await filesystem.status(`${DIRECTORY}/_metadata`), null)
  assert.equal(await disposal().dispose(DIRECTORY), false)
  assert.notEqual(await filesystem.status(path), null)
  assert.equal(await disposal().dispose(DIRECTORY), true)
  assert.equal(await filesystem.status(DIRECTORY), null)
})

test('a job that ended before what it claimed was removed has it removed by the next leader', async () => {
  const platform = {
    filesystem: new MemoryFilesystem(),
    clock: new ManualClock(),
    logger: silentLogger,
  } as unknown as Platform
  const { filesystem } = platform
  const options = {
    'execution.checkpointing.interval': '10 s',
    'execution.checkpointing.dir': 'file:///checkpoints',
    'execution.state-recovery.path': DIRECTORY,
  }
  const end = (claimMode: string, retained: number[]) => {
    const mode = { 'execution.state-recovery.claim-mode': claimMode }
    const configuration = new Configuration({ ...options, ...mode })
    return cleanUpEnded(configuration, 'b'.repeat(32), platform, 'FINISHED', retained)
  }
  await savepointIn(filesystem as MemoryFilesystem)
  await end('NO_CLAIM', [2])
  await end('CLAIM', [])
  assert.notEqual(await filesystem.status(`${DIRECTORY}/_metadata`), null)
  await end('CLAIM', [2])
  assert.equal(await filesystem.status(DIRECTORY), null)
})
