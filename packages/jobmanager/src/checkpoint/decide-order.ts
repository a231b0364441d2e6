/**
 * Decides what a checkpoint shall be: from what is asked for and the job's settings to the order
 * that every task gets.
 *
 * Pure. What no task carries out yet is refused here, by name, before anything is triggered.
 */
import type { CheckpointOrder } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { CheckpointSettings } from './checkpoint-settings.ts'

/**
 * A savepoint is always aligned: it holds no elements under way, whatever they would be read by.
 * So is the last checkpoint of a job, behind which its tasks end.
 */
export function alignmentOf(
  { mode, unalignedAfterMs }: Pick<CheckpointSettings, 'mode' | 'unalignedAfterMs'>,
  purpose: { readonly isFinal: boolean; readonly savepoint: unknown },
): CheckpointOrder['align'] {
  const isAligned = unalignedAfterMs === null || purpose.isFinal || purpose.savepoint !== null
  return isAligned ? mode : { unalignedAfterMs }
}

/** Throws NOT_SUPPORTED_YET. */
export function decideOrder(asked: CheckpointOrder): CheckpointOrder {
  const { kind, after } = asked
  if (kind === 'checkpoint' && after !== 'go-on') {
    refuse(
      after === 'suspend'
        ? 'a checkpoint that suspends the job'
        : 'a checkpoint that drains the job',
    )
  }
  return asked
}

function refuse(what: string): never {
  throw jobManagerError('NOT_SUPPORTED_YET', `Not supported yet: ${what}.`)
}
