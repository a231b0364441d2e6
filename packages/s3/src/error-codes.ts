/**
 * Errors of buckets.
 *
 * Each may pass by itself (a bucket that is made, a policy that is mended, a role whose credentials
 * are renewed), so none ends a job at once: whoever waits for the outcome of a write asks again.
 */
import { defineErrors } from '@millrace/core'

export const { error: s3Error, declarations: S3_ERRORS } = defineErrors({
  S3_OPTIONS_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The options of S3 lack something or contradict each other.',
  },
  S3_BUCKET_MISSING: {
    domain: 'user',
    retry: 'backoff',
    description: 'There is no bucket of that name.',
  },
  S3_ACCESS_DENIED: {
    domain: 'user',
    retry: 'backoff',
    description: 'There are no credentials for a bucket, or they do not permit what was tried.',
  },
  S3_REGION_WRONG: {
    domain: 'user',
    retry: 'backoff',
    description: 'No region is set for a bucket, or it is in another one.',
  },
  S3_CONDITIONS_IGNORED: {
    domain: 'user',
    retry: 'backoff',
    description:
      'A server does not keep the conditions of writes (If-None-Match, If-Match), so two JobManagers could lead at once.',
  },
  S3_UNREACHABLE: {
    domain: 'external',
    retry: 'backoff',
    description:
      'The server of a bucket cannot be reached or did not answer in time. Whether a write took effect is unknown until the object is read again.',
  },
  S3_REQUEST_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description:
      'The server of a bucket answered with an error. Whether a write took effect is unknown until the object is read again.',
  },
})
