/**
 * Writes rows to one topic in a slot.
 *
 * Exactly once: one transaction a checkpoint and subtask. Rows are encoded into batches and sent
 * in the background; at the barrier everything is flushed and the transaction's identity goes into
 * the checkpoint (`prepareCommit`); once the checkpoint is complete it is committed. The
 * transaction that is open belongs to no checkpoint, so it may be aborted at any time; a
 * pre-committed one never is.
 */
import type { FormatEncoder, SinkWriter, WriterContext } from '@millrace/connector'
import type { ColumnBatch } from '@millrace/core'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import type { OpenClient } from '../client/open-kafka-client.ts'
import { topicToWrite } from '../client/require-topic.ts'
import { type DeliveryGuarantee, findFormat, type KafkaSinkConfig } from '../kafka-table.ts'
import { decodeCommittable, encodeCommittable, type KafkaCommittable } from './committable.ts'
import { PartitionBatches } from './partition-batches.ts'
import { ProduceQueue } from './produce-queue.ts'
import { NO_PRODUCER, ProducerSession } from './producer-session.ts'
import { abortStrays, commitTransactions, transactionTimeoutMs } from './transaction-recovery.ts'
import {
  ownedName,
  type TransactionOwner,
  transactionalIdOf,
  transactionOwnerOf,
  type WriterFacts,
} from './transactional-id.ts'

/**
 * How long `close` tries to abort the open transaction, so that readers do not wait
 * for its timeout.
 */
const ABORT_AT_CLOSE_MS = 2_000

/** Ancestors that a state names. */
const LINEAGE_MAX = 32

interface WriterState {
  /** Of its transactional ids; a job without a prefix of its own goes on with it. */
  readonly prefix: string
  /**
   * `TransactionOwner.job` of the job that wrote the state, after those it came from; absent in
   * older checkpoints.
   */
  readonly lineage?: readonly string[]
}

export class KafkaWriter implements SinkWriter {
  readonly #config: KafkaSinkConfig
  readonly #context: WriterContext
  readonly #openClient: OpenClient
  readonly #encoder: FormatEncoder
  readonly #guarantee: DeliveryGuarantee
  #prefix: string
  /** `TransactionOwner.job` of the jobs that this one came from, and its own, which is the last. */
  #lineage: readonly string[]
  #client: KafkaClient | null = null
  #settings: KafkaSettings | null = null
  #queue: ProduceQueue | null = null
  #batches: PartitionBatches | null = null
  #session: Promise<ProducerSession> | null = null
  /** The checkpoint whose id the next transaction carries. */
  #nextCheckpointId = 1
  #transactionTimeoutMs = 0
  /** Prefixes whose transactions may be open. */
  #prefixes: readonly string[] = []
  /**
   * Of a checkpoint that does not say which jobs it comes from: nobody can be told to be a rival.
   */
  #isLineageKnown = true
  /** Part of the transactional ids; null where transactions cannot be listed. */
  #owner: TransactionOwner | null = null
  #wasFull = false

  constructor(config: KafkaSinkConfig, context: WriterContext, openClient: OpenClient) {
    this.#config = config
    this.#context = context
    this.#openClient = openClient
    this.#guarantee =
      config.guarantee ?? (context.checkpointingEnabled ? 'exactly-once' : 'at-least-once')
    const { job } = transactionOwnerOf(context.subtask)
    this.#lineage = [job]
    this.#prefix = config.transactionalIdPrefix ?? `${context.jobName}-${context.tableName}-${job}`
    const format = findFormat(context.formats, config.format)
    this.#encoder = format.createEncoder({ schema: context.schema, options: config.options })
  }

  async open(restored: Parameters<SinkWriter['open']>[0]): Promise<void> {
    const { platform, subtask } = this.#context
    const { client, settings } = await this.#openClient(this.#config.properties)
    this.#client = client
    this.#settings = settings
    const { topic } = this.#config
    const { partitions } = await topicToWrite(client, platform.clock, topic)
    if (this.#guarantee === 'exactly-once') await this.#recover(client, settings, restored)
    this.#queue = new ProduceQueue(client, settings, platform, topic, {
      session: () => (this.#session ??= this.#begin()),
      onAcknowledged: (records, bytes) => this.#acknowledged(records, bytes),
      onFailure: (error) => this.#context.fail(error),
    })
    this.#batches = new PartitionBatches(this.#queue, platform.clock, {
      partitioner: this.#config.partitioner,
      partitions: partitions.map((entry) => entry.partition).sort((a, b) => a - b),
      subtaskIndex: subtask.subtaskIndex,
      batchBytes: settings.batchBytes,
      lingerMs: settings.lingerMs,
      compression: settings.compression,
    })
  }

  async #recover(
    client: KafkaClient,
    settings: KafkaSettings,
    restored: Parameters<SinkWriter['open']>[0],
  ): Promise<void> {
    this.#transactionTimeoutMs = await transactionTimeoutMs(client, settings)
    const committables = (restored?.committables ?? []).map(decodeCommittable)
    await this.#commitAll(committables)
    this.#inherit(restored?.states ?? [], committables)
    const facts = this.#facts()
    const from = {
      checkpointId: restored?.checkpointId ?? -1,
      precommitted: new Set(committables.map((item) => item.transactionalId)),
    }
    const listed = await abortStrays(client, facts, from, this.#transactionTimeoutMs)
    this.#owner = listed ? facts.owner : null
    this.#nextCheckpointId = (restored?.checkpointId ?? 0) + 1
  }

  /** Takes over the name and the past of the job that wrote the checkpoint. */
  #inherit(states: readonly Uint8Array[], committables: readonly KafkaCommittable[]): void {
    const decoder = new TextDecoder()
    const found = states.map((bytes) => JSON.parse(decoder.decode(bytes)) as WriterState)
    this.#isLineageKnown = found.every(({ lineage }) => lineage !== undefined)
    const prefixes = found.map(({ prefix }) => prefix)
    this.#prefix = this.#config.transactionalIdPrefix ?? prefixes[0] ?? this.#prefix
    this.#prefixes = [...new Set([...prefixes, this.#prefix])]
    const jobs = [
      ...found.flatMap(({ lineage }) => lineage ?? []),
      ...committables.flatMap(({ transactionalId }) => ownedName(transactionalId)?.owner.job ?? []),
    ]
    const own = this.#lineage.at(-1) as string
    const others = [...new Set(jobs)].filter((job) => job !== own)
    this.#lineage = [...others.slice(-LINEAGE_MAX), own]
  }

  #facts(): WriterFacts {
    const { subtask } = this.#context
    const { subtaskIndex, parallelism } = subtask
    const owner = transactionOwnerOf(subtask)
    return {
      prefixes: this.#prefixes,
      claimedPrefix: this.#isLineageKnown ? this.#config.transactionalIdPrefix : null,
      lineage: new Set(this.#lineage),
      ...{ subtask: subtaskIndex, parallelism, owner },
    }
  }

  async removeStrays(): Promise<void> {
    if (this.#owner === null) return
    const client = this.#client as KafkaClient
    await abortStrays(client, this.#facts(), null, this.#transactionTimeoutMs)
  }

  /** Begins the transaction, or the idempotent producer, that the next batches belong to. */
  async #begin(): Promise<ProducerSession> {
    const client = this.#client as KafkaClient
    if (this.#guarantee !== 'exactly-once') {
      const idempotent = this.#settings?.idempotent === true
      const identity = idempotent ? await client.initProducerId(null, 60_000) : NO_PRODUCER
      return new ProducerSession(null, identity)
    }
    const { subtaskIndex } = this.#context.subtask
    const checkpointId = this.#nextCheckpointId
    const { transactionalId, ...identity } = await client.beginTransaction(
      (attempt) =>
        transactionalIdOf(this.#prefix, subtaskIndex, checkpointId, this.#owner, attempt),
      this.#transactionTimeoutMs,
    )
    return new ProducerSession(transactionalId, identity)
  }

  write(batch: ColumnBatch): void {
    const spans = this.#encoder.encode(batch)
    this.#batches?.append(spans)
  }

  isAvailable(): boolean {
    const full = (this.#queue?.queuedBytes ?? 0) >= (this.#settings?.queueBytesMax ?? 0)
    if (full) this.#wasFull = true
    return !full
  }

  #acknowledged(records: number, bytes: number): void {
    this.#context.metrics.numRecordsSend += records
    this.#context.metrics.numBytesOut += bytes
    if (!this.#wasFull) return
    if ((this.#queue?.queuedBytes ?? 0) > (this.#settings?.queueBytesMax ?? 0) / 2) return
    this.#wasFull = false
    this.#context.wakeUp()
  }

  async prepareCommit(checkpointId: number): Promise<readonly Uint8Array[]> {
    if (this.#guarantee === 'none') return []
    await this.#flush()
    if (this.#guarantee === 'at-least-once') return []
    const session = await this.#session
    this.#session = null
    this.#nextCheckpointId = checkpointId + 1
    return session === null ? [] : [encodeCommittable(committableOf(session))]
  }

  async abandon(committables: readonly Uint8Array[]): Promise<void> {
    if (this.#guarantee !== 'exactly-once') return this.#flush()
    for (const { transactionalId, ...identity } of committables.map(decodeCommittable)) {
      await this.#abort(Promise.resolve({ transactionalId, identity }))
    }
  }

  async #flush(): Promise<void> {
    this.#batches?.sealAll()
    await this.#queue?.flush()
  }

  /** The lineage: each writer looks for strays, and for rivals, by it. */
  readonly sharesStates = true

  snapshotState(): readonly Uint8Array[] {
    if (this.#guarantee !== 'exactly-once') return []
    const state: WriterState = { prefix: this.#prefix, lineage: this.#lineage }
    return [new TextEncoder().encode(JSON.stringify(state))]
  }

  async commit(committables: readonly Uint8Array[]): Promise<void> {
    await this.#commitAll(committables.map(decodeCommittable))
  }

  #commitAll(committables: readonly KafkaCommittable[]): Promise<void> {
    return commitTransactions(this.#client as KafkaClient, committables, {
      ignore: this.#config.ignoreLostTransactions,
      clock: this.#context.platform.clock,
      logger: this.#context.platform.logger,
    })
  }

  async finish(): Promise<void> {
    await this.#flush()
    if (this.#guarantee !== 'exactly-once') return
    const session = await this.#session
    this.#session = null
    if (session !== null) await this.#commitAll([committableOf(session)])
  }

  async close(): Promise<void> {
    this.#batches?.close()
    this.#queue?.close()
    const open = this.#session
    this.#session = null
    if (open !== null && this.#guarantee === 'exactly-once') await this.#abort(open)
    await this.#client?.close()
  }

  async #abort(
    open: Promise<Pick<ProducerSession, 'transactionalId' | 'identity'>>,
  ): Promise<void> {
    const aborted = open
      .then((session) =>
        this.#client?.endTxn(session.transactionalId as string, session.identity, false),
      )
      .catch(() => {
        // Nothing was written, or the next attempt aborts it.
      })
    let cancel = () => {}
    const late = new Promise<void>((done) => {
      cancel = this.#context.platform.clock.setTimer(ABORT_AT_CLOSE_MS, done)
    })
    await Promise.race([aborted, late])
    cancel()
  }
}

function committableOf(session: ProducerSession): KafkaCommittable {
  const { identity, place } = session
  return { transactionalId: session.transactionalId as string, ...identity, place }
}
