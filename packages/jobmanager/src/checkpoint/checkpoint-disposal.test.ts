/** What a job claimed is removed whole, however often the disk refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { type CheckpointManifest, type CheckpointStorage, encodeManifest } from '@millrace/state'
import { silentLogger } from '../testing/cluster-harness.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { CheckpointDisposal } from './checkpoint-disposal.ts'
import type { SharedSegments } from './shared-segments.ts'

const DIRECTORY = '/savepoints/savepoint-1'

/** Refuses to sync, and then to remove, once each. */
class RefusingFilesystem extends MemoryFilesystem {
  refusals: ('sync' | 'remove')[] = []

  #refuse(what: 'sync' | 'remove'): void {
    if (this.refusals[0] !== what) return
    this.refusals.shift()
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
  }

  override async syncDirectory(path: string): Promise<void> {
    this.#refuse('sync')
    await super.syncDirectory(path)
  }

  override async remove(path: string): Promise<void> {
    if (path.endsWith('.state')) this.#refuse('remove')
    await super.remove(path)
  }
}

test('a claimed savepoint goes whole, though its manifest went first and the disk refused the rest', async () => {
  const filesystem = new RefusingFilesystem()
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
  const platform = { filesystem, clock: new ManualClock(), logger: silentLogger }
  const disposal = new CheckpointDisposal({} as CheckpointStorage, {} as SharedSegments, platform)
  filesystem.refusals = ['sync', 'remove']
  assert.equal(await disposal.dispose(DIRECTORY), false)
  assert.equal(await filesystem.status(`${DIRECTORY}/_metadata`), null)
  assert.equal(await disposal.dispose(DIRECTORY), false)
  assert.notEqual(await filesystem.status(path), null)
  assert.equal(await disposal.dispose(DIRECTORY), true)
  assert.equal(await filesystem.status(DIRECTORY), null)
})
