/**
 * Decides what a checkpoint shall be: from what is asked for and the job's settings to the order
 * that every task gets.
 *
 * Pure. What no task carries out yet is refused here, by name, before anything is triggered.
 */
import type { CheckpointOrder } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'

/** Throws NOT_SUPPORTED_YET. */
export function decideOrder(asked: CheckpointOrder): CheckpointOrder {
  const { kind, align, after } = asked
  if (typeof align === 'object') refuse('unaligned checkpoints')
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
