/**
 * A complete checkpoint that a job may restart from can be restored, at every moment: its metadata
 * reads, and every file that it refers to is there, as long as it was.
 */
import { isMillraceError } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { type CheckpointManifest, readCheckpoint } from '@millrace/state'
import type { Violation } from './violation.ts'

/** Paths of the state files of a checkpoint, with their sizes in bytes. */
function filesOf(manifest: CheckpointManifest): Map<string, number> {
  const files = new Map<string, number>()
  for (const { subtasks } of manifest.operators) {
    for (const handles of subtasks) {
      for (const { handle } of handles?.parts ?? []) {
        if (handle.kind === 'file') files.set(handle.path, handle.size)
      }
    }
  }
  return files
}

/** Null when all is well. `filesystem` shows the disk as it is, without faults. */
export async function checkRestorable(
  location: string,
  filesystem: Filesystem,
): Promise<Violation | null> {
  let manifest: CheckpointManifest
  try {
    manifest = await readCheckpoint(location, filesystem)
  } catch (error) {
    return {
      checker: 'restorable-checkpoint',
      message: `The checkpoint at ${location} cannot be read.`,
      details: [isMillraceError(error) ? `${error.code}: ${error.message}` : String(error)],
    }
  }
  const missing: string[] = []
  for (const [path, size] of filesOf(manifest)) {
    const status = await filesystem.status(path)
    if (status === null) missing.push(`${path} is not there`)
    else if (status.size < size) missing.push(`${path} has ${status.size} bytes of ${size}`)
  }
  if (missing.length === 0) return null
  return {
    checker: 'restorable-checkpoint',
    message: `The checkpoint at ${location} refers to files that are gone.`,
    details: missing.slice(0, 10),
  }
}
