/** What REST shows of the log files of a process. */
import type { LogFile } from '@millrace/platform'
import type { LogFilesAnswer } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'

/** Null: the process knows of none. */
export function logFiles(files: readonly LogFile[] | null): LogFilesAnswer {
  return {
    logs: (files ?? []).map(({ name, sizeBytes, modifiedMs }) => ({
      name,
      size: sizeBytes,
      mtime: modifiedMs,
    })),
  }
}

/** `name` null: the one that it logs to now. */
export function noSuchLog(process: string, name: string | null, option: string) {
  return jobManagerError(
    'LOG_NOT_FOUND',
    name === null
      ? `The ${process} does not know where its log is.`
      : `The ${process} has no log file '${name}'.`,
    {
      hint: `Its log files are those beside the file that '${option}' names.`,
      location: { optionKey: option },
    },
  )
}
