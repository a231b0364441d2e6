/**
 * Whether everything that a checkpoint names is there, before a job starts from it: each file with
 * its size, its header and its index. Rows are checked when they are read.
 */
import type { StateHandle } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { SegmentReader } from '../segment/segment-reader.ts'
import { type CheckpointManifest, mapHandles } from './checkpoint-manifest.ts'

const AT_ONCE = 16

/** Rejects with STATE_CORRUPTED, STATE_UNREADABLE, STATE_VERSION_UNSUPPORTED. */
export async function checkFiles(
  manifest: CheckpointManifest,
  filesystem: Filesystem,
): Promise<void> {
  const left: StateHandle[] = []
  mapHandles(manifest, (handle) => {
    left.push(handle)
    return handle
  })
  const work = async (): Promise<void> => {
    for (let handle = left.pop(); handle !== undefined; handle = left.pop()) {
      const reader = new SegmentReader(handle, filesystem)
      try {
        await reader.readIndex()
      } finally {
        await reader.close()
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}
