/** The SQL gateway's error codes. */
import { defineErrors } from '@millrace/core'

export const { error: gatewayError, declarations: GATEWAY_ERRORS } = defineErrors({
  SESSION_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The session handle is unknown, or its session has been closed or has timed out.',
  },
  OPERATION_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'The operation handle is unknown in its session, or has been closed.',
  },
  RESULT_TOKEN_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The result page asked for is neither the current nor the next one.',
  },
  SESSION_LIMIT_REACHED: {
    domain: 'user',
    retry: 'backoff',
    description: 'As many sessions are open as `sql-gateway.session.max-num` allows.',
  },
  REQUEST_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'A request to the SQL gateway has a handle, token or row format that is none.',
  },
  STATEMENT_NOT_OF_SESSION: {
    domain: 'user',
    retry: 'never',
    description: 'A session was to be configured by a statement that concerns the cluster.',
  },
  JOB_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'DESCRIBE JOB was asked about an id that no running or remembered job has.',
  },
  DRAIN_WITHOUT_SAVEPOINT: {
    domain: 'user',
    retry: 'never',
    description: 'STOP JOB was asked for WITH DRAIN without WITH SAVEPOINT; the job goes on.',
  },
  COLLECT_ROWS_REPEATED: {
    domain: 'user',
    retry: 'never',
    description:
      'The job of a SELECT restarted after it had shown more rows since its checkpoint than are remembered.',
  },
  STATEMENT_CANCELED: {
    domain: 'user',
    retry: 'never',
    description: 'The statement was cancelled before it ended.',
  },
  STATEMENT_TIMEOUT: {
    domain: 'user',
    retry: 'backoff',
    description: 'The statement did not end within its execution timeout.',
  },
})
