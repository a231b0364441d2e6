/** Chooses a job's checkpoint storage from its configuration. */
import type { Configuration } from '@millrace/core'
import { type Filesystem, localPathOf, schemeOf } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { CHECKPOINT_DIRECTORY, CHECKPOINT_STORAGE } from '../state-options.ts'
import type { CheckpointStorage } from './checkpoint-storage.ts'
import { DirectoryCheckpointStorage } from './directory-checkpoint-storage.ts'
import { MemoryCheckpointStorage } from './memory-checkpoint-storage.ts'

/** Throws CHECKPOINT_DIRECTORY_UNSUPPORTED; touches no file. */
export function createCheckpointStorage(
  configuration: Configuration,
  jobId: string,
  filesystem: Filesystem,
): CheckpointStorage {
  const location = configuration.get(CHECKPOINT_DIRECTORY)
  const storage = configuration.get(CHECKPOINT_STORAGE)
  if (storage === 'jobmanager' || (storage === undefined && location === undefined)) {
    return new MemoryCheckpointStorage()
  }
  if (location === undefined) {
    throw stateError(
      'CHECKPOINT_DIRECTORY_UNUSABLE',
      `Set '${CHECKPOINT_DIRECTORY.key}': '${CHECKPOINT_STORAGE.key}' is filesystem.`,
      { location: { optionKey: CHECKPOINT_DIRECTORY.key } },
    )
  }
  const directory = `${checkpointDirectoryPath(location, filesystem)}/${jobId}`
  return new DirectoryCheckpointStorage(directory, filesystem)
}

/**
 * The absolute path behind `file:///path`, `file:/path` or `/path`, or a URI that the filesystem
 * serves as it is. Throws CHECKPOINT_DIRECTORY_UNSUPPORTED.
 */
export function checkpointDirectoryPath(location: string, { schemes = [] }: Filesystem): string {
  const scheme = schemeOf(location)
  if (scheme !== null && schemes.includes(scheme) && /:\/\/[^/]/.test(location)) {
    return location.replace(/\/+$/, '')
  }
  const path = localPathOf(location)
  if (path !== null) return path
  throw stateError(
    'CHECKPOINT_DIRECTORY_UNSUPPORTED',
    `Set '${CHECKPOINT_DIRECTORY.key}' to an absolute path or a file:// URI; it is '${location}'.`,
    {
      ...(scheme === null || scheme === 'file'
        ? {}
        : { hint: `Not supported yet: checkpoints in '${scheme}://'.` }),
      location: { optionKey: CHECKPOINT_DIRECTORY.key },
    },
  )
}
