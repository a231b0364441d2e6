/** Which complete checkpoints are kept, started from, and removed. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Configuration } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import {
  type CheckpointManifest,
  type CheckpointStorage,
  SavepointDirectory,
} from '@millrace/state'
import { VOLATILE_JOB_RECORD } from '../high-availability/job-record.ts'
import { silentLogger } from '../testing/cluster-harness.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { CheckpointDisposal } from './checkpoint-disposal.ts'
import { type CheckpointSettings, checkpointSettingsOf } from './checkpoint-settings.ts'
import { CompletedCheckpoints } from './completed-checkpoints.ts'
import type { PendingCheckpoint } from './pending-checkpoint.ts'
import { SharedSegments } from './shared-segments.ts'

/** Of a job that keeps two, whose former leader left 4 and 5; what was removed, in order. */
function completed(options: Record<string, string> = {}) {
  const removed: string[] = []
  const storage = {
    directory: '/checkpoints/job',
    discard: async (id: number) => void removed.push(String(id)),
    discardAll: async () => void removed.push('all'),
    removeOthers: async (kept: ReadonlySet<number>) => void removed.push(`all but ${[...kept]}`),
  } as unknown as CheckpointStorage
  const configuration = new Configuration({
    'execution.checkpointing.interval': '10 s',
    'state.checkpoints.num-retained': '2',
    ...options,
  })
  const settings = checkpointSettingsOf(configuration) as CheckpointSettings
  const filesystem = new MemoryFilesystem()
  const platform = { clock: new ManualClock(), logger: silentLogger, filesystem }
  const segments = new SharedSegments(storage, silentLogger)
  const disposal = new CheckpointDisposal(storage, segments, platform)
  const record = { ...VOLATILE_JOB_RECORD, retained: [4, 5], firstCheckpointId: 6 }
  const parts = { storage, disposal, segments, settings, logger: silentLogger }
  return { checkpoints: new CompletedCheckpoints(parts, record), removed, filesystem }
}

const taken = (id: number) => {
  const externalPath = `/checkpoints/job/chk-${id}`
  return { id, externalPath, discarded: false } as unknown as PendingCheckpoint
}
const manifestOf = (id: number) =>
  ({ checkpointId: id, operators: [] }) as unknown as CheckpointManifest

test('The newest are kept, a former leader’s among them, and older ones are removed', async () => {
  const { checkpoints, removed } = completed()
  assert.deepEqual(checkpoints.keptWith(6), [5, 6])
  checkpoints.add(taken(6), manifestOf(6))
  assert.deepEqual(checkpoints.paths(), ['/checkpoints/job/chk-5', '/checkpoints/job/chk-6'])
  assert.equal(checkpoints.latest?.checkpointId, 6)
  await checkpoints.discardOld()
  assert.deepEqual(removed, ['4'])
  const own = taken(7)
  checkpoints.add(own, manifestOf(7))
  checkpoints.add(taken(8), manifestOf(8))
  checkpoints.add(taken(9), manifestOf(9))
  await checkpoints.discardOld()
  assert.deepEqual(removed, ['4', '5', '6', '7'])
  assert.equal(own.discarded, true)
})

test('The checkpoint that a job was told to start from is not removed as a leftover', async () => {
  const { checkpoints, removed } = completed()
  checkpoints.restoreFrom(manifestOf(2), '/checkpoints/job/chk-2')
  await checkpoints.removeLeftovers()
  checkpoints.restoreFrom(manifestOf(3), '/elsewhere/chk-3')
  assert.equal(checkpoints.latestPath, '/elsewhere/chk-3')
  assert.deepEqual(removed, ['all but 4,5,2'])
})

/** A complete savepoint, beside a file that is somebody else's. */
async function savepointIn(filesystem: MemoryFilesystem): Promise<string> {
  const savepoint = new SavepointDirectory('/s', 'f'.repeat(32), '0123456789ab', filesystem)
  await savepoint.prepare()
  const manifest = { ...manifestOf(3), operators: [], coordinators: {} }
  await savepoint.complete(manifest as unknown as CheckpointManifest)
  await filesystem.writeFileAtomic(`${savepoint.path}/notes`, new Uint8Array(1))
  return savepoint.path
}

test('A claimed savepoint goes when as many newer checkpoints are there as are kept, and nothing beside it', async () => {
  const { checkpoints, filesystem } = completed({ 'state.checkpoints.num-retained': '3' })
  const path = await savepointIn(filesystem)
  checkpoints.claim(path)
  await checkpoints.discardOld()
  assert.deepEqual(filesystem.namesIn(path).sort(), ['_metadata', 'notes'])
  checkpoints.add(taken(6), manifestOf(6))
  await checkpoints.discardOld()
  assert.deepEqual(filesystem.namesIn(path), ['notes'])
})

test('At the end a claimed savepoint goes with the job’s checkpoints, one that is not claimed stays', async () => {
  const claimed = completed({ 'state.checkpoints.num-retained': '9' })
  const path = await savepointIn(claimed.filesystem)
  claimed.checkpoints.claim(path)
  await claimed.checkpoints.jobEnded('FINISHED')
  assert.deepEqual(claimed.filesystem.namesIn(path), ['notes'])
  const other = completed()
  await savepointIn(other.filesystem)
  other.checkpoints.restoreFrom(manifestOf(3), path)
  await other.checkpoints.discardOld()
  await other.checkpoints.jobEnded('FINISHED')
  assert.deepEqual(other.filesystem.namesIn(path).sort(), ['_metadata', 'notes'])
})

test('At the end everything goes unless the job’s retention keeps it', async () => {
  const gone = completed()
  await gone.checkpoints.jobEnded('CANCELED')
  assert.deepEqual(gone.removed, ['all'])
  const retention = 'execution.checkpointing.externalized-checkpoint-retention'
  const kept = completed({ [retention]: 'RETAIN_ON_CANCELLATION' })
  await kept.checkpoints.sweep()
  assert.deepEqual(kept.removed, [])
  await kept.checkpoints.jobEnded('CANCELED')
  await kept.checkpoints.sweep()
  assert.deepEqual(kept.removed, ['all but 4,5', 'all but 4,5'])
})
