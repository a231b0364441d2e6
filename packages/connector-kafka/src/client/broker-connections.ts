/**
 * The connections of one client: one a broker and purpose (`control`, `fetch`, `produce`).
 *
 * A broker answers a connection's requests in order, so a long-polling fetch must not stand in
 * front of a commit. Where brokers are is learnt from what they answer themselves; a connection
 * that broke is opened anew at its next use.
 */
import { isMillraceError } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import { BrokerConnection, callApi } from './broker-connection.ts'
import { diagnoseListener } from './diagnose-listener.ts'
import type { ClusterMetadata } from './kafka-client.ts'
import type { KafkaSettings } from './kafka-properties.ts'
import type { BrokerAddress, OpenKafkaSocket } from './kafka-socket.ts'
import { BrokerRefusal, requireNoError } from './protocol-errors.ts'
import * as wire from './protocol-requests.ts'
import { readApiVersions, readMetadataWithIds, writeMetadataWithIds } from './topic-id-requests.ts'
import type { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

export type Purpose = 'control' | 'fetch' | 'produce'
export type ApiOf = (typeof wire.Api)[keyof typeof wire.Api]

export class BrokerConnections {
  readonly #settings: KafkaSettings
  readonly #clock: Clock
  readonly #openSocket: OpenKafkaSocket
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  readonly #addresses = new Map<number, BrokerAddress>()
  /** API key → the newest version that the brokers speak; null before the first one was asked. */
  #maxVersions: ReadonlyMap<number, number> | null = null
  /** Something was answered: the settings fit. */
  #isServed = false
  #closed = false

  constructor(settings: KafkaSettings, clock: Clock, openSocket: OpenKafkaSocket) {
    this.#settings = settings
    this.#clock = clock
    this.#openSocket = openSocket
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** A broker said where another one is. */
  learn(nodeId: number, address: BrokerAddress): void {
    this.#addresses.set(nodeId, address)
  }

  /** Whether the brokers speak this version; false before the first metadata. */
  speaks({ key, version }: ApiOf): boolean {
    return (this.#maxVersions?.get(key) ?? -1) >= version
  }

  /** One Metadata request to whichever broker answers; null: every topic. */
  async metadata(topics: readonly string[] | null, creates = false): Promise<ClusterMetadata> {
    const connection = await this.any()
    let metadata: ClusterMetadata
    try {
      metadata = await this.#askForMetadata(connection, topics, creates)
      this.#isServed = true
    } catch (error) {
      throw await this.#explain(connection, error)
    }
    for (const broker of metadata.brokers) this.learn(broker.nodeId, broker)
    return metadata
  }

  async #askForMetadata(
    connection: BrokerConnection,
    topics: readonly string[] | null,
    creates: boolean,
  ): Promise<ClusterMetadata> {
    if (this.#maxVersions === null) {
      const answer = await this.call(
        connection,
        wire.Api.API_VERSIONS,
        new WireWriter(),
        readApiVersions,
      )
      requireNoError('ApiVersions', answer.error, connection.address)
      this.#maxVersions = answer.maxVersions
    }
    const withIds = wire.Api.METADATA_WITH_IDS
    return this.speaks(withIds)
      ? await this.call(
          connection,
          withIds,
          writeMetadataWithIds(topics, creates),
          readMetadataWithIds,
        )
      : await this.call(
          connection,
          wire.Api.METADATA,
          wire.writeMetadata(topics, creates),
          wire.readMetadata,
        )
  }

  /**
   * The error of a first contact, or a better one when the listener shows that the settings
   * do not fit it.
   */
  async #explain(address: BrokerAddress, error: unknown): Promise<unknown> {
    if (this.#isServed || this.#closed || error instanceof BrokerRefusal) return error
    const found = await diagnoseListener(this.#settings, this.#clock, address, this.#openSocket)
    return found ?? error
  }

  call<T>(
    connection: BrokerConnection,
    api: ApiOf,
    body: WireWriter,
    decode: (reader: WireReader) => T,
  ): Promise<T> {
    return callApi(connection, api, body, this.#settings.requestTimeoutMs, decode)
  }

  /** A control connection to a known broker or a bootstrap server, whichever answers. */
  async any(): Promise<BrokerConnection> {
    let failure: unknown = null
    for (const [key, pending] of [...this.#connections]) {
      if (!key.startsWith('control ')) continue
      try {
        const connection = await pending
        if (connection.isOpen) return connection
      } catch {
        // Its own caller sees why.
      }
    }
    for (const address of [...this.#settings.bootstrapServers, ...this.#addresses.values()]) {
      try {
        return await this.#connectTo(address, 'control')
      } catch (error) {
        if (isMillraceError(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  async to(nodeId: number, purpose: Purpose): Promise<BrokerConnection> {
    if (!this.#addresses.has(nodeId)) await this.metadata([])
    const address = this.#addresses.get(nodeId)
    if (address === undefined) throw new Error(`Broker ${nodeId} is not part of the cluster now`)
    return this.#connectTo(address, purpose)
  }

  async #connectTo(address: BrokerAddress, purpose: Purpose): Promise<BrokerConnection> {
    if (this.#closed) throw new Error('The Kafka client is closed')
    const key = `${purpose} ${address.host}:${address.port}`
    const known = this.#connections.get(key)
    if (known !== undefined) {
      const connection = await known.catch(() => null)
      if (connection?.isOpen) return connection
      if (this.#connections.get(key) === known) this.#connections.delete(key)
      else return this.#connectTo(address, purpose)
    }
    const opening = BrokerConnection.open(this.#settings, this.#clock, address, this.#openSocket)
    this.#connections.set(key, opening)
    let connection: BrokerConnection
    try {
      connection = await opening
    } catch (error) {
      // Without TLS and a login there is nothing that opening could have failed for
      // but the network.
      const { sasl, tls } = this.#settings
      throw sasl === null && tls === null ? error : await this.#explain(address, error)
    }
    if (this.#closed) connection.close()
    return connection
  }

  close(): void {
    this.#closed = true
    for (const pending of this.#connections.values()) {
      pending.then(
        (connection) => connection.close(),
        () => {},
      )
    }
    this.#connections.clear()
  }
}
