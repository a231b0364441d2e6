/**
 * The segments that a checkpoint names, each with its checked index: for whoever looks at a
 * checkpoint from outside of a job. Rows are checked when they are read, and before a job starts
 * from them where they are few.
 */
import type { StateHandle, StatePart } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import type { SegmentIndex } from '../segment/segment-format.ts'
import { SegmentReader } from '../segment/segment-reader.ts'
import type { CheckpointManifest, OperatorManifest } from './checkpoint-manifest.ts'

const AT_ONCE = 16
/** So much state is read whole before a job starts from it: a second, from a distant bucket. */
const CHECKED_WHOLE_BYTES = 16 * 1024 * 1024

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
  await forEachOf(left, async (next) => {
    visit({ ...next, index: await readIndex(next.part.handle, filesystem) })
  })
}

/**
 * Whether everything that a checkpoint names is there, before a job starts from it: each file with
 * its size, its header and its index; where they are small, with all that is in them. Rejects as
 * `forEachSegment` does.
 */
export async function checkFiles(
  manifest: CheckpointManifest,
  filesystem: Filesystem,
): Promise<void> {
  const handles = handlesOf(manifest)
  if (bytesOf(handles) <= CHECKED_WHOLE_BYTES) {
    await forEachOf(handles, (handle) => verifySegment(handle, filesystem))
  }
  await forEachSegment(manifest, filesystem, () => {})
  const channels = Object.values(manifest.inFlight?.vertices ?? {}).flat()
  await forEachOf(channels, async (stored) => {
    if (stored !== null) await readIndex(stored.handle, filesystem)
  })
}

export async function forEachOf<T>(
  all: readonly T[],
  visit: (each: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < all.length) await visit(all[next++] as T)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function readIndex(handle: StateHandle, filesystem: Filesystem): Promise<SegmentIndex> {
  const reader = new SegmentReader(handle, filesystem)
  try {
    return await reader.readIndex()
  } finally {
    await reader.close()
  }
}

/** Rejects with STATE_CORRUPTED, STATE_UNREADABLE, STATE_VERSION_UNSUPPORTED. */
export async function verifySegment(handle: StateHandle, filesystem: Filesystem): Promise<void> {
  const reader = new SegmentReader(handle, filesystem)
  try {
    await reader.verify(await reader.readIndex())
  } finally {
    await reader.close()
  }
}

/** Its files, each once: what lies in the metadata has been checked with it. */
export function handlesOf(manifest: CheckpointManifest): StateHandle[] {
  const parts: StatePart[] = manifest.operators.flatMap(({ subtasks }) =>
    subtasks.flatMap((handles) => handles?.parts ?? []),
  )
  const channels = Object.values(manifest.inFlight?.vertices ?? {}).flat()
  const handles = [
    ...parts.map(({ handle }) => handle),
    ...channels.flatMap((stored) => (stored === null ? [] : [stored.handle])),
  ]
  const byPath = new Map<string, StateHandle>()
  for (const handle of handles) if (handle.kind === 'file') byPath.set(handle.path, handle)
  return [...byPath.values()]
}

export function bytesOf(handles: readonly StateHandle[]): number {
  return handles.reduce((sum, { size }) => sum + size, 0)
}
