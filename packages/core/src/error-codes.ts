/**
 * The error codes of batches, text forms and operators' configurations. (Configuration's codes
 * stand beside `Configuration`.)
 *
 * Whoever reads bytes from outside (network, state) sees BATCH_CORRUPT; nothing else of `core`
 * fails on data: parsers of texts return NaN or null and leave the message to the caller, who knows
 * the column and the record.
 */
import { defineErrors } from './error/millrace-error.ts'

export const { error: coreError, declarations: CORE_ERRORS } = defineErrors({
  BATCH_CORRUPT: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'Bytes that should be an encoded batch are truncated, damaged or of another schema.',
  },
  EDGE_TYPE_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description: 'An edge of a job carries something that this version cannot encode.',
  },
  OPERATOR_CONFIG_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'The configuration of an operator, as the job graph holds it, is not one that this version understands.',
  },
  TIME_ZONE_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'A time zone is neither an IANA name, nor UTC, nor an offset such as +08:00.',
  },
})
