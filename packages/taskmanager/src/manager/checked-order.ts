/** A checkpoint's order as it came over the control plane, checked before a slot obeys it. */
import { type CheckpointOrder, readCheckpointOrder } from '@millrace/core'
import { taskManagerError } from '../error-codes.ts'

/** Throws CHECKPOINT_ORDER_INVALID. */
export function checkedOrder(value: unknown): CheckpointOrder {
  const order = readCheckpointOrder(value)
  if (order !== null) return order
  throw taskManagerError(
    'CHECKPOINT_ORDER_INVALID',
    `Send a checkpoint's order; this is none: ${JSON.stringify(value)}.`,
    { hint: 'JobManager and TaskManagers have to be of the same version.' },
  )
}
