/**
 * Checkpoints in a directory: `<dir>/<job id>/chk-<n>`, each as `checkpoint-directory` says.
 */
import { isMillraceError, type MillraceError } from '@millrace/core'
import { type Filesystem, makeDurableDirectory } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { checkpointPath } from '../handle/checkpoint-path.ts'
import { sharedFilesOf, sharedPath, writerOfSegment } from '../handle/shared-segments.ts'
import { CHECKPOINT_DIRECTORY } from '../state-options.ts'
import {
  completeCheckpoint,
  METADATA_FILE,
  readCheckpoint,
  removeCheckpoint,
} from './checkpoint-directory.ts'
import { type CheckpointManifest, describeKnown } from './checkpoint-manifest.ts'
import type { CheckpointStorage, CompletedCheckpoint } from './checkpoint-storage.ts'
import { directoryHint } from './directory-hints.ts'

const PROBE_FILE = '.write-probe'
/** How often a directory that gives errors of the disk is tried at a job's start. */
const PREPARE_TRIES_MAX = 8

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
        const isMendable = directoryHint(code) === undefined && !isMillraceError(cause)
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
    const known = isMillraceError(cause) ? cause.hint : directoryHint(code)
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

  complete(manifest: CheckpointManifest): Promise<CompletedCheckpoint> {
    const directory = checkpointPath(this.directory, manifest.checkpointId)
    return completeCheckpoint(directory, manifest, this.#filesystem)
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

  discard(checkpointId: number): Promise<void> {
    return removeCheckpoint(checkpointPath(this.directory, checkpointId), this.#filesystem)
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
    await this.#removeUnneededSegments(below)
    await this.removeProbes()
    return others
  }

  /** Whatever wrote them, a checkpoint that is whole keeps what it refers to. */
  async #removeUnneededSegments(below: number): Promise<void> {
    const segments = await this.sharedSegments()
    if (segments.length === 0) return
    const needed = new Set<string>()
    for (const id of await this.list()) {
      for (const path of sharedFilesOf(await this.read(id), this.directory)) needed.add(path)
    }
    const isRubbish = (path: string): boolean =>
      !needed.has(path) && (writerOfSegment(path) ?? below) < below
    await this.removeSegments(segments.filter(isRubbish))
  }

  async sharedSegments(): Promise<string[]> {
    const directory = sharedPath(this.directory)
    if ((await this.#filesystem.status(directory)) === null) return []
    const files = await this.#filesystem.list(directory)
    return files.filter(({ isDirectory }) => !isDirectory).map(({ path }) => path)
  }

  async removeSegments(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.#filesystem.remove(path)
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
