/** Error codes of the JobManager. */
import { defineErrors } from '@millrace/core'

export const { error: jobManagerError, declarations: JOBMANAGER_ERRORS } = defineErrors({
  JOB_GRAPH_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'A submitted job graph does not have the expected shape or contradicts itself.',
  },
  JOB_ALREADY_SUBMITTED: {
    domain: 'user',
    retry: 'never',
    description: 'A job with this id was submitted before.',
  },
  JOB_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'No running or remembered job has this id.',
  },
  JOB_ALREADY_ENDED: {
    domain: 'user',
    retry: 'never',
    description: 'A job cannot be cancelled because it has ended.',
  },
  JOB_VERTEX_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The job has no vertex of this id.',
  },
  CHECKPOINT_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'No checkpoint of this id is in the job’s history.',
  },
  COORDINATOR_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description:
      'The operator has no JobManager-side part that takes requests, or its time after the end of the job is over.',
  },
  COORDINATOR_FACTORY_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'A job names a JobManager-side operator part that this JobManager does not have.',
  },
  TASK_MANAGER_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'No TaskManager of this id is registered.',
  },
  REST_PATH_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The REST server has no such path or method.',
  },
  REST_REQUEST_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'A REST request has a body or parameter that does not fit.',
  },
  REST_PORT_UNAVAILABLE: {
    domain: 'external',
    retry: 'never',
    description: 'The REST server cannot listen on the configured address.',
  },
  NOT_ENOUGH_SLOTS: {
    domain: 'external',
    retry: 'never',
    description: 'The slots that a job needs did not become free within `slot.request.timeout`.',
  },
  SLOT_LOST: {
    domain: 'external',
    retry: 'backoff',
    description: 'A TaskManager no longer has a slot that ran tasks.',
  },
  TASK_MANAGER_LOST: {
    domain: 'external',
    retry: 'backoff',
    description: 'A TaskManager that ran tasks is gone or does not answer.',
  },
  TASK_DEPLOYMENT_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A TaskManager did not take the tasks that were deployed to it.',
  },
  OPERATOR_EVENT_LOST: {
    domain: 'external',
    retry: 'backoff',
    description: 'An event for a subtask could not be delivered, so its attempt is given up.',
  },
  RESTARTS_EXHAUSTED: {
    domain: 'external',
    retry: 'never',
    description: 'The restart strategy does not allow another restart.',
  },
  CHECKPOINT_DECLINED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A task could not take its part of a checkpoint.',
  },
  CHECKPOINT_EXPIRED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A checkpoint was not complete within `execution.checkpointing.timeout`.',
  },
  CHECKPOINT_FAILURES_EXCEEDED: {
    domain: 'external',
    retry: 'backoff',
    description:
      'More checkpoints failed in a row than `execution.checkpointing.tolerable-failed-checkpoints` allows.',
  },
  CHECKPOINT_TRIGGER_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A checkpoint could not be started.',
  },
  LEADERSHIP_LOST: {
    domain: 'external',
    retry: 'backoff',
    description:
      'The JobManager stopped leading during the request. Whether it took effect is known to the next leader.',
  },
  JOB_RECORD_DAMAGED: {
    domain: 'external',
    retry: 'never',
    description: 'What high availability stored about a job cannot be read.',
  },
  CHECKPOINTS_NOT_SHARED: {
    domain: 'user',
    retry: 'never',
    description:
      'With high availability a job keeps its checkpoints in the JobManager’s memory, where the next leader does not find them.',
  },
  NOT_SUPPORTED_YET: {
    domain: 'user',
    retry: 'never',
    description: 'A job asks for something that this version does not do.',
  },
})
