/**
 * JobManager: the process-wide parts put together — control plane, TaskManager registry, slot pool, dispatcher, REST.
 *
 * Its epoch fences everything it sends: each start takes a newer one, so that what an earlier JobManager left behind
 * is dropped.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import { type Configuration, hexId } from '@millrace/core'
import type { Platform, RpcServer } from '@millrace/platform'
import { type Fence, jobManagerHandlers } from '@millrace/protocol'
import type { FastifyInstance } from 'fastify'
import { jobManagerEndpoint } from './control-plane/job-manager-endpoint.ts'
import { Dispatcher } from './dispatcher/dispatcher.ts'
import { JobManagerOptions } from './jobmanager-options.ts'
import { createRestServer, listenRest } from './rest/rest-server.ts'
import { SlotPool } from './slot-pool/slot-pool.ts'
import { TaskManagerRegistry } from './taskmanager-registry/task-manager-registry.ts'

const LOOPBACK = '127.0.0.1'
/** How long TaskManagers may take to end the tasks of jobs that still run when the JobManager stops. */
const STOP_TIMEOUT_MS = 3000

export interface JobManagerSettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly coordinators: CoordinatorRegistry
  /** Leader epoch; the wall clock's milliseconds when not given. */
  readonly epoch?: number
  /** Mounts further routes (the SQL gateway) on the REST server before it listens. */
  readonly routes?: (server: FastifyInstance, jobManager: JobManager) => void | Promise<void>
  /** False: no REST server (simulation). */
  readonly rest?: boolean
}

export interface JobManagerAddresses {
  readonly rpcAddress: string
  /** Host and port; empty without REST. */
  readonly restAddress: string
  readonly epoch: number
}

export class JobManager {
  readonly id: string
  readonly epoch: number
  readonly configuration: Configuration
  readonly platform: Platform
  readonly dispatcher: Dispatcher
  readonly registry: TaskManagerRegistry
  readonly slotPool: SlotPool
  readonly #settings: JobManagerSettings
  readonly #fence: Fence
  #rpcServer: RpcServer | null = null
  #restServer: FastifyInstance | null = null

  constructor(settings: JobManagerSettings) {
    const { platform, configuration, coordinators } = settings
    this.#settings = settings
    this.platform = platform
    this.configuration = configuration
    this.id = `jm-${hexId(platform.random.bytes(6))}`
    this.epoch = settings.epoch ?? Math.max(1, Math.floor(platform.clock.nowMs()))
    const fence = { leaderEpoch: this.epoch, senderId: this.id }
    this.#fence = fence
    this.slotPool = new SlotPool(platform, fence, ({ jobId, allocationId }) =>
      this.dispatcher.find(jobId)?.slotLost(allocationId),
    )
    this.dispatcher = new Dispatcher({
      platform,
      configuration,
      fence,
      slotPool: this.slotPool,
      coordinators,
    })
    this.registry = new TaskManagerRegistry(
      platform,
      fence,
      {
        heartbeatIntervalMs: configuration.get(JobManagerOptions.heartbeatInterval),
        heartbeatTimeoutMs: configuration.get(JobManagerOptions.heartbeatTimeout),
        rpcFailureThreshold: configuration.get(JobManagerOptions.heartbeatRpcFailureThreshold),
        rpcTimeoutMs: configuration.get(JobManagerOptions.rpcTimeout),
      },
      {
        taskManagerAdded: (taskManager, slots) => this.slotPool.addTaskManager(taskManager, slots),
        taskManagerLost: (taskManager, error) => {
          this.slotPool.removeTaskManager(taskManager)
          for (const job of this.dispatcher.all()) job.taskManagerLost(taskManager, error)
        },
        slotsReported: (taskManager, slots) => this.slotPool.reconcile(taskManager, slots),
      },
    )
  }

  /** Resolves when TaskManagers and clients can connect. Rejects when a port is taken. */
  async start(): Promise<JobManagerAddresses> {
    const { configuration, platform } = this
    const host = configuration.get(JobManagerOptions.rpcAddress)
    const bindHost =
      configuration.get(JobManagerOptions.bindHost) ?? (host === 'localhost' ? LOOPBACK : host)
    this.#rpcServer = await platform.rpc.serve(
      `${bindHost}:${configuration.get(JobManagerOptions.rpcPort)}`,
      jobManagerHandlers(
        jobManagerEndpoint(this.#fence, this.dispatcher, this.registry, () =>
          platform.clock.nowMs(),
        ),
      ),
    )
    const bound = this.#rpcServer.address
    const local = bindHost === host || (host === 'localhost' && bindHost === LOOPBACK)
    const rpcAddress = local ? bound : `${host}${bound.slice(bound.lastIndexOf(':'))}`
    let restAddress = ''
    if (this.#settings.rest !== false) {
      this.#restServer = createRestServer(this)
      await this.#settings.routes?.(this.#restServer, this)
      try {
        restAddress = await listenRest(this.#restServer, configuration)
      } catch (error) {
        // TaskManagers must not find half a JobManager.
        await this.stop()
        throw error
      }
    }
    platform.logger.info('JobManager started', { rpcAddress, restAddress, epoch: this.epoch })
    return { rpcAddress, restAddress, epoch: this.epoch }
  }

  /** Ends the tasks of running jobs, within bounds; their checkpoints stay. */
  async stop(): Promise<void> {
    await this.#restServer?.close()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancelTimer = this.platform.clock.setTimer(STOP_TIMEOUT_MS, resolve)
    await Promise.race([this.dispatcher.close(), late])
    cancelTimer()
    this.slotPool.close()
    this.registry.close()
    await this.#rpcServer?.close()
  }
}
