/**
 * What is asked of coordinators: of transactional ids and of consumer groups.
 *
 * Each id and group has a coordinator, which is found once and looked for again when it has moved
 * or does not answer.
 */
import type { BrokerConnections } from './broker-connections.ts'
import { initRequest } from './init-request.ts'
import type {
  OffsetAndPartition,
  ProducerIdentity,
  TopicPartition,
  TransactionIdentity,
} from './kafka-client.ts'
import { BrokerRefusal, ProtocolError, requireNoError } from './protocol-errors.ts'
import * as wire from './protocol-requests.ts'
import type { RequestRetries } from './request-retries.ts'
import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/** Coordinators that are remembered; a job has a new transactional id for each checkpoint. */
const REMEMBERED_MAX = 1000

/** A request to the coordinator of `key`. */
interface CoordinatorCall<T> {
  readonly key: string
  readonly kind: 'transaction' | 'group'
  readonly api: (typeof wire.Api)[keyof typeof wire.Api]
  readonly body: () => WireWriter
  readonly decode: (reader: WireReader) => T
}

export class CoordinatorCalls {
  readonly #connections: BrokerConnections
  readonly #retries: RequestRetries
  readonly #coordinators = new Map<string, number>()

  constructor(connections: BrokerConnections, retries: RequestRetries) {
    this.#connections = connections
    this.#retries = retries
  }

  initProducerId(transactionalId: string, timeoutMs: number): Promise<ProducerIdentity> {
    const call = initCall(transactionalId, timeoutMs)
    return this.#retries.run('InitProducerId', () => this.#once(call))
  }

  beginTransaction(
    idOf: (attempt: number) => string,
    timeoutMs: number,
  ): Promise<TransactionIdentity> {
    let attempt = 0
    return this.#retries.run('InitProducerId', async () => {
      const transactionalId = idOf(attempt)
      try {
        const identity = await this.#once(initCall(transactionalId, timeoutMs))
        return { transactionalId, ...identity }
      } catch (error) {
        if (!(error instanceof BrokerRefusal)) attempt++
        throw error
      }
    })
  }

  addPartitionsToTxn(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    const call: CoordinatorCall<void> = {
      ...{ key: transactionalId, kind: 'transaction', api: wire.Api.ADD_PARTITIONS_TO_TXN },
      body: () => wire.writeAddPartitions(transactionalId, identity, partitions),
      decode: (reader) => {
        for (const { error, topic, partition } of wire.readPartitionErrors(reader)) {
          const subject = `topic ${topic}, partition ${partition} to ${transactionalId}`
          requireNoError('AddPartitionsToTxn', error, subject)
        }
      },
    }
    return this.#retries.run('AddPartitionsToTxn', () => this.#once(call), false)
  }

  endTxn(transactionalId: string, identity: ProducerIdentity, commit: boolean): Promise<void> {
    const call: CoordinatorCall<void> = {
      ...{ key: transactionalId, kind: 'transaction', api: wire.Api.END_TXN },
      body: () => wire.writeEndTxn(transactionalId, identity, commit),
      decode: (reader) => requireNoError('EndTxn', wire.readErrorOnly(reader), transactionalId),
    }
    return this.#retries.run('EndTxn', () => this.#once(call), false)
  }

  commitOffsets(groupId: string, offsets: readonly OffsetAndPartition[]): Promise<void> {
    const call: CoordinatorCall<void> = {
      ...{ key: groupId, kind: 'group', api: wire.Api.OFFSET_COMMIT },
      body: () => wire.writeOffsetCommit(groupId, offsets),
      decode: (reader) => {
        for (const { error, topic, partition } of wire.readPartitionErrors(reader)) {
          requireNoError('OffsetCommit', error, `topic ${topic}, partition ${partition}`)
        }
      },
    }
    return this.#retries.run('OffsetCommit', () => this.#once(call))
  }

  fetchCommittedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number[]> {
    const call: CoordinatorCall<number[]> = {
      ...{ key: groupId, kind: 'group', api: wire.Api.OFFSET_FETCH },
      body: () => wire.writeOffsetFetch(groupId, partitions),
      decode: (reader) => {
        const { offsets, error } = wire.readOffsetFetch(reader)
        requireNoError('OffsetFetch', error, `group ${groupId}`)
        const found = new Map<string, number>()
        for (const { topic, partition, offset, error: code } of offsets) {
          requireNoError('OffsetFetch', code, `topic ${topic}, partition ${partition}`)
          found.set(`${topic}-${partition}`, offset)
        }
        return partitions.map((item) => found.get(`${item.topic}-${item.partition}`) ?? -1)
      },
    }
    return this.#retries.run('OffsetFetch', () => this.#once(call))
  }

  /** One request, which is not repeated. */
  async #once<T>({ key, kind, api, body, decode }: CoordinatorCall<T>): Promise<T> {
    const cacheKey = `${kind} ${key}`
    const nodeId = this.#coordinators.get(cacheKey) ?? (await this.#find(key, kind, cacheKey))
    try {
      const connection = await this.#connections.to(nodeId, 'control')
      return await this.#connections.call(connection, api, body(), decode)
    } catch (error) {
      const moved =
        !(error instanceof BrokerRefusal) ||
        error.code === ProtocolError.NOT_COORDINATOR ||
        error.code === ProtocolError.COORDINATOR_NOT_AVAILABLE
      if (moved) this.#coordinators.delete(cacheKey)
      throw error
    }
  }

  async #find(key: string, kind: 'transaction' | 'group', cacheKey: string): Promise<number> {
    const found = await this.#connections.call(
      await this.#connections.any(),
      wire.Api.FIND_COORDINATOR,
      wire.writeFindCoordinator(key, kind === 'transaction'),
      wire.readFindCoordinator,
    )
    requireNoError('FindCoordinator', found.error, key)
    this.#connections.learn(found.nodeId, found)
    if (this.#coordinators.size > REMEMBERED_MAX) this.#coordinators.clear()
    this.#coordinators.set(cacheKey, found.nodeId)
    return found.nodeId
  }
}

function initCall(transactionalId: string, timeoutMs: number): CoordinatorCall<ProducerIdentity> {
  return { key: transactionalId, kind: 'transaction', ...initRequest(transactionalId, timeoutMs) }
}
