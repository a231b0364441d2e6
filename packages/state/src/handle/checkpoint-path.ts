/**
 * Where a checkpoint's files are, agreed between the slots that write segments and the JobManager
 * that writes the manifest.
 */

/** The directory of one checkpoint; `jobDirectory` is `<execution.checkpointing.dir>/<job id>`. */
export function checkpointPath(jobDirectory: string, checkpointId: number): string {
  return `${jobDirectory}/chk-${checkpointId}`
}
