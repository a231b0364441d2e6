/**
 * Whether each byte of a checkpoint that a restore would use is as it was written: all checksums of
 * all segments, nothing decoded. It takes as long as reading the state does.
 */
import { isMillraceError, type MillraceError } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { bytesOf, forEachOf, handlesOf, verifySegment } from './check-files.ts'
import { readCheckpoint } from './checkpoint-directory.ts'

export interface VerifyProgress {
  readonly files: number
  readonly bytes: number
}

export interface VerifiedCheckpoint {
  /** Looked at; the metadata has a checksum of its own, which was checked first. */
  readonly read: VerifyProgress
  /** Files that are missing, damaged or cannot be read, each with its first fault, by name. */
  readonly damaged: readonly MillraceError[]
}

/**
 * `location`: absolute. Rejects as `readCheckpoint` does. `onProgress` is told after each file what
 * has been read, of how much.
 */
export async function verifyCheckpoint(
  location: string,
  filesystem: Filesystem,
  onProgress: (done: VerifyProgress, all: VerifyProgress) => void = () => {},
): Promise<VerifiedCheckpoint> {
  const handles = handlesOf(await readCheckpoint(location, filesystem))
  const all = { files: handles.length, bytes: bytesOf(handles) }
  const damaged: MillraceError[] = []
  let files = 0
  let bytes = 0
  await forEachOf(handles, async (handle) => {
    await verifySegment(handle, filesystem).catch((error) => {
      if (!isMillraceError(error)) throw error
      damaged.push(error)
    })
    files++
    bytes += handle.size
    onProgress({ files, bytes }, all)
  })
  const nameOf = ({ location: place }: MillraceError) => place?.file ?? ''
  damaged.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  return { read: all, damaged }
}
