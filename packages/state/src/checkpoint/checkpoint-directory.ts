/**
 * One checkpoint's directory, retained checkpoint or savepoint: `_metadata` and the segments of
 * subtasks beside it.
 *
 * `_metadata` appears atomically, last; it is removed first. So a directory without it is rubbish,
 * and one with it is whole. Where only what it names may go, a copy says so until all has gone.
 * Handles of segments in the directory itself are stored by name, so that it may be moved or
 * copied; those of segments that checkpoints share as `../shared/…`, so that all of a job may.
 */
import { isMillraceError } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { readUntilSound } from '../handle/read-until-sound.ts'
import { sharedFilesOf, sharedPath } from '../handle/shared-segments.ts'
import {
  type CheckpointManifest,
  decodeManifest,
  encodeManifest,
  manifestStateSize,
  mapHandles,
} from './checkpoint-manifest.ts'
import type { CompletedCheckpoint } from './checkpoint-storage.ts'
import { directoryHint, readingHint } from './directory-hints.ts'

export const METADATA_FILE = '_metadata'
/** A copy of the manifest while what that named is being removed. */
const DISPOSAL_FILE = '_disposal'
/** In front of what stands beside the directory. */
const BESIDE = '../'

/** So many that are there are named to who named none. */
const NAMED_MAX = 5

/** Nothing is there that could be read. */
const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

/**
 * Writes the manifest, once and atomically: from then on the directory is a checkpoint. Rejects
 * with CHECKPOINT_WRITE_FAILED, CHECKPOINT_ALREADY_COMPLETE.
 */
export async function completeCheckpoint(
  directory: string,
  manifest: CheckpointManifest,
  filesystem: Filesystem,
): Promise<CompletedCheckpoint> {
  const file = `${directory}/${METADATA_FILE}`
  const bytes = encodeManifest(relativeTo(directory, manifest))
  try {
    await filesystem.makeDirectory(directory)
    if ((await filesystem.status(file)) !== null) {
      throw stateError(
        'CHECKPOINT_ALREADY_COMPLETE',
        `Checkpoint ${manifest.checkpointId} of job ${manifest.jobId} already has ${file}.`,
        { hint: 'Another JobManager runs the same job; stop one of them.', location: { file } },
      )
    }
    await filesystem.writeFileAtomic(file, bytes)
    await filesystem.syncDirectory(parentOf(directory) || '/')
  } catch (cause) {
    if (isMillraceError(cause)) throw cause
    const { code = '', message } = cause as { code?: string; message: string }
    throw stateError('CHECKPOINT_WRITE_FAILED', `Cannot write ${file}: ${message}.`, {
      hint: directoryHint(code) ?? 'Check the disk of the checkpoint directory.',
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

/** Removes a checkpoint, complete or not; missing is fine. */
export async function removeCheckpoint(directory: string, filesystem: Filesystem): Promise<void> {
  if ((await filesystem.status(directory)) === null) return
  const file = `${directory}/${METADATA_FILE}`
  if ((await filesystem.status(file)) !== null) await filesystem.remove(file)
  // Also when it was gone already: who removed it may have been killed before this, and a power
  // cut would bring it back without its segments.
  await filesystem.syncDirectory(directory)
  await filesystem.remove(directory)
}

/**
 * Removes the checkpoint or savepoint at `location` and nothing else: what its manifest names, but
 * for what a checkpoint beside it names too, and the directory when nothing else is in it. Rejects
 * as `readCheckpoint` does; missing files are fine. When it failed, or its process ended, at any
 * step, whoever calls it again goes on with it.
 */
export async function disposeCheckpoint(location: string, filesystem: Filesystem): Promise<void> {
  const directory = directoryOf(location)
  const manifest = await manifestToDispose(directory, filesystem)
  for (const file of await sharedWithNone(directory, manifest, filesystem)) {
    await filesystem.remove(file)
  }
  const own: string[] = []
  mapHandles(manifest, (handle) => {
    if (handle.kind === 'file' && handle.path.startsWith(`${directory}/`)) own.push(handle.path)
    return handle
  })
  for (const file of own) await filesystem.remove(file)
  // Behind all that it names.
  await filesystem.syncDirectory(directory)
  await filesystem.remove(`${directory}/${DISPOSAL_FILE}`)
  if ((await filesystem.list(directory)).length > 0) return
  await filesystem.remove(directory)
  await filesystem.syncDirectory(parentOf(directory) || '/')
}

/** From here on nothing restores from it, and a copy of its manifest says what is to go. */
async function manifestToDispose(
  directory: string,
  filesystem: Filesystem,
): Promise<CheckpointManifest> {
  const copy = `${directory}/${DISPOSAL_FILE}`
  let manifest: CheckpointManifest
  try {
    manifest = await readCheckpoint(directory, filesystem)
  } catch (error) {
    if (!isMillraceError(error, 'CHECKPOINT_NOT_FOUND')) throw error
    if ((await filesystem.status(copy)) === null) throw error
    return readManifest(copy, directory, filesystem)
  }
  await filesystem.writeFileAtomic(copy, encodeManifest(relativeTo(directory, manifest)))
  await filesystem.remove(`${directory}/${METADATA_FILE}`)
  await filesystem.syncDirectory(directory)
  return manifest
}

/** Shared segments of `manifest` that no other complete checkpoint of the job refers to. */
async function sharedWithNone(
  directory: string,
  manifest: CheckpointManifest,
  filesystem: Filesystem,
): Promise<string[]> {
  const parent = parentOf(directory)
  const files = sharedFilesOf(manifest, parent)
  if (files.size === 0) return []
  for (const { path, isDirectory } of await filesystem.list(parent)) {
    if (!isDirectory || path === directory) continue
    if ((await filesystem.status(`${path}/${METADATA_FILE}`)) === null) continue
    const other = await readCheckpoint(path, filesystem)
    for (const file of sharedFilesOf(other, parent)) files.delete(file)
  }
  return [...files]
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
  const directory = directoryOf(location)
  return readManifest(`${directory}/${METADATA_FILE}`, directory, filesystem)
}

async function readManifest(
  file: string,
  directory: string,
  filesystem: Filesystem,
): Promise<CheckpointManifest> {
  const manifest = await readUntilSound(
    async () => decodeManifest(await readMetadata(file, directory, filesystem), file),
    (error) => isMillraceError(error, 'CHECKPOINT_METADATA_CORRUPTED'),
  )
  return mapHandles(manifest, (handle) =>
    handle.kind === 'file' && !isAbsolute(handle.path)
      ? { ...handle, path: pathFrom(directory, handle.path) }
      : handle,
  )
}

function directoryOf(location: string): string {
  const isFile = location.endsWith(`/${METADATA_FILE}`)
  return isFile ? location.slice(0, -METADATA_FILE.length - 1) : location.replace(/\/+$/, '')
}

/** A bucket knows no `..`. */
function pathFrom(directory: string, name: string): string {
  if (!name.startsWith(BESIDE)) return `${directory}/${name}`
  return `${parentOf(directory)}/${name.slice(BESIDE.length)}`
}

function parentOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf('/'))
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
    const location = { file }
    if (!MISSING.has(code)) {
      const hint =
        readingHint(code) ??
        'Check the disk of the checkpoint directory and that every process can reach it.'
      const text = `Cannot read ${file}: ${message}.`
      throw stateError('STATE_UNREADABLE', text, { hint, location, cause })
    }
    const within = await checkpointsIn(directory, filesystem)
    throw stateError(
      'CHECKPOINT_NOT_FOUND',
      within.length === 0
        ? `There is no complete checkpoint at ${directory}: ${message}.`
        : `Name one of the checkpoints in ${directory}: ${within.join(', ')}.`,
      {
        hint: 'Name a directory chk-<n> or savepoint-… that has a _metadata file.',
        location,
        cause,
      },
    )
  }
}

/** For who named the directory above: the last few in it that are complete. */
async function checkpointsIn(directory: string, filesystem: Filesystem): Promise<string[]> {
  const found: string[] = []
  try {
    for (const { path, isDirectory } of (await filesystem.list(directory)).reverse()) {
      if (found.length === NAMED_MAX) break
      const name = path.slice(directory.length + 1)
      if (!isDirectory || !/^(?:chk-\d+|savepoint-[-0-9a-f]+)$/.test(name)) continue
      if ((await filesystem.status(`${path}/${METADATA_FILE}`)) !== null) found.push(name)
    }
  } catch {
    // That it cannot be looked into either is no news.
  }
  return found.reverse()
}

/** Names of files beside the metadata have no slash in front and no scheme. */
function isAbsolute(path: string): boolean {
  return path.startsWith('/') || path.includes('://')
}

function relativeTo(directory: string, manifest: CheckpointManifest): CheckpointManifest {
  const prefix = `${directory}/`
  const parent = parentOf(directory)
  const shared = `${sharedPath(parent)}/`
  return mapHandles(manifest, (handle) => {
    if (handle.kind !== 'file') return handle
    const { path } = handle
    if (path.startsWith(prefix)) return { ...handle, path: path.slice(prefix.length) }
    if (!path.startsWith(shared)) return handle
    return { ...handle, path: `${BESIDE}${path.slice(parent.length + 1)}` }
  })
}
