/** Error codes of REST clients. Errors that the server reports keep their own codes. */
import { defineErrors } from '@millrace/core'

export const { error: restError, declarations: REST_ERRORS } = defineErrors({
  REST_UNREACHABLE: {
    domain: 'external',
    retry: 'backoff',
    description: 'No JobManager answers at the REST address.',
  },
  REST_ANSWER_UNEXPECTED: {
    domain: 'external',
    retry: 'never',
    description: 'The REST address answers, but not as a JobManager does.',
  },
  OPERATION_FAILED: {
    domain: 'external',
    retry: 'never',
    description:
      'An operation that was triggered failed, for a reason that is no error of Millrace.',
  },
})
