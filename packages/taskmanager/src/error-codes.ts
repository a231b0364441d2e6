/**
 * The errors of TaskManagers and their slots.
 *
 * They reach the JobManager as the failure of a task, with operator, subtask and TaskManager as
 * location.
 */
import { defineErrors } from '@millrace/core'

export const { error: taskManagerError, declarations: TASKMANAGER_ERRORS } = defineErrors({
  CHECKPOINT_ORDER_INVALID: {
    domain: 'internal',
    retry: 'never',
    description: 'A TaskManager was sent something that is no order of a checkpoint.',
  },
  SLOT_OUT_OF_MEMORY: {
    domain: 'user',
    retry: 'backoff',
    description: 'The tasks of a slot needed more memory than its share; the slot was ended.',
  },
  SLOT_UNRESPONSIVE: {
    domain: 'user',
    retry: 'backoff',
    description:
      'A slot did not answer within `taskmanager.slot.liveness-timeout`: an operator loops or blocks; the slot was ended.',
  },
  SLOT_TERMINATED: {
    domain: 'internal',
    retry: 'backoff',
    description: 'A slot’s thread ended unexpectedly.',
  },
  SLOT_START_FAILED: {
    domain: 'internal',
    retry: 'backoff',
    description: 'A slot’s thread could not be started or did not become ready.',
  },
  TASK_CANCELLATION_TIMEOUT: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'A task did not close its operators within `task.cancellation.timeout`; its slot was ended.',
  },
  TASK_FAILED: {
    domain: 'internal',
    retry: 'backoff',
    description: 'An operator threw an unexpected error; the cause tells which.',
  },
  OPERATOR_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'A job names an operator factory that this TaskManager does not have.',
  },
  DEPLOYMENT_INVALID: {
    domain: 'internal',
    retry: 'never',
    description: 'A task deployment is inconsistent: a gate or an input operator is missing.',
  },
  JOB_MANAGER_LOST: {
    domain: 'external',
    retry: 'backoff',
    description:
      'The JobManager has not been reached for `heartbeat.timeout`; the TaskManager dropped its work.',
  },
})
