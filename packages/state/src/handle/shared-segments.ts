/**
 * Segments that several checkpoints of a job refer to, in a directory of their own beside those of
 * the checkpoints, where no removal of a checkpoint touches them.
 *
 *     <job directory>/shared/<checkpoint that wrote it>-<operator>-<subtask>-<attempt>.state
 *
 * Agreed between slots, which write them, and the JobManager, which knows who needs them. The
 * number in front says whose rubbish a file is that nothing refers to.
 */
import type { OperatorStateHandles } from '@millrace/core'

/** `jobDirectory` is `<execution.checkpointing.dir>/<job id>`. */
export function sharedPath(jobDirectory: string): string {
  return `${jobDirectory}/shared`
}

export function sharedSegmentName(checkpointId: number, ownName: string): string {
  return `${checkpointId}-${ownName}`
}

/** The checkpoint that wrote the file; null when it is no shared segment. */
export function writerOfSegment(path: string): number | null {
  const match = /\/(\d{1,15})-[^/]+\.state$/.exec(path)
  return match === null ? null : Number(match[1])
}

/** What a manifest says of operators' states. */
export interface StatesOfOperators {
  readonly operators: readonly { readonly subtasks: readonly (OperatorStateHandles | null)[] }[]
}

/** Files of `manifest` that stand in the shared directory of `jobDirectory`. */
export function sharedFilesOf(manifest: StatesOfOperators, jobDirectory: string): Set<string> {
  const prefix = `${sharedPath(jobDirectory)}/`
  const files = new Set<string>()
  for (const { subtasks } of manifest.operators) {
    for (const handles of subtasks) {
      for (const { handle } of handles?.parts ?? []) {
        if (handle.kind === 'file' && handle.path.startsWith(prefix)) files.add(handle.path)
      }
    }
  }
  return files
}
