/**
 * What became of a transaction that the coordinator knows no more: read from the log
 * that it wrote to.
 *
 * A transaction ends with a marker in each of its partitions, behind its records. Coordinators
 * forget an id that was not used for days (`transactional.id.expiration.ms`); the marker stays as
 * long as the records do.
 */
import type { Clock } from '@millrace/platform'
import { EARLIEST_TIMESTAMP, type KafkaClient } from '../client/kafka-client.ts'
import { ProtocolError } from '../client/protocol-errors.ts'
import {
  BATCH_LENGTH_OVERHEAD,
  BatchAttribute,
  BatchField,
  MARKER_BYTES_MIN,
  markerTypeOf,
} from '../records/record-batch-format.ts'
import type { TransactionPlace } from './committable.ts'

/**
 * `gone`: retention has taken the records, whatever became of them. `unknown`: the log shows no
 * end, or no record of the transaction where one should be.
 */
export type TransactionOutcome = 'committed' | 'aborted' | 'gone' | 'unknown'

const COMMIT_MARKER = 1
const FETCH_BYTES = 1 << 20
const FETCH_WAIT_MS = 200
const PAUSE_MS = 100
/** Markers are written soon after the decision, leaders move in less. */
const PATIENCE_MS = 5000

/** `producerId`: the transaction's. */
export async function transactionOutcome(
  client: KafkaClient,
  clock: Clock,
  place: TransactionPlace,
  producerId: bigint,
): Promise<TransactionOutcome> {
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS
  let offset = place.offset
  for (;;) {
    const fetched = await fetchAt(client, place, offset)
    if (fetched === 'out of range') return (await isGone(client, place)) ? 'gone' : 'unknown'
    if (fetched !== 'again') {
      const { outcome, next } = scan(fetched, place.offset, offset, producerId)
      if (outcome !== null) return outcome
      if (next > offset) {
        offset = next
        continue
      }
    }
    if (clock.monotonicMs() > deadlineMs) return 'unknown'
    await new Promise<void>((done) => void clock.setTimer(PAUSE_MS, done))
  }
}

async function isGone(client: KafkaClient, { topic, partition, offset }: TransactionPlace) {
  const request = { topic, partition, timestampMs: EARLIEST_TIMESTAMP }
  const [earliest] = await client.listOffsets([request], 'read_uncommitted')
  return (earliest ?? -1) > offset
}

async function fetchAt(
  client: KafkaClient,
  { topic, partition }: TransactionPlace,
  offset: number,
): Promise<DataView | 'again' | 'out of range'> {
  const [found] = (await client.metadata([topic])).topics
  const leader = found?.partitions.find((entry) => entry.partition === partition)?.leader ?? -1
  if (found === undefined || leader < 0) return 'again'
  const limits = { minBytes: 1, maxBytes: FETCH_BYTES, partitionMaxBytes: FETCH_BYTES }
  const request = { ...limits, maxWaitMs: FETCH_WAIT_MS, isolation: 'read_uncommitted' } as const
  const partitions = [{ topic, topicId: found.topicId, partition, offset }]
  try {
    const { bytes, partitions: answers } = await client.fetch(
      leader,
      { ...request, partitions },
      (size) => new Uint8Array(size),
    )
    const answer = answers[0]
    if (answer?.error === ProtocolError.OFFSET_OUT_OF_RANGE) return 'out of range'
    if (answer?.error !== ProtocolError.NONE) return 'again'
    return new DataView(bytes.buffer, bytes.byteOffset + answer.start, answer.end - answer.start)
  } catch {
    // The broker is gone or slow; another leads before long.
    return 'again'
  }
}

/** Looks through the complete batches of a response; `next`: where to go on. */
function scan(
  view: DataView,
  recordOffset: number,
  from: number,
  producerId: bigint,
): { readonly outcome: TransactionOutcome | null; readonly next: number } {
  let next = from
  for (let at = 0; at + BatchField.RECORDS <= view.byteLength; ) {
    const end = at + BATCH_LENGTH_OVERHEAD + view.getInt32(at + BatchField.LENGTH)
    if (end > view.byteLength || end - at < BatchField.RECORDS) break
    const baseOffset = Number(view.getBigInt64(at + BatchField.BASE_OFFSET))
    const isControl = (view.getInt16(at + BatchField.ATTRIBUTES) & BatchAttribute.CONTROL) !== 0
    const isOurs = view.getBigInt64(at + BatchField.PRODUCER_ID) === producerId
    next = baseOffset + view.getInt32(at + BatchField.LAST_OFFSET_DELTA) + 1
    if (next > recordOffset && baseOffset <= recordOffset && (isControl || !isOurs)) {
      return { outcome: 'unknown', next }
    }
    if (isControl && isOurs && baseOffset > recordOffset && end - at >= MARKER_BYTES_MIN) {
      const isCommit = markerTypeOf(view, at) === COMMIT_MARKER
      return { outcome: isCommit ? 'committed' : 'aborted', next }
    }
    at = end
  }
  return { outcome: null, next }
}
