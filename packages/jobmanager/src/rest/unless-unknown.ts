/**
 * Metrics of what is not there are none, and no error: so the reference answers, whose clients ask
 * for what has just ended.
 */
import { isMillraceError } from '@millrace/core'

const UNKNOWN = ['JOB_NOT_FOUND', 'JOB_VERTEX_NOT_FOUND', 'JOB_SUBTASK_NOT_FOUND'] as const

export function unlessUnknown<A, B>(instead: B, answer: () => A): A | B {
  try {
    return answer()
  } catch (error) {
    if (UNKNOWN.some((code) => isMillraceError(error, code))) return instead
    throw error
  }
}
