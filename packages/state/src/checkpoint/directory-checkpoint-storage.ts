/**
 * Checkpoints in a directory: `<dir>/<job id>/chk-<n>/_metadata`, the segments of subtasks beside
 * it.
 *
 * `_metadata` appears atomically, last; it is removed first. So a directory without it is rubbish,
 * and one with it is whole. Handles of segments in the checkpoint's own directory are stored by
 * name, so that a checkpoint may be moved or copied.
 */
import { isMillraceError, type MillraceError } from '@millrace/core'
import { type Filesystem, makeDurableDirectory } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { checkpointPath } from '../handle/checkpoint-path.ts'
import { readUntilSound } from '../handle/read-until-sound.ts'
import { CHECKPOINT_DIRECTORY } from '../state-options.ts'
import {
  type CheckpointManifest,
  decodeManifest,
  describeKnown,
  encodeManifest,
  manifestStateSize,
  mapHandles,
} from './checkpoint-manifest.ts'
import type { CheckpointStorage, CompletedCheckpoint } from './checkpoint-storage.ts'

export const METADATA_FILE = '_metadata'
const PROBE_FILE = '.write-probe'
/** How often a directory that gives errors of the disk is tried at a job's start. */
const PREPARE_TRIES_MAX = 8

/** Nothing is there that could be read. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

const UNUSABLE_HINTS: Readonly<Record<string, string>> = {
  EACCES: 'Let the user that runs the JobManager write there, or choose another directory.',
  EPERM: 'Let the user that runs the JobManager write there, or choose another directory.',
  EROFS: 'Mount the filesystem writable, or choose another directory.',
  ENOSPC: 'Free space on its disk, or choose another directory.',
  EDQUOT: 'Raise the user’s disk quota, or choose another directory.',
  ENOTDIR: 'A part of the path is a file; choose another directory.',
  EEXIST: 'A part of the path is a file; choose another directory.',
}

export class DirectoryCheckpointStorage implements CheckpointStorage {
  readonly directory: string
  readonly #filesystem: Filesystem
  constructor(directory: string, filesystem: Filesystem) {
    this.directory = directory
    this.#filesystem = filesystem
  }

  async prepare(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#probe()
        return
      } catch (cause) {
        const { code = '' } = cause as { code?: string }
        // What nobody can mend is reported at once; a disk that stumbles ends no job.
        const isMendable = !(code in UNUSABLE_HINTS) && !isMillraceError(cause)
        if (tries < PREPARE_TRIES_MAX && isMendable) continue
        // A server that cannot be reached for a while.
        if (isMillraceError(cause) && cause.retry === 'backoff' && cause.domain !== 'user')
          throw cause
        throw this.#unusable(cause)
      }
    }
  }

  async #probe(): Promise<void> {
    const probe = `${this.directory}/${PROBE_FILE}`
    await makeDurableDirectory(this.#filesystem, this.directory)
    await this.#filesystem.writeFileAtomic(probe, new Uint8Array(1))
    await this.#filesystem.remove(probe)
  }

  #unusable(cause: unknown): MillraceError {
    const { code = '', message } = cause as { code?: string; message: string }
    const known = isMillraceError(cause) ? cause.hint : UNUSABLE_HINTS[code]
    return stateError(
      'CHECKPOINT_DIRECTORY_UNUSABLE',
      `Cannot write checkpoints to ${this.directory}: ${message.replace(/\.$/, '')}.`,
      {
        hint: known ?? 'Choose a directory that every process can write to.',
        location: { optionKey: CHECKPOINT_DIRECTORY.key, file: this.directory },
        cause,
      },
    )
  }

  async complete(manifest: CheckpointManifest): Promise<CompletedCheckpoint> {
    const directory = checkpointPath(this.directory, manifest.checkpointId)
    const file = `${directory}/${METADATA_FILE}`
    const bytes = encodeManifest(relativeTo(directory, manifest))
    try {
      await this.#filesystem.makeDirectory(directory)
      if ((await this.#filesystem.status(file)) !== null) {
        throw stateError(
          'CHECKPOINT_ALREADY_COMPLETE',
          `Checkpoint ${manifest.checkpointId} of job ${manifest.jobId} already has ${file}.`,
          { hint: 'Another JobManager runs the same job; stop one of them.', location: { file } },
        )
      }
      await this.#filesystem.writeFileAtomic(file, bytes)
      await this.#filesystem.syncDirectory(this.directory)
    } catch (cause) {
      if (isMillraceError(cause)) throw cause
      const { code = '', message } = cause as { code?: string; message: string }
      throw stateError('CHECKPOINT_WRITE_FAILED', `Cannot write ${file}: ${message}.`, {
        hint: UNUSABLE_HINTS[code] ?? 'Check the disk of the checkpoint directory.',
        location: { file },
        cause,
      })
    }
    return {
      checkpointId: manifest.checkpointId,
      externalPath: directory,
      stateSizeBytes: manifestStateSize(manifest),
      metadataSizeBytes: bytes.length,
    }
  }

  async read(checkpointId: number): Promise<CheckpointManifest> {
    const directory = checkpointPath(this.directory, checkpointId)
    try {
      return await readCheckpoint(directory, this.#filesystem)
    } catch (error) {
      if (!isMillraceError(error, 'CHECKPOINT_NOT_FOUND')) throw error
      const known = describeKnown(await this.list())
      throw stateError(
        'CHECKPOINT_NOT_FOUND',
        `Checkpoint ${checkpointId} is not in ${this.directory}; ${known}.`,
        { location: { file: directory } },
      )
    }
  }

  async list(): Promise<number[]> {
    const complete: number[] = []
    for (const id of await this.#allIds()) {
      const file = `${checkpointPath(this.directory, id)}/${METADATA_FILE}`
      if ((await this.#filesystem.status(file)) !== null) complete.push(id)
    }
    return complete
  }

  async discard(checkpointId: number): Promise<void> {
    const directory = checkpointPath(this.directory, checkpointId)
    if ((await this.#filesystem.status(directory)) === null) return
    const file = `${directory}/${METADATA_FILE}`
    if ((await this.#filesystem.status(file)) !== null) await this.#filesystem.remove(file)
    // Also when it was gone already: who removed it may have been killed before this, and a power cut would bring
    // it back without its segments.
    await this.#filesystem.syncDirectory(directory)
    await this.#filesystem.remove(directory)
  }

  async removeAbandoned(underWay: ReadonlySet<number>): Promise<number[]> {
    const complete = new Set(await this.list())
    const abandoned = (await this.#allIds()).filter((id) => !complete.has(id) && !underWay.has(id))
    for (const id of abandoned) await this.discard(id)
    return abandoned
  }

  async removeOthers(kept: ReadonlySet<number>, below: number): Promise<number[]> {
    const others = (await this.#allIds()).filter((id) => id < below && !kept.has(id))
    for (const id of others) await this.discard(id)
    await this.removeProbes()
    return others
  }

  async removeProbes(): Promise<void> {
    if ((await this.#filesystem.status(this.directory)) === null) return
    for (const { path } of await this.#filesystem.list(this.directory)) {
      if (path.startsWith(`${this.directory}/${PROBE_FILE}`)) await this.#filesystem.remove(path)
    }
  }

  async discardAll(): Promise<void> {
    for (const id of await this.#allIds()) await this.discard(id)
    await this.#filesystem.remove(this.directory)
  }

  /** Complete or not, ascending. */
  async #allIds(): Promise<number[]> {
    if ((await this.#filesystem.status(this.directory)) === null) return []
    const ids: number[] = []
    for (const { path, isDirectory } of await this.#filesystem.list(this.directory)) {
      const match = /\/chk-(\d{1,15})$/.exec(path)
      if (isDirectory && match !== null) ids.push(Number(match[1]))
    }
    return ids.sort((a, b) => a - b)
  }
}

/**
 * The manifest of the checkpoint at `location` (its directory, or its `_metadata` file), with
 * absolute handles. Rejects with CHECKPOINT_NOT_FOUND, CHECKPOINT_METADATA_CORRUPTED,
 * CHECKPOINT_VERSION_UNSUPPORTED, STATE_UNREADABLE.
 */
export async function readCheckpoint(
  location: string,
  filesystem: Filesystem,
): Promise<CheckpointManifest> {
  const directory = location.endsWith(`/${METADATA_FILE}`)
    ? location.slice(0, -METADATA_FILE.length - 1)
    : location.replace(/\/+$/, '')
  const file = `${directory}/${METADATA_FILE}`
  const manifest = await readUntilSound(
    async () => decodeManifest(await readMetadata(file, directory, filesystem), file),
    (error) => isMillraceError(error, 'CHECKPOINT_METADATA_CORRUPTED'),
  )
  return mapHandles(manifest, (handle) =>
    handle.kind === 'file' && !isAbsolute(handle.path)
      ? { ...handle, path: `${directory}/${handle.path}` }
      : handle,
  )
}

async function readMetadata(
  file: string,
  directory: string,
  filesystem: Filesystem,
): Promise<Uint8Array> {
  try {
    return await filesystem.readFile(file)
  } catch (cause) {
    const { code = '', message } = cause as { code?: string; message: string }
    if (!MISSING.has(code)) {
      throw stateError('STATE_UNREADABLE', `Cannot read ${file}: ${message}.`, {
        hint: 'Check the disk of the checkpoint directory and that every process can reach it.',
        location: { file },
        cause,
      })
    }
    throw stateError(
      'CHECKPOINT_NOT_FOUND',
      `There is no complete checkpoint at ${directory}: ${message}.`,
      {
        hint: 'Name a directory chk-<n> that has a _metadata file.',
        location: { file },
        cause,
      },
    )
  }
}

/** Names of files beside the metadata have no slash in front and no scheme. */
function isAbsolute(path: string): boolean {
  return path.startsWith('/') || path.includes('://')
}

function relativeTo(directory: string, manifest: CheckpointManifest): CheckpointManifest {
  const prefix = `${directory}/`
  return mapHandles(manifest, (handle) =>
    handle.kind === 'file' && handle.path.startsWith(prefix)
      ? { ...handle, path: handle.path.slice(prefix.length) }
      : handle,
  )
}
