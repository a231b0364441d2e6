/**
 * Error codes of the control plane. A stale caller is told so and stops; it never repeats the call.
 */
import { defineErrors } from '@millrace/core'

export const { error: protocolError, declarations: PROTOCOL_ERRORS } = defineErrors({
  STALE_LEADER: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'A control-plane call carries an older leader epoch than the one its receiver knows.',
  },
  STALE_ATTEMPT: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'A control-plane call names a task attempt that is unknown or was replaced by a newer one.',
  },
  TASK_MANAGER_UNKNOWN: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'A call comes from a TaskManager instance that is not registered; it registers again.',
  },
  SLOT_UNKNOWN: {
    domain: 'internal',
    retry: 'backoff',
    description: 'A call names a slot or allocation that this TaskManager does not have.',
  },
  SLOT_OCCUPIED: {
    domain: 'internal',
    retry: 'backoff',
    description: 'A slot was requested that is already allocated to another job or allocation.',
  },
  NOT_LEADER: {
    domain: 'external',
    retry: 'backoff',
    description:
      'The JobManager that was asked does not lead; the message says which one does, where one is known.',
  },
  HIGH_AVAILABILITY_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The options of high availability lack something or contradict each other.',
  },
  MESSAGE_MALFORMED: {
    domain: 'internal',
    retry: 'never',
    description: 'A control-plane message cannot be decoded: the two sides run different versions.',
  },
})
