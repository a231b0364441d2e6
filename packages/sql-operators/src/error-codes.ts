/**
 * Errors of the SQL operators: raised in a slot (or in an operator's coordinator) while a job runs.
 */
import { defineErrors } from '@millrace/core'

export const { error: sqlOperatorError, declarations: SQL_OPERATOR_ERRORS } = defineErrors({
  CONNECTOR_NOT_LOADED: {
    domain: 'user',
    retry: 'never',
    description:
      'A job uses a connector that this process does not have, or one that cannot do it.',
  },
  ROWTIME_NULL: {
    domain: 'data',
    retry: 'never',
    description: 'A row has no event time: the column that a WATERMARK is declared for is NULL.',
  },
  AGGREGATE_NOT_SUPPORTED: {
    domain: 'user',
    retry: 'never',
    description: 'An aggregate function does not support its argument type or kind of input yet.',
  },
  COORDINATOR_EVENT_UNKNOWN: {
    domain: 'internal',
    retry: 'never',
    description: 'An operator and its coordinator do not speak the same version.',
  },
  COLLECT_REQUEST_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'A request for the rows of a SELECT has an offset or a limit that cannot be served.',
  },
  COLLECT_QUERY_FAILED: {
    domain: 'user',
    retry: 'never',
    description: 'The job behind a SELECT failed; its exceptions say why.',
  },
  COLLECT_CLIENT_GONE: {
    domain: 'user',
    retry: 'never',
    description:
      'Nobody has asked for the rows of a SELECT for longer than client.heartbeat.timeout.',
  },
})
