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
