/**
 * The errors of the exchange: what goes wrong between a result partition and an input gate.
 *
 * Every one fails the consuming (or producing) subtask; the restart strategy then decides.
 */
import { defineErrors } from '@millrace/core'

export const { error: networkError, declarations: NETWORK_ERRORS } = defineErrors({
  NETWORK_MEMORY_INSUFFICIENT: {
    domain: 'user',
    retry: 'backoff',
    description:
      'A slot has too few network buffers for the channels of the tasks deployed into it.',
  },
  NETWORK_CONNECTION_LOST: {
    domain: 'external',
    retry: 'backoff',
    description: 'The data connection to the slot of a producer closed while channels were open.',
  },
  NETWORK_PARTITION_NOT_FOUND: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'A consumer asked for a result partition that its producer did not register within the request timeout.',
  },
  NETWORK_ROW_TOO_LARGE: {
    domain: 'data',
    retry: 'never',
    description: 'A single row takes more bytes than a channel carries in one piece.',
  },
  NETWORK_PROTOCOL_VIOLATION: {
    domain: 'internal',
    retry: 'backoff',
    description:
      'A data frame broke the exchange protocol: bad magic, sequence number, credit, or length.',
  },
})
