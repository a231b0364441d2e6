/**
 * KeptCheckpoint: a checkpoint as it was at the moment of its completion — its files, and what
 * the sink had shown or pre-committed by then — for a run of its own later, when the cluster has
 * dropped it long since.
 *
 * Taken between two events: the completion has been decided, and nobody has been told to commit
 * it yet.
 */
import { sharedPath } from '@millrace/state'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import { InstantFilesystem } from '../scenario/instant-filesystem.ts'
import type { OutputSoFar } from '../scenario/output-so-far.ts'

export interface KeptCheckpoint {
  /** Its directory. */
  readonly location: string
  readonly checkpointId: number
  /** By absolute path. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly output: OutputSoFar
}

/** With those that it shares with other checkpoints, of which some may be no longer needed. */
export function keepFiles(disk: SimulatedDisk, location: string): Map<string, Uint8Array> {
  const shared = sharedPath(location.slice(0, location.lastIndexOf('/')))
  const files = [...disk.files(location), ...disk.files(shared)]
  return new Map(files.map(({ path }) => [path, disk.bytesOf(path)]))
}

/** The checkpoint's files alone, on a disk of the world of `environment`. */
export function diskOf(
  { files }: KeptCheckpoint,
  { world }: Pick<SimulatedEnvironment, 'world'>,
): InstantFilesystem {
  const disk = new SimulatedDisk(world, 'kept')
  for (const [path, bytes] of files) disk.place(path, bytes)
  return new InstantFilesystem(disk)
}
