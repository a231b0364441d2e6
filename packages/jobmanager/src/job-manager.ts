/**
 * JobManager: the process-wide parts put together — control plane, REST, and the
 * election of who leads.
 *
 * Its life: start → standby → leader → (lost) → standby …; without high availability it leads from
 * its start to its end. What it has as the leader is a `LeaderSession`, whose epoch fences
 * everything it sends.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import { type Configuration, hexId } from '@millrace/core'
import type { Platform, ProcessInspection, RpcServer } from '@millrace/platform'
import {
  type Fence,
  type HighAvailability,
  HighAvailabilityOptions,
  highAvailabilityOf,
  jobManagerHandlers,
  type LeaderRecord,
  protocolError,
} from '@millrace/protocol'
import type { FastifyInstance } from 'fastify'
import type { FitToStored } from './checkpoint/plan-recovery.ts'
import { currentGateway } from './control-plane/current-gateway.ts'
import type { Dispatcher } from './dispatcher/dispatcher.ts'
import { type JobStore, VOLATILE_JOB_STORE } from './high-availability/job-store.ts'
import type { LeaderElection, Leadership } from './high-availability/leader-election.ts'
import { LeaseElection } from './high-availability/lease-election.ts'
import { standaloneElection } from './high-availability/standalone-election.ts'
import { StoredJobStore } from './high-availability/stored-job-store.ts'
import { JobManagerOptions } from './jobmanager-options.ts'
import { LeaderSession, registryOptionsOf } from './leader/leader-session.ts'
import { type Forward, forwardToLeader } from './rest/forward-to-leader.ts'
import { createRestServer, listenRest } from './rest/rest-server.ts'
import { type DecideParallelism, decideParallelism } from './scheduler/decide-parallelism.ts'
import type { SlotPool } from './slot-pool/slot-pool.ts'
import type { TaskManagerRegistry } from './taskmanager-registry/task-manager-registry.ts'

const LOOPBACK = '127.0.0.1'

export interface JobManagerSettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly coordinators: CoordinatorRegistry
  /** Makes a job fit to the state that it names (`beginAggregates`); absent: it is as submitted. */
  readonly fitToStored?: FitToStored
  /** At which parallelism each round of deployment runs; as submitted when not given. */
  readonly decideParallelism?: DecideParallelism
  /** Leader epoch without high availability; the wall clock's milliseconds when not given. */
  readonly epoch?: number
  /** Mounts further routes (the SQL gateway) on the REST server before it listens. */
  readonly routes?: (server: FastifyInstance, jobManager: JobManager) => void | Promise<void>
  /** What the process tells about itself; absent in the simulation. */
  readonly inspection?: ProcessInspection
  /** False: no REST server (simulation). */
  readonly rest?: boolean
  /** Sends a client's request on to the leader; absent: a standby only says where the leader is. */
  readonly forward?: Forward
}

export interface JobManagerAddresses {
  readonly rpcAddress: string
  /** Host and port; empty without REST. */
  readonly restAddress: string
  /** 0: it does not lead yet. */
  readonly epoch: number
}

export class JobManager {
  readonly id: string
  readonly configuration: Configuration
  readonly platform: Platform
  readonly #settings: JobManagerSettings
  readonly #highAvailability: HighAvailability | null
  readonly #election: LeaderElection
  #session: LeaderSession | null = null
  #stopped = false
  #restAddress = ''
  #rpcServer: RpcServer | null = null
  #restServer: FastifyInstance | null = null

  /** Throws HIGH_AVAILABILITY_INVALID, OBJECT_STORE_UNSUPPORTED, CONFIG_VALUE_INVALID. */
  constructor(settings: JobManagerSettings) {
    const { platform, configuration } = settings
    this.#settings = settings
    this.platform = platform
    this.configuration = configuration
    this.id = `jm-${hexId(platform.random.bytes(6))}`
    registryOptionsOf(configuration)
    this.#highAvailability = highAvailabilityOf(configuration, platform)
    this.#election =
      this.#highAvailability === null
        ? standaloneElection(settings.epoch ?? Math.max(1, Math.floor(platform.clock.nowMs())))
        : new LeaseElection(platform, this.#highAvailability)
  }

  /** Of the present leadership; 0 while it does not lead. */
  get epoch(): number {
    return this.#session?.leadership.epoch ?? 0
  }

  get isLeader(): boolean {
    return this.#session?.leadership.holds() ?? false
  }

  /** Whether it leads and knows every job, so that it answers clients itself. */
  get servesClients(): boolean {
    return this.isLeader && this.#session?.isReady === true
  }

  /** Who leads, as far as known; null also without high availability. */
  get leader(): LeaderRecord | null {
    return this.#election.leader()
  }

  /** Throws NOT_LEADER. */
  get dispatcher(): Dispatcher {
    return this.#leading().dispatcher
  }

  /** Throws NOT_LEADER. */
  get registry(): TaskManagerRegistry {
    return this.#leading().registry
  }

  /** Throws NOT_LEADER. */
  get slotPool(): SlotPool {
    return this.#leading().slotPool
  }

  /** Throws NOT_LEADER. */
  get fence(): Fence {
    return this.#leading().fence
  }

  get inspection(): ProcessInspection | null {
    return this.#settings.inspection ?? null
  }

  get restUrl(): string {
    return `http://${this.#restAddress}`
  }

  #leading(): LeaderSession {
    if (this.#session !== null) return this.#session
    const leader = this.leader
    throw protocolError(
      'NOT_LEADER',
      leader === null
        ? 'This JobManager does not lead, and knows none that does.'
        : `This JobManager does not lead; '${leader.holderId}' does, at ${leader.rpcAddress}.`,
    )
  }

  /**
   * Resolves when TaskManagers and clients can connect, be it as a standby. Rejects when a
   * port is taken.
   */
  async start(): Promise<JobManagerAddresses> {
    const { configuration, platform } = this
    const rpcAddress = await this.#serveRpc()
    if (this.#settings.rest !== false) {
      this.#restServer = createRestServer(this)
      forwardToLeader(this.#restServer, this, this.#settings.forward ?? null)
      await this.#settings.routes?.(this.#restServer, this)
      try {
        this.#restAddress = await listenRest(this.#restServer, configuration)
      } catch (error) {
        // TaskManagers must not find half a JobManager.
        await this.stop()
        throw error
      }
    }
    const restAddress = this.#restAddress
    this.#election.join({
      id: this.id,
      rpcAddress,
      restAddress,
      onElected: (leadership) => this.#lead(leadership),
      onLost: (leadership) => this.#standBy(leadership),
    })
    platform.logger.info('JobManager started', { rpcAddress, restAddress, epoch: this.epoch })
    return { rpcAddress, restAddress, epoch: this.epoch }
  }

  async #serveRpc(): Promise<string> {
    const { configuration, platform } = this
    const host = configuration.get(JobManagerOptions.rpcAddress)
    const bindHost =
      configuration.get(JobManagerOptions.bindHost) ?? (host === 'localhost' ? LOOPBACK : host)
    this.#rpcServer = await platform.rpc.serve(
      `${bindHost}:${this.#rpcPort()}`,
      jobManagerHandlers(currentGateway(() => this.#leading().gateway)),
    )
    const bound = this.#rpcServer.address
    const local = bindHost === host || (host === 'localhost' && bindHost === LOOPBACK)
    return local ? bound : `${host}${bound.slice(bound.lastIndexOf(':'))}`
  }

  /** With high availability TaskManagers read the address from the lease, so any free port does. */
  #rpcPort(): number {
    const { configuration } = this
    const port = configuration.get(JobManagerOptions.rpcPort)
    if (this.#highAvailability === null) return port
    const given = configuration.get(HighAvailabilityOptions.jobManagerPort)
    return given ?? (configuration.has(JobManagerOptions.rpcPort) ? port : 0)
  }

  #lead(leadership: Leadership): void {
    const { platform, configuration } = this
    const { fitToStored } = this.#settings
    const session = new LeaderSession({
      platform,
      configuration,
      coordinators: this.#settings.coordinators,
      ...(fitToStored === undefined ? {} : { fitToStored }),
      decideParallelism: this.#settings.decideParallelism ?? decideParallelism,
      jobManagerId: this.id,
      leadership,
      store: this.#storeOf(leadership),
    })
    this.#session = session
    void session.recover()
  }

  #storeOf(leadership: Leadership): JobStore {
    if (this.#highAvailability === null) return VOLATILE_JOB_STORE
    const { store, clusterPath } = this.#highAvailability
    return new StoredJobStore({ store, clock: this.platform.clock, leadership }, clusterPath)
  }

  #standBy(leadership: Leadership): void {
    if (this.#session?.leadership !== leadership) return
    const session = this.#session
    this.#session = null
    session.suspend()
  }

  /**
   * Ends the tasks of running jobs, within bounds; their checkpoints stay, and another JobManager
   * goes on with them.
   */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#restServer?.close()
    await this.#session?.stop()
    await this.#election.close()
    this.#session = null
    await this.#rpcServer?.close()
  }
}
