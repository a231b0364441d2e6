/** What a process answers to `ProcessQuestion`; of JobManager and TaskManager alike. */
import type { ProcessInspection } from '@millrace/platform'
import type { ProcessQuestion } from './task-manager-gateway.ts'

/** Longer logs are answered by their end. */
const LOG_BYTES_MAX = 16 * 1024 * 1024

export async function answerQuestion(
  inspection: ProcessInspection,
  question: ProcessQuestion,
): Promise<unknown> {
  switch (question.kind) {
    case 'threads':
      return await inspection.threads()
    case 'profile':
      // It runs no attempts.
      return []
    case 'log-files':
      return await inspection.logFiles()
    case 'log': {
      const name = question.name ?? inspection.logFile
      return name === null ? null : await inspection.readLog(name, LOG_BYTES_MAX)
    }
  }
}
