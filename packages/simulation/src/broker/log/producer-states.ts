/**
 * What a partition remembers of producers, so that a repeated batch is stored once and a
 * gap is refused.
 *
 * The last five batches of a producer are known: a repeat of one is answered as it was the first
 * time; any other sequence number than the next is refused. An older epoch is refused for good.
 */
import { ProtocolError } from '@millrace/connector-kafka/protocol'
import type { BatchHeader } from './batch-header.ts'

const BATCHES_REMEMBERED = 5
const SEQUENCES = 0x80000000

interface RememberedBatch {
  readonly baseSequence: number
  readonly count: number
  readonly baseOffset: number
}

interface ProducerState {
  epoch: number
  batches: RememberedBatch[]
}

export type AppendVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'refuse'; readonly error: number }

const APPEND: AppendVerdict = { kind: 'append' }

export class ProducerStates {
  readonly #producers = new Map<number, ProducerState>()

  epochOf(producerId: number): number {
    return this.#producers.get(producerId)?.epoch ?? -1
  }

  judge(header: BatchHeader): AppendVerdict {
    if (header.producerId < 0) return APPEND
    const state = this.#producers.get(header.producerId)
    if (state === undefined) return APPEND
    const repeated = state.batches.find(
      (batch) =>
        state.epoch === header.epoch &&
        batch.baseSequence === header.baseSequence &&
        batch.count === header.count,
    )
    if (repeated !== undefined) return { kind: 'duplicate', baseOffset: repeated.baseOffset }
    if (header.epoch < state.epoch) {
      return { kind: 'refuse', error: ProtocolError.INVALID_PRODUCER_EPOCH }
    }
    const last = state.batches[state.batches.length - 1]
    const sameEpoch = header.epoch === state.epoch
    const expected =
      sameEpoch && last !== undefined ? (last.baseSequence + last.count) % SEQUENCES : 0
    if (header.baseSequence === expected) return APPEND
    return { kind: 'refuse', error: ProtocolError.OUT_OF_ORDER_SEQUENCE_NUMBER }
  }

  remember(header: BatchHeader, baseOffset: number): void {
    const state = this.#at(header.producerId, header.epoch)
    const { baseSequence, count } = header
    state.batches.push({ baseSequence, count, baseOffset })
    if (state.batches.length > BATCHES_REMEMBERED) state.batches.shift()
  }

  /** A marker carries the epoch, too: a bumped one fences the producer here. */
  seeEpoch(producerId: number, epoch: number): void {
    this.#at(producerId, epoch)
  }

  #at(producerId: number, epoch: number): ProducerState {
    const state = this.#producers.get(producerId)
    if (state === undefined) {
      const fresh: ProducerState = { epoch, batches: [] }
      this.#producers.set(producerId, fresh)
      return fresh
    }
    if (state.epoch !== epoch) {
      state.epoch = epoch
      state.batches = []
    }
    return state
  }
}
