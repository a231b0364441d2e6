/**
 * The segments that a checkpoint names, each with its checked index: for whoever looks at a
 * checkpoint from outside of a job. Rows are checked when they are read.
 */
import type { StatePart } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import type { SegmentIndex } from '../segment/segment-format.ts'
import { SegmentReader } from '../segment/segment-reader.ts'
import type { CheckpointManifest, OperatorManifest } from './checkpoint-manifest.ts'

const AT_ONCE = 16

export interface VisitedSegment {
  readonly operator: OperatorManifest
  readonly part: StatePart
  /** Its subtask's state by key is in several segments that build upon each other. */
  readonly isChained: boolean
  readonly index: SegmentIndex
}

/**
 * Calls `visit` for each segment, in no order. Rejects with STATE_CORRUPTED, STATE_UNREADABLE,
 * STATE_VERSION_UNSUPPORTED.
 */
export async function forEachSegment(
  manifest: CheckpointManifest,
  filesystem: Filesystem,
  visit: (segment: VisitedSegment) => void,
): Promise<void> {
  const left = manifest.operators.flatMap((operator) =>
    operator.subtasks.flatMap((handles) => {
      const parts = handles?.parts ?? []
      const isChained = parts.filter(({ keyGroups }) => keyGroups !== null).length > 1
      return parts.map((part) => ({ operator, part, isChained }))
    }),
  )
  const work = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const reader = new SegmentReader(next.part.handle, filesystem)
      try {
        visit({ ...next, index: await reader.readIndex() })
      } finally {
        await reader.close()
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/**
 * Whether everything that a checkpoint names is there, before a job starts from it: each file with
 * its size, its header and its index. Rejects as `forEachSegment` does.
 */
export function checkFiles(manifest: CheckpointManifest, filesystem: Filesystem): Promise<void> {
  return forEachSegment(manifest, filesystem, () => {})
}
