/**
 * What a checker asks of a broker, without a request: committed records, open
 * transactions, offsets.
 *
 * Looks at the logs themselves, past every fault and delay, and never changes anything.
 */
import { RecordBatchReader } from '@millrace/connector-kafka/protocol'
import type { ClusterState, PartitionPlace } from './cluster-state.ts'
import type { StoredBatch } from './log/partition-log.ts'
import type { Transaction, TransactionCoordinator } from './transactions/transaction-coordinator.ts'

export interface CommittedRecord {
  readonly partition: number
  readonly offset: number
  /** Null of a record without value. */
  readonly value: string | null
}

/** A record and the transaction that it is of. */
export interface WrittenRecord {
  readonly value: string
  readonly producerId: number
  readonly epoch: number
  readonly outcome: 'plain' | 'open' | 'committed'
}

export interface PartitionOffsets {
  readonly partition: number
  readonly startOffset: number
  readonly lastStableOffset: number
  readonly highWatermark: number
}

/** A transaction that is not at its end. */
export interface OpenTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly epoch: number
  readonly status: Transaction['status']
  readonly partitions: readonly string[]
  /** Partitions that hold a record of it: read_committed readers wait there. */
  readonly holding: readonly string[]
  /**
   * Opened a second time in one epoch, by a request to add partitions that was carried out after
   * the end. Clients of protocol TV1 that begin each transaction with InitProducerId cannot
   * prevent it; the broker's timeout ends it.
   */
  readonly reopened: boolean
}

/** What a group has committed of a partition, while records before it are still there. */
export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export class BrokerInspection {
  readonly #state: ClusterState
  readonly #coordinator: TransactionCoordinator
  readonly #reader = new RecordBatchReader({ checkCrcs: false })
  readonly #decoder = new TextDecoder()

  readonly #markers: { readonly delayed: number }

  constructor(
    state: ClusterState,
    coordinator: TransactionCoordinator,
    markers: { readonly delayed: number },
  ) {
    this.#state = state
    this.#coordinator = coordinator
    this.#markers = markers
  }

  /** How many markers took longer, for `SimulatedBroker.delayMarkers`. */
  get delayedMarkers(): number {
    return this.#markers.delayed
  }

  /**
   * What a read_committed reader can see now, partition by partition. `from`: the first offset
   * wanted of each partition, by index, so that a checker can go on where it stopped.
   */
  committedRecords(topic: string, from: readonly number[] = []): CommittedRecord[] {
    const records: CommittedRecord[] = []
    for (const place of this.#places(topic)) {
      const end = place.log.lastStableOffset
      const first = from[place.partition] ?? 0
      for (const batch of place.log.batches) {
        if (batch.baseOffset >= end) break
        if (batch.outcome !== 'plain' && batch.outcome !== 'committed') continue
        if (batch.lastOffset >= first) this.#read(place, batch, first, records)
      }
    }
    return records
  }

  #read(place: PartitionPlace, batch: StoredBatch, first: number, into: CommittedRecord[]): void {
    const { topic, partition } = place
    const reader = this.#reader
    reader.open({
      ...{ topic, partition, bytes: batch.bytes, start: 0, end: batch.bytes.length },
      fetchOffset: Math.max(first, place.log.startOffset),
      stoppingOffset: Number.POSITIVE_INFINITY,
      aborted: [],
      readCommitted: false,
    })
    while (reader.fill(4096)) {
      for (let i = 0; i < reader.count; i++) {
        const start = reader.starts[i] as number
        const length = reader.lengths[i] as number
        const value =
          length < 0 ? null : this.#decoder.decode(reader.bytes.subarray(start, start + length))
        into.push({ partition, offset: reader.offsets[i] as number, value })
      }
    }
  }

  /** Every record that was not aborted, whether a reader sees it yet or not. */
  records(topic: string): WrittenRecord[] {
    return this.#places(topic).flatMap((place) =>
      place.log.batches.flatMap((batch): WrittenRecord[] => {
        const { outcome, header } = batch
        if (outcome === 'marker' || outcome === 'aborted') return []
        const read: CommittedRecord[] = []
        this.#read(place, batch, 0, read)
        const { producerId, epoch } = header
        return read.map(({ value }) => ({ value: value ?? '', producerId, epoch, outcome }))
      }),
    )
  }

  committedValues(topic: string): string[] {
    return this.committedRecords(topic).map(({ value }) => value ?? '')
  }

  offsets(topic: string): PartitionOffsets[] {
    return this.#places(topic).map(({ partition, log }) => ({
      partition,
      startOffset: log.startOffset,
      lastStableOffset: log.lastStableOffset,
      highWatermark: log.highWatermark,
    }))
  }

  #places(topic: string): readonly PartitionPlace[] {
    return this.#state.topics.get(topic) ?? []
  }

  openTransactions(): OpenTransaction[] {
    const open: OpenTransaction[] = []
    for (const transaction of this.#coordinator.all()) {
      const { id, producerId, epoch, status, endedEpoch } = transaction
      if (status !== 'Ongoing' && status !== 'PrepareCommit' && status !== 'PrepareAbort') continue
      const partitions = [...transaction.partitions]
      open.push({
        ...{ transactionalId: id, producerId, epoch, status, partitions },
        holding: partitions.filter((key) => this.#state.placeOf(key)?.log.hasOpen(producerId)),
        reopened: status === 'Ongoing' && endedEpoch === epoch,
      })
    }
    return open
  }

  transaction(transactionalId: string): Readonly<Transaction> | null {
    return this.#coordinator.get(transactionalId) ?? null
  }

  transactionalIds(): string[] {
    return [...this.#coordinator.all()].map(({ id }) => id)
  }

  /**
   * Of every partition that any group has committed, the lowest, where retention could
   * take something.
   */
  committedBehind(): CommittedOffset[] {
    return this.#committed().flatMap(({ place, ...committed }) =>
      place.log.startOffset < committed.offset ? [committed] : [],
    )
  }

  /** Of every partition that any group has committed, the lowest. */
  committedOffsets(): CommittedOffset[] {
    return this.#committed().map(({ place: _, ...committed }) => committed)
  }

  /** Of every partition that any group has committed, the lowest, where records follow. */
  committedAhead(): (CommittedOffset & { readonly endOffset: number })[] {
    return this.#committed().flatMap(({ place, ...committed }) => {
      const endOffset = place.log.highWatermark
      return committed.offset < endOffset ? [{ ...committed, endOffset }] : []
    })
  }

  #committed(): (CommittedOffset & { readonly place: PartitionPlace })[] {
    const lowest = new Map<string, number>()
    for (const offsets of this.#state.groups.values()) {
      for (const [key, offset] of offsets) {
        lowest.set(key, Math.min(offset, lowest.get(key) ?? offset))
      }
    }
    return [...lowest].flatMap(([key, offset]) => {
      const place = this.#state.placeOf(key)
      if (place === undefined) return []
      return [{ topic: place.topic, partition: place.partition, offset, place }]
    })
  }

  /** `topic-partition` → offset. */
  groupOffsets(groupId: string): ReadonlyMap<string, number> {
    return this.#state.groups.get(groupId) ?? new Map()
  }
}
