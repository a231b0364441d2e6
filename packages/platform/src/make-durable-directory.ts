/**
 * A directory that outlives a power cut, together with the directories above it.
 *
 * One that is there may have been made by a process that was killed before it could sync the
 * name: whoever finds it cannot tell, and a cut would take it away with everything that has been
 * synced inside since.
 */
import type { Filesystem } from './filesystem.ts'

/** Directories above that this user may not even read are not of our making. */
const NOT_OURS = new Set(['EACCES', 'EPERM'])

/**
 * Makes the directory and its parents where they are missing, and syncs the name of each. `path` is
 * absolute, or a URI that the filesystem serves.
 */
export async function makeDurableDirectory(filesystem: Filesystem, path: string): Promise<void> {
  await filesystem.makeDirectory(path)
  // Of `s3://bucket/a` the first name is the bucket's.
  const from = path.startsWith('/') ? 0 : path.indexOf('://') + 3
  for (let end = path.indexOf('/', from); end !== -1; end = path.indexOf('/', end + 1)) {
    await syncNames(filesystem, path.slice(0, end) || '/')
  }
}

async function syncNames(filesystem: Filesystem, directory: string): Promise<void> {
  try {
    await filesystem.syncDirectory(directory)
  } catch (error) {
    if (!NOT_OURS.has((error as { code?: string }).code ?? '')) throw error
  }
}
