/** Error codes of the JobManager. */
import { defineErrors } from '@millrace/core'

export const { error: jobManagerError, declarations: JOBMANAGER_ERRORS } = defineErrors({
  JOB_GRAPH_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'A submitted job graph does not have the expected shape or contradicts itself.',
  },
  JOB_GRAPH_VERSION_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description:
      'A job graph, submitted or stored by high availability, was made by another version of Millrace.',
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
    description: 'A job cannot be cancelled because it has finished or failed.',
  },
  JOB_VERTEX_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The job has no vertex of this id.',
  },
  JOB_SUBTASK_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The vertex has no subtask of this index.',
  },
  ATTEMPT_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The subtask has no attempt of this number, or it is not kept any more.',
  },
  LOG_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The process has no log file of this name, or logs to none.',
  },
  RESCALING_REPLACED: {
    domain: 'external',
    retry: 'never',
    description: 'The way of rescaling that the reference engine has switched off was asked for.',
  },
  CHECKPOINT_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'No checkpoint of this id is in the job’s history.',
  },
  CHECKPOINT_IN_USE: {
    domain: 'user',
    retry: 'never',
    description: 'A checkpoint was to be removed that a job which has not ended may go back to.',
  },
  SAVEPOINT_DIRECTORY_MISSING: {
    domain: 'user',
    retry: 'never',
    description:
      'A savepoint was asked for without a directory, and `execution.checkpointing.savepoint-dir` names none.',
  },
  SAVEPOINT_NOT_POSSIBLE: {
    domain: 'user',
    retry: 'never',
    description:
      'No savepoint of the job can be taken: it does not run, it is ending, or it has no checkpoints.',
  },
  SAVEPOINT_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A savepoint was begun and could not be completed; its cause says why.',
  },
  CHECKPOINT_NOT_POSSIBLE: {
    domain: 'user',
    retry: 'never',
    description:
      'No checkpoint of the job can be taken: it does not run, it is ending, or it has no checkpoints.',
  },
  CHECKPOINT_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A checkpoint that was asked for could not be completed; its cause says why.',
  },
  RESOURCE_REQUIREMENTS_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'Bounds of parallelism that were asked for do not fit the job: unknown or missing vertices, above max-parallelism, below 1.',
  },
  RESCALE_NOT_POSSIBLE: {
    domain: 'user',
    retry: 'never',
    description:
      'The job cannot be rescaled: it does not run, it is ending, it has no checkpoints, there are too few slots, or it runs in reactive mode.',
  },
  RESCALES_UNAVAILABLE: {
    domain: 'user',
    retry: 'never',
    description:
      'No rescales of the job are kept: `web.adaptive-scheduler.rescale-history.size` is 0.',
  },
  SCHEDULER_NOT_ADAPTIVE: {
    domain: 'user',
    retry: 'never',
    description:
      'What was asked for is of jobs that follow the slots that there are: `jobmanager.scheduler` is not `adaptive`.',
  },
  CLUSTER_REACTIVE: {
    domain: 'user',
    retry: 'never',
    description:
      'In reactive mode one job takes every slot: there is no second job beside one, and none beside others.',
  },
  RESCALE_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'No rescale of this id is in the job’s history.',
  },
  STOP_GIVEN_UP: {
    domain: 'external',
    retry: 'backoff',
    description:
      'A savepoint that was to stop a job was not completed, and tasks had ended their input for it.',
  },
  STOP_NOT_FINISHED: {
    domain: 'external',
    retry: 'never',
    description:
      'A job was stopped by a complete savepoint, and failed before its sinks had committed what that holds; whatever starts from it commits it.',
  },
  OPERATION_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description:
      'No operation of this trigger id is known: it was never triggered, its answer has expired, or another JobManager took over.',
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
    description:
      'The slots that a job needs did not become free within `slot.request.timeout`; with the adaptive scheduler: those that it needs at least, within `jobmanager.adaptive-scheduler.submission.resource-wait-timeout`.',
  },
  PARALLELISM_INVALID: {
    domain: 'internal',
    retry: 'never',
    description: 'A round of deployment was given a parallelism that the job cannot run at.',
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
  ACKNOWLEDGEMENT_INVALID: {
    domain: 'internal',
    retry: 'never',
    description: 'A task acknowledged a checkpoint with state that is malformed or not its own.',
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
  CHECKPOINTING_CONFLICT: {
    domain: 'user',
    retry: 'never',
    description: 'Two checkpoint options of the job exclude each other.',
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
