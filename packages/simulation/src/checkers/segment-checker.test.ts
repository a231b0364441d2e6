/** Shared segments that are gone too early, or stay too long, are found. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CheckpointManifest, encodeManifest } from '@millrace/state'
import { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import { SimulatedWorld } from '../world/simulated-world.ts'
import { SegmentChecker, sharedFilesAt } from './segment-checker.ts'

const DIRECTORY = '/checkpoints/job'
const SEGMENT = `${DIRECTORY}/shared/1-op-0-0.state`

/** A disk with a checkpoint that refers to a shared segment. */
function diskWith(...ids: number[]): SimulatedDisk {
  const disk = new SimulatedDisk(new SimulatedWorld(1), 'disk')
  disk.place(SEGMENT, new Uint8Array(3))
  for (const checkpointId of ids) {
    const handle = { kind: 'file', path: '../shared/1-op-0-0.state', size: 3, crc32: 1 } as const
    const manifest: CheckpointManifest = {
      ...{ jobId: 'job', checkpointId, timestampMs: 1, leaderEpoch: 1, coordinators: {} },
      operators: [
        {
          ...{ operatorId: 'op', operatorName: 'op', vertexId: 'v' },
          ...{ parallelism: 1, maxParallelism: 1 },
          subtasks: [{ parts: [{ handle, keyGroups: null, lists: {}, unions: [] }] }],
        },
      ],
    }
    disk.place(`${DIRECTORY}/chk-${checkpointId}/_metadata`, encodeManifest(manifest))
  }
  return disk
}

describe('the checker of shared segments', () => {
  it('sees one that a checkpoint refers to and that is gone', () => {
    const disk = diskWith(1, 2)
    const checker = new SegmentChecker()
    const observed = { directory: DIRECTORY, life: 'job 1', completed: 2 }
    checker.observe(disk, observed)
    assert.deepEqual(checker.violations, [])
    assert.deepEqual([...sharedFilesAt(disk, `${DIRECTORY}/chk-2`)], [SEGMENT])
    disk.removeOne(SEGMENT, '')
    checker.observe(disk, observed)
    checker.observe(disk, observed)
    assert.deepEqual(
      checker.violations.map(({ details }) => details),
      [[SEGMENT], [SEGMENT]],
    )
  })

  it('sees one that nobody refers to any more, once there was time to remove it', () => {
    const disk = diskWith(1)
    const checker = new SegmentChecker()
    const look = (completed: number, life = 'job 1') =>
      checker.observe(disk, { directory: DIRECTORY, life, completed })
    look(1)
    disk.removeOne(`${DIRECTORY}/chk-1/_metadata`, '')
    for (const completed of [2, 3, 8]) look(completed)
    assert.deepEqual(checker.violations, [])
    look(9)
    assert.equal(checker.violations.length, 1)
    look(20, 'job 2')
    assert.equal(checker.violations.length, 1)
  })
})
