/** Error codes of the executables. */
import { defineErrors } from '@millrace/core'

export const { error: clusterError, declarations: CLUSTER_ERRORS } = defineErrors({
  PROCESS_START_FAILED: {
    domain: 'internal',
    retry: 'backoff',
    description: 'A JobManager or TaskManager process ended, or said nothing, before it was ready.',
  },
  TASKMANAGERS_NOT_REGISTERED: {
    domain: 'external',
    retry: 'backoff',
    description: '`cluster start` saw its TaskManagers start, but not reach the JobManager.',
  },
  CLUSTER_ALREADY_RUNNING: {
    domain: 'user',
    retry: 'never',
    description: '`cluster start` found a cluster of this directory that still runs.',
  },
  CLUSTER_NOT_RUNNING: {
    domain: 'user',
    retry: 'never',
    description: '`cluster stop` found no running cluster of this directory.',
  },
  OPERATION_STALLED: {
    domain: 'external',
    retry: 'never',
    description:
      'A command waited for what a cluster was asked to do, and nothing moved for `client.timeout`; it goes on there.',
  },
  OPERATION_LOST: {
    domain: 'external',
    retry: 'never',
    description:
      'The JobManager that was asked for an operation leads no more, and no other knows whether it was done.',
  },
})
