/**
 * One producer identity in use: an idempotent producer, or one transaction from its begin to
 * its pre-commit.
 */
import type { KafkaClient, ProducerIdentity, TopicPartition } from '../client/kafka-client.ts'
import type { TransactionPlace } from './committable.ts'

export const NO_PRODUCER: ProducerIdentity = { producerId: -1n, epoch: -1 }

export class ProducerSession {
  readonly transactionalId: string | null
  readonly identity: ProducerIdentity
  readonly #sequences = new Map<number, number>()
  readonly #registered = new Set<number>()
  /**
   * Where the broker put the batch that it acknowledged last; null before, and where
   * it did not say.
   */
  place: TransactionPlace | null = null

  constructor(transactionalId: string | null, identity: ProducerIdentity) {
    this.transactionalId = transactionalId
    this.identity = identity
  }

  /** The sequence number of a batch's first record, for which `count` numbers are used up. */
  nextSequence(partition: number, count: number): number {
    if (this.identity.producerId < 0n) return -1
    const sequence = this.#sequences.get(partition) ?? 0
    // Sequences wrap from 2^31 - 1 to 0.
    this.#sequences.set(partition, (sequence + count) % 0x80000000)
    return sequence
  }

  /** Makes the partitions part of the transaction before anything is written to them. */
  async register(client: KafkaClient, partitions: readonly TopicPartition[]): Promise<void> {
    if (this.transactionalId === null) return
    const fresh = partitions.filter(({ partition }) => !this.#registered.has(partition))
    if (fresh.length === 0) return
    await client.addPartitionsToTxn(this.transactionalId, this.identity, fresh)
    for (const { partition } of fresh) this.#registered.add(partition)
  }
}
