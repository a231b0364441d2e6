/** What REST shows of the log files and threads of a process. */
import type { LogFile, ThreadState } from '@millrace/platform'
import type { LogFilesAnswer, ThreadDumpAnswer } from '@millrace/rest-api'
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

/** As the reference prints them, which reads Java's. Null: the process was not to be asked. */
export function threadDump(threads: readonly ThreadState[] | null): ThreadDumpAnswer {
  return {
    threadInfos: (threads ?? []).map(({ name, stack }) => ({
      threadName: name,
      stringifiedThreadInfo: [`"${name}"`, ...stack.map((call) => `\tat ${call}`), ''].join('\n'),
    })),
  }
}
