/** The newest complete checkpoint of a job on the disk, as a user would look for it. */
import type { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import { CHECKPOINT_DIRECTORY } from './simulated-environment.ts'

/** Its directory, of the last of the jobs that has one; null when none has. */
export function latestCheckpoint(disk: SimulatedDisk, jobIds: readonly string[]): string | null {
  for (const jobId of [...jobIds].reverse()) {
    const ids: number[] = []
    for (const { path } of disk.files(`${CHECKPOINT_DIRECTORY}/${jobId}`)) {
      const match = /\/chk-(\d+)\/_metadata$/.exec(path)
      if (match !== null) ids.push(Number(match[1]))
    }
    if (ids.length > 0) return `${CHECKPOINT_DIRECTORY}/${jobId}/chk-${Math.max(...ids)}`
  }
  return null
}
