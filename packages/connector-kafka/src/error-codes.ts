/** The Kafka connector's error codes, one table; docs/errors.md lists the same ones. */
import { defineErrors } from '@millrace/core'

export const { error: kafkaError, declarations: KAFKA_ERRORS } = defineErrors({
  KAFKA_OPTION_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'A WITH option or a `properties.*` value of a Kafka table is missing or does not fit.',
  },
  KAFKA_UNREACHABLE: {
    domain: 'external',
    retry: 'backoff',
    description: 'No Kafka broker could be reached, or one stopped answering, until the deadline.',
  },
  KAFKA_AUTHENTICATION_FAILED: {
    domain: 'user',
    retry: 'never',
    description: 'The broker refused the SASL credentials or the TLS handshake failed.',
  },
  KAFKA_SECURITY_MISMATCH: {
    domain: 'user',
    retry: 'never',
    description:
      'The listener of the broker wants another security.protocol or SASL mechanism than the table says.',
  },
  KAFKA_TOPIC_MISSING: {
    domain: 'user',
    retry: 'never',
    description: 'The topic of a table does not exist on the brokers.',
  },
  KAFKA_REQUEST_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A broker answered a request with an error that waiting does not mend.',
  },
  KAFKA_RESPONSE_MALFORMED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A response of a broker cannot be decoded.',
  },
  KAFKA_RECORDS_CORRUPT: {
    domain: 'data',
    retry: 'backoff',
    description: 'A record batch fails its CRC-32C or its lengths do not add up.',
  },
  KAFKA_RECORD_FORMAT_UNSUPPORTED: {
    domain: 'data',
    retry: 'never',
    description: 'A record batch has an older format than version 2 or an unknown compression.',
  },
  KAFKA_OFFSET_OUT_OF_RANGE: {
    domain: 'data',
    retry: 'never',
    description: 'The offset to read from is no longer (or not yet) in the partition.',
  },
  KAFKA_TOPIC_MADE_ANEW: {
    domain: 'data',
    retry: 'never',
    description:
      'A topic was deleted and made anew: the offset that reading would go on from is another topic’s.',
  },
  KAFKA_NO_COMMITTED_OFFSET: {
    domain: 'user',
    retry: 'never',
    description:
      'Startup mode group-offsets found no committed offset and auto.offset.reset is not set.',
  },
  KAFKA_TRANSACTION_TIMEOUT_TOO_LARGE: {
    domain: 'user',
    retry: 'never',
    description: 'transaction.timeout.ms exceeds the broker’s transaction.max.timeout.ms.',
  },
  KAFKA_TRANSACTION_LOST: {
    domain: 'external',
    retry: 'never',
    description:
      'A pre-committed transaction of a completed checkpoint can no longer be committed: its records are lost.',
  },
  KAFKA_PRODUCER_FENCED: {
    domain: 'external',
    retry: 'backoff',
    description: 'Another producer with the same transactional id has taken over.',
  },
  KAFKA_TRANSACTIONAL_ID_PREFIX_IN_USE: {
    domain: 'user',
    retry: 'never',
    description:
      'A job that this one does not come from has transactions open under the same sink.transactional-id-prefix.',
  },
  KAFKA_RECORD_TOO_LARGE: {
    domain: 'data',
    retry: 'never',
    description: 'A record is larger than the topic’s max.message.bytes.',
  },
})
