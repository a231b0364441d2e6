/**
 * SavepointDirectory: one savepoint, from the choice of its name to its manifest or its removal.
 *
 *     <target>/savepoint-<first 6 digits of the job's id>-<12 random digits>
 *
 * It belongs to the user: nothing in it is shared with checkpoints, no retention removes it, and
 * its handles are names beside `_metadata`, so that it may be moved. Invariant: once `complete` has
 * resolved, the directory alone is all that a restore needs.
 */
import { isMillraceError, type MillraceError } from '@millrace/core'
import { type Filesystem, makeDurableDirectory } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { SAVEPOINT_DIRECTORY } from '../state-options.ts'
import { completeCheckpoint, removeCheckpoint } from './checkpoint-directory.ts'
import { type CheckpointManifest, mapHandles } from './checkpoint-manifest.ts'
import type { CompletedCheckpoint } from './checkpoint-storage.ts'
import { checkpointDirectoryPath } from './create-checkpoint-storage.ts'
import { directoryHint } from './directory-hints.ts'

/**
 * The absolute path behind what a user named as the directory of savepoints. Throws
 * SAVEPOINT_DIRECTORY_UNUSABLE.
 */
export function savepointTarget(location: string, filesystem: Filesystem): string {
  try {
    return checkpointDirectoryPath(location, filesystem)
  } catch (cause) {
    const { hint } = cause as MillraceError
    throw stateError(
      'SAVEPOINT_DIRECTORY_UNUSABLE',
      `Name an absolute path or a file:// URI for the savepoint; it is '${location}'.`,
      { ...(hint === undefined ? {} : { hint }), location: { file: location } },
    )
  }
}

export class SavepointDirectory {
  readonly path: string
  readonly #filesystem: Filesystem

  /** `random`: 12 hexadecimal digits. */
  constructor(target: string, jobId: string, random: string, filesystem: Filesystem) {
    this.path = `${target}/savepoint-${jobId.slice(0, 6)}-${random}`
    this.#filesystem = filesystem
  }

  /** Makes it, before any task writes. Rejects with SAVEPOINT_DIRECTORY_UNUSABLE. */
  async prepare(): Promise<void> {
    const probe = `${this.path}/.write-probe`
    try {
      await makeDurableDirectory(this.#filesystem, this.path)
      // Permissions of what is there already show only when something is written.
      await this.#filesystem.writeFileAtomic(probe, new Uint8Array(1))
      await this.#filesystem.remove(probe)
    } catch (cause) {
      // What has been made of it, if anything; the same disk may refuse that too.
      await this.remove().catch(() => {})
      const { code = '', message } = cause as { code?: string; message: string }
      const known = isMillraceError(cause) ? cause.hint : directoryHint(code)
      throw stateError(
        'SAVEPOINT_DIRECTORY_UNUSABLE',
        `Cannot write a savepoint to ${this.path}: ${message.replace(/\.$/, '')}.`,
        {
          hint: known ?? 'Choose a directory that every process can write to.',
          location: { file: this.path, optionKey: SAVEPOINT_DIRECTORY.key },
          cause,
        },
      )
    }
  }

  /** Rejects with CHECKPOINT_WRITE_FAILED, SAVEPOINT_NOT_SELF_CONTAINED. */
  async complete(manifest: CheckpointManifest): Promise<CompletedCheckpoint> {
    mapHandles(manifest, (handle) => {
      if (handle.kind === 'file' && !handle.path.startsWith(`${this.path}/`)) {
        throw stateError(
          'SAVEPOINT_NOT_SELF_CONTAINED',
          `State of savepoint ${this.path} was written to ${handle.path}.`,
          { location: { file: handle.path } },
        )
      }
      return handle
    })
    return completeCheckpoint(this.path, manifest, this.#filesystem)
  }

  /** Removes it, complete or not. */
  remove(): Promise<void> {
    return removeCheckpoint(this.path, this.#filesystem)
  }
}
