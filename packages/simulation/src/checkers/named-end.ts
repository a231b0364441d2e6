/**
 * A job from which a fault took something that it needs ends by the name of that loss: never under
 * another one, never without such a fault, and never by going on with less.
 */
import type { ErrorData } from '@millrace/core'
import type { Losses } from '../faults/losses.ts'
import { type Violation, violation } from './violation.ts'

export interface FailedEnd {
  readonly cause: Pick<ErrorData, 'code' | 'message' | 'location'>
  /** Directories of the checkpoints that the job says it keeps. */
  readonly retained: readonly string[]
}

/** Nothing: the job ended as it should. */
export function judgeFailedEnd({ cause }: FailedEnd, losses: Losses): Violation[] {
  if (losses.explain(cause)) return []
  return [violation('liveness', 'The job failed.', [`${cause.code}: ${cause.message}`])]
}
