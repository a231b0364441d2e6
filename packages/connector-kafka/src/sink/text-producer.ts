/**
 * Produces a few texts to given partitions: for generators and tools, beside the sink's
 * pipelined writer.
 *
 * Idempotent (one producer id, sequences a partition), one request at a time, acknowledged by all
 * in-sync replicas.
 */

import type { KafkaClient, ProducerIdentity } from '../client/kafka-client.ts'
import { kafkaError } from '../error-codes.ts'
import { RecordBatchBuilder } from '../records/record-batch-builder.ts'

const PRODUCE_TIMEOUT_MS = 30_000

export class KafkaTextProducer {
  readonly #client: KafkaClient
  readonly #nowMs: () => number
  readonly #sequences = new Map<string, number>()
  #identity: ProducerIdentity | null = null

  constructor(client: KafkaClient, nowMs: () => number) {
    this.#client = client
    this.#nowMs = nowMs
  }

  /** Sends `texts` to one partition, in order; resolves when they are acknowledged. */
  async send(topic: string, partition: number, texts: readonly string[]): Promise<void> {
    if (texts.length === 0) return
    this.#identity ??= await this.#client.initProducerId(null, PRODUCE_TIMEOUT_MS)
    const { topics } = await this.#client.metadata([topic])
    const leader = topics[0]?.partitions.find((found) => found.partition === partition)?.leader
    if (leader === undefined || leader < 0) {
      throw kafkaError('KAFKA_REQUEST_FAILED', 'Wait for a leader: the partition has none.', {
        location: { topic, partition },
      })
    }
    const key = `${topic} ${partition}`
    const baseSequence = this.#sequences.get(key) ?? 0
    const bytes = encode(texts).seal({
      ...this.#identity,
      baseSequence,
      transactional: false,
      timestampMs: this.#nowMs(),
    })
    const produced = await this.#client.produce(
      leader,
      null,
      [{ topic, partition, bytes }],
      PRODUCE_TIMEOUT_MS,
    )
    const error = produced[0]?.error ?? 0
    if (error !== 0) {
      throw kafkaError('KAFKA_REQUEST_FAILED', `Producing failed with Kafka error ${error}.`, {
        location: { topic, partition },
      })
    }
    this.#sequences.set(key, baseSequence + texts.length)
  }
}

function encode(texts: readonly string[]): RecordBatchBuilder {
  const encoder = new TextEncoder()
  const values = texts.map((text) => encoder.encode(text))
  const total = values.reduce((sum, value) => sum + value.length, 0)
  const bytes = new Uint8Array(total)
  const starts = new Int32Array(values.length)
  const lengths = new Int32Array(values.length)
  let at = 0
  values.forEach((value, i) => {
    bytes.set(value, at)
    starts[i] = at
    lengths[i] = value.length
    at += value.length
  })
  const builder = new RecordBatchBuilder(total + 32 * values.length, 'none')
  builder.append(bytes, starts, lengths, 0, values.length, Number.MAX_SAFE_INTEGER)
  return builder
}
