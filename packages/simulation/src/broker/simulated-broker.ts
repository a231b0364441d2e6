/**
 * SimulatedBroker: a Kafka cluster of one to three nodes in a simulated world.
 *
 * Each node is a process of its own host (`broker-1` …) that listens on the simulated network, so
 * that kills, pauses and cut routes hit it like any other; what the nodes know together survives
 * them. Clients speak Kafka's protocol to it (`clientFactory`); checkers look inside (`inspect`).
 * The same seed gives the same answers at the same times.
 */
import type { KafkaClient } from '@millrace/connector-kafka'
import {
  type KafkaSettings,
  NetworkKafkaClient,
  RecordBatchBuilder,
} from '@millrace/connector-kafka/protocol'
import type { Platform } from '@millrace/platform'
import type { SimulatedNetwork } from '../platform/network/simulated-network.ts'
import { START_OF_TIME_MS } from '../platform/simulated-clock.ts'
import type { SeededRandom } from '../world/seeded-random.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import { BrokerFaults } from './broker-faults.ts'
import { BrokerInspection } from './broker-inspection.ts'
import { BROKER_PORT, type BrokerNode, ClusterState, type PartitionPlace } from './cluster-state.ts'
import { Leadership } from './leadership.ts'
import { readBatchHeader } from './log/batch-header.ts'
import type { BrokerParts } from './requests/broker-call.ts'
import { ServerConnection } from './server-connection.ts'
import { simulatedKafkaSockets } from './simulated-kafka-socket.ts'
import { MarkerWriter } from './transactions/marker-writer.ts'
import { type Transaction, TransactionCoordinator } from './transactions/transaction-coordinator.ts'

export interface SimulatedBrokerSettings {
  readonly world: SimulatedWorld
  readonly network: SimulatedNetwork
  /** Hosts are `<name>-1` …; `broker` when absent. */
  readonly name?: string
  /** 1 to 3; 1 when absent. */
  readonly nodeCount?: number
  readonly transactionTimeoutMaxMs?: number
  /** How often the coordinator looks for transactions that are too old. */
  readonly timeoutCheckIntervalMs?: number
  readonly messageMaxBytes?: number
  /** `auto.create.topics.enable`; false when absent. */
  readonly createsTopics?: boolean
  /** False: a cluster of Kafka before 3.1, which knows topics by name alone; true when absent. */
  readonly hasTopicIds?: boolean
}

/** Kafka's own defaults. */
const TRANSACTION_TIMEOUT_MAX_MS = 900_000
const TIMEOUT_CHECK_INTERVAL_MS = 10_000
const MESSAGE_MAX_BYTES = 1_048_588
/** A node that was silent for so long is taken for dead by the others. */
const SESSION_MS = 9_000

export class SimulatedBroker {
  readonly state: ClusterState
  readonly faults: BrokerFaults
  readonly inspect: BrokerInspection
  readonly #world: SimulatedWorld
  readonly #network: SimulatedNetwork
  readonly #random: SeededRandom
  readonly #leadership: Leadership
  readonly #coordinator: TransactionCoordinator
  readonly #markers: MarkerWriter
  readonly #parts: BrokerParts
  readonly #timeoutCheckIntervalMs: number
  readonly #lives = new Map<string, number>()
  readonly #timeouts = new Map<string, () => void>()
  /** What becomes of transactions that begin, one each. */
  readonly #expiring: ((transaction: Transaction) => void)[] = []

  constructor(settings: SimulatedBrokerSettings) {
    const { world, network, name = 'broker', nodeCount = 1 } = settings
    this.#world = world
    this.#network = network
    this.#random = world.random.split(name)
    this.#timeoutCheckIntervalMs = settings.timeoutCheckIntervalMs ?? TIMEOUT_CHECK_INTERVAL_MS
    const timeoutMaxMs = settings.transactionTimeoutMaxMs ?? TRANSACTION_TIMEOUT_MAX_MS
    const messageMaxBytes = settings.messageMaxBytes ?? MESSAGE_MAX_BYTES
    this.state = new ClusterState(name, nodeCount)
    this.faults = new BrokerFaults(this.#random.split('faults'))
    this.#markers = new MarkerWriter(
      world,
      this.#random.split('markers'),
      this.state,
      () => this.#coordinator,
      () => this.#wallMs,
    )
    const hooks = {
      began: (transaction: Transaction) => {
        this.#watch(transaction)
        this.#expiring.shift()?.(transaction)
      },
      prepared: (transaction: Transaction) => {
        this.#timeouts.get(transaction.id)?.()
        this.#timeouts.delete(transaction.id)
        this.#markers.write(transaction)
      },
    }
    this.#coordinator = new TransactionCoordinator(hooks, timeoutMaxMs)
    this.#leadership = new Leadership(this.state, world, this.#random.split('leaders'), (slot) =>
      this.#markers.resume(slot),
    )
    this.inspect = new BrokerInspection(this.state, this.#coordinator, this.#markers)
    this.#parts = {
      state: this.state,
      leadership: this.#leadership,
      coordinator: this.#coordinator,
      faults: this.faults,
      configs: new Map([
        ['transaction.max.timeout.ms', String(timeoutMaxMs)],
        ['message.max.bytes', String(messageMaxBytes)],
        ['auto.create.topics.enable', String(settings.createsTopics ?? false)],
      ]),
      messageMaxBytes,
      createsTopics: settings.createsTopics ?? false,
      hasTopicIds: settings.hasTopicIds ?? true,
      after: (node, delayMs, action) => node.process?.after(delayMs, action) ?? (() => {}),
      log: (node, what, about) => world.log.add(world.nowMs, node.host, what, about),
    }
    for (const node of this.state.nodes) this.#start(node)
  }

  get #wallMs(): number {
    return Math.floor(START_OF_TIME_MS + this.#world.nowMs)
  }

  /** For `properties.bootstrap.servers`. */
  get bootstrapServers(): string {
    return this.state.nodes.map(({ host }) => `${host}:${BROKER_PORT}`).join(',')
  }

  get hosts(): string[] {
    return this.state.nodes.map(({ host }) => host)
  }

  /** Clients for the code of `process`: the one that ships, over the simulated network. */
  clientFactory(
    process: SimulatedProcess,
  ): (settings: KafkaSettings, platform: Pick<Platform, 'clock'>) => KafkaClient {
    const openSocket = simulatedKafkaSockets(this.#network, process)
    return (settings, platform) => new NetworkKafkaClient(settings, platform, openSocket)
  }

  // ——— topics and input ———

  createTopic(topic: string, partitions: number): void {
    const error = this.state.createTopic(topic, partitions)
    if (error !== 0) throw new Error(`Topic ${topic} cannot be made: error ${error}.`)
  }

  /** Deletes the topic and makes another of its name and number of partitions, empty. */
  makeTopicAnew(topic: string): void {
    const partitions = this.state.topics.get(topic)?.length ?? 0
    this.faults.count('topic made anew')
    this.#world.log.add(this.#world.nowMs, 'broker', 'topic made anew', topic)
    this.state.deleteTopic(topic)
    this.createTopic(topic, partitions)
  }

  /** Appends values as one batch, as a plain producer would that nothing can go wrong for. */
  append(
    topic: string,
    partition: number,
    values: readonly (string | Uint8Array)[],
    timestampMs = this.#wallMs,
  ): void {
    if (values.length === 0) return
    const place = this.#place(topic, partition)
    const parts = values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value))
    const lengths = Int32Array.from(parts, (part) => part.length)
    const starts = new Int32Array(parts.length)
    for (let i = 1; i < parts.length; i++) {
      starts[i] = (starts[i - 1] as number) + (lengths[i - 1] as number)
    }
    const bytes = Buffer.concat(parts)
    const builder = new RecordBatchBuilder(bytes.length + 32 * parts.length, 'none')
    builder.append(bytes, starts, lengths, 0, parts.length, Number.MAX_SAFE_INTEGER)
    const batch = builder.seal({
      ...{ producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, timestampMs },
    })
    const header = readBatchHeader(batch)
    if (header === null) throw new Error('A batch of our own making is unsound.')
    place.log.append(batch, header)
    this.state.changed(place)
  }

  /**
   * Nobody gets what is at `offset` or after it for now, though it counts as there: a reader that
   * knows its end waits.
   */
  holdBack(topic: string, partition: number, offset: number): void {
    const place = this.#place(topic, partition)
    place.heldFrom = offset
    this.state.changed(place)
  }

  #place(topic: string, partition: number): PartitionPlace {
    const place = this.state.place(topic, partition)
    if (place === undefined) throw new Error(`There is no partition ${partition} of ${topic}.`)
    return place
  }

  // ——— nodes ———

  #start(node: BrokerNode): void {
    const life = (this.#lives.get(node.host) ?? 0) + 1
    this.#lives.set(node.host, life)
    const name = life === 1 ? node.host : `${node.host}#${life}`
    const process = this.#world.process(name, node.host)
    node.process = process
    process.onExit(() => {
      if (node.process !== process) return
      this.#world.log.add(this.#world.nowMs, node.host, 'down')
      this.faults.count('node down')
      this.#leadership.nodeDown(node.id)
    })
    this.#network.listen(
      process,
      `${node.host}:${BROKER_PORT}`,
      (end) => void new ServerConnection(this.#parts, node, end),
    )
  }

  /** The process of a node, to pause or kill it; null while it is down. */
  processOf(nodeId: number): SimulatedProcess | null {
    return this.state.isUp(nodeId) ? (this.state.node(nodeId)?.process ?? null) : null
  }

  /** Its connections break; what it led is led by another one after a while, if there is one. */
  stopNode(nodeId: number): void {
    this.processOf(nodeId)?.kill()
  }

  startNode(nodeId: number): void {
    const node = this.state.node(nodeId)
    if (node === undefined || this.state.isUp(nodeId)) return
    this.#start(node)
    this.#world.log.add(this.#world.nowMs, node.host, 'up')
    this.#leadership.nodeUp(nodeId)
  }

  /**
   * Its connections stay and nothing is answered; after its session is over, others
   * lead what it led.
   */
  pauseNode(nodeId: number): void {
    const process = this.processOf(nodeId)
    if (process === null || process.paused) return
    this.faults.count('node pause')
    this.#world.log.add(this.#world.nowMs, process.name, 'pause')
    process.pause()
    this.#world.after(SESSION_MS, () => {
      if (this.processOf(nodeId) === process && process.paused) this.#leadership.nodeSilent(nodeId)
    })
  }

  resumeNode(nodeId: number): void {
    const process = this.processOf(nodeId)
    if (process === null || !process.paused) return
    this.#world.log.add(this.#world.nowMs, process.name, 'resume')
    process.resume()
    const node = this.state.node(nodeId)
    if (node !== undefined) node.registered = true
  }

  // ——— what else goes wrong ———

  /** To `nodeId`, or to any other node; with a single node it has no leader for a while. */
  moveLeader(topic: string, partition: number, nodeId: number | null = null): void {
    this.faults.count('leader move')
    this.#world.log.add(this.#world.nowMs, 'broker', 'leader moves', `${topic}-${partition}`)
    this.#leadership.moveLeader(this.#place(topic, partition), nodeId)
  }

  /** Of a transactional id and all that share its coordinator's log. */
  moveCoordinator(transactionalId: string, nodeId: number | null = null, loadingMs?: number): void {
    this.faults.count('coordinator move')
    this.#world.log.add(this.#world.nowMs, 'broker', 'coordinator moves', transactionalId)
    this.#leadership.moveCoordinator(this.state.slotOf(transactionalId), nodeId, loadingMs)
  }

  /** Every coordinator, of ids and groups. */
  moveCoordinators(loadingMs?: number): void {
    this.faults.count('coordinator move')
    this.#world.log.add(this.#world.nowMs, 'broker', 'coordinators move')
    for (const slot of this.state.slots) {
      this.#leadership.moveCoordinator(slot, null, loadingMs)
    }
  }

  /** Every marker takes this much longer from now on. */
  delayMarkers(delayMs: number): void {
    this.#markers.delayMs = delayMs
  }

  /** Retention takes everything below `offset`. */
  deleteRecordsBefore(topic: string, partition: number, offset: number): void {
    this.faults.count('retention')
    const place = this.#place(topic, partition)
    place.log.deleteBefore(offset)
    const about = `${topic}-${partition} before ${place.log.startOffset}`
    this.#world.log.add(this.#world.nowMs, 'broker', 'retention', about)
    this.state.changed(place)
  }

  /** Aborts an ongoing transaction as if its timeout had passed. False when it is not ongoing. */
  expireTransaction(transactionalId: string): boolean {
    const transaction = this.#coordinator.get(transactionalId)
    if (transaction?.status !== 'Ongoing') return false
    this.#expire(transaction)
    return true
  }

  /**
   * Aborts the next transaction that begins, as if its timeout had passed, right after the broker
   * has said that it begins: before a producer can have written anything that it pre-commits.
   */
  expireNextBegun(): { cancel(): void; hasExpired(): boolean } {
    let expired = false
    const strike = (transaction: Transaction): void => {
      expired = true
      this.#world.after(0, () => this.expireTransaction(transaction.id))
    }
    this.#expiring.push(strike)
    return {
      cancel: () => {
        const index = this.#expiring.indexOf(strike)
        if (index >= 0) this.#expiring.splice(index, 1)
      },
      hasExpired: () => expired,
    }
  }

  /** Forgets an id that is not in use, as after transactional.id.expiration.ms. */
  forgetTransactionalId(transactionalId: string): void {
    const status = this.#coordinator.get(transactionalId)?.status
    if (status === 'Ongoing' || status === 'PrepareCommit' || status === 'PrepareAbort') return
    this.faults.count('id forgotten')
    this.#coordinator.forget(transactionalId)
  }

  #expire(transaction: Transaction): void {
    this.faults.count('transaction timeout')
    const about = `${transaction.id} epoch ${transaction.epoch}`
    this.#world.log.add(this.#world.nowMs, 'broker', 'transaction timeout', about)
    this.#coordinator.fence(transaction)
  }

  /**
   * Aborts the transaction when it is still the same one after its timeout, at the
   * coordinator's next look.
   */
  #watch(transaction: Transaction): void {
    const { begun } = transaction
    const intervalMs = this.#timeoutCheckIntervalMs
    const look = (): void => {
      if (transaction.status !== 'Ongoing' || transaction.begun !== begun) return
      const slot = this.state.slotOf(transaction.id)
      if (slot.loading || !this.state.isActing(slot.node)) plan(intervalMs)
      else this.#expire(transaction)
    }
    const plan = (delayMs: number): void => {
      const atMs = Math.ceil((this.#world.nowMs + delayMs) / intervalMs) * intervalMs
      this.#timeouts.set(transaction.id, this.#world.after(atMs - this.#world.nowMs, look))
    }
    plan(transaction.timeoutMs)
  }
}
