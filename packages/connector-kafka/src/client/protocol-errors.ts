/**
 * The error codes of Kafka's protocol that matter here, with whether waiting and asking again
 * can mend them.
 *
 * Source: https://kafka.apache.org/protocol#protocol_error_codes
 */
import { kafkaError } from '../error-codes.ts'

export const ProtocolError = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const

const NAMES = new Map<number, string>(
  Object.entries(ProtocolError).map(([name, code]) => [code, name]),
)

const RETRIABLE = new Set<number>([
  ProtocolError.UNKNOWN_TOPIC_OR_PARTITION,
  ProtocolError.LEADER_NOT_AVAILABLE,
  ProtocolError.NOT_LEADER_OR_FOLLOWER,
  ProtocolError.REQUEST_TIMED_OUT,
  ProtocolError.REPLICA_NOT_AVAILABLE,
  ProtocolError.NETWORK_EXCEPTION,
  ProtocolError.COORDINATOR_LOAD_IN_PROGRESS,
  ProtocolError.COORDINATOR_NOT_AVAILABLE,
  ProtocolError.NOT_COORDINATOR,
  ProtocolError.NOT_ENOUGH_REPLICAS,
  ProtocolError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ProtocolError.CONCURRENT_TRANSACTIONS,
  ProtocolError.KAFKA_STORAGE_ERROR,
  ProtocolError.FENCED_LEADER_EPOCH,
  ProtocolError.UNKNOWN_LEADER_EPOCH,
  ProtocolError.OFFSET_NOT_AVAILABLE,
])

/** `NOT_COORDINATOR (16)`. */
export function protocolErrorName(code: number): string {
  const name = NAMES.get(code)
  return name === undefined ? `error ${code}` : `${name} (${code})`
}

export function isRetriable(code: number): boolean {
  return RETRIABLE.has(code)
}

/**
 * A broker's refusal of one request, before anyone has decided what it means; never
 * leaves the package.
 */
export class BrokerRefusal extends Error {
  readonly code: number
  constructor(api: string, code: number, subject: string) {
    super(`${api} of ${subject} was answered with ${protocolErrorName(code)}`)
    this.code = code
  }
}

/** Throws when `code` is an error. */
export function requireNoError(api: string, code: number, subject: string): void {
  if (code !== ProtocolError.NONE) throw new BrokerRefusal(api, code, subject)
}

/** The error that leaves the package for a refusal that is final. */
export function refusalError(refusal: BrokerRefusal) {
  return kafkaError('KAFKA_REQUEST_FAILED', `${refusal.message}.`, {
    ...(refusal.code >= 29 && refusal.code <= 31
      ? { hint: 'Grant the principal of the connection the access that the request needs.' }
      : {}),
  })
}

/** KAFKA_UNREACHABLE naming the addresses and the last reason. */
export function unreachableError(
  description: string,
  what: string,
  cause: unknown,
  waitedMs: number,
) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return kafkaError(
    'KAFKA_UNREACHABLE',
    `Kafka at ${description} did not serve a ${what} request within ${waitedMs} ms: ${reason}.`,
    {
      hint: "Check 'properties.bootstrap.servers', that the broker runs, and that its advertised.listeners can be reached from here.",
      location: { optionKey: 'properties.bootstrap.servers' },
      cause: new Error(reason),
    },
  )
}
