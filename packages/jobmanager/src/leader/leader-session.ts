/**
 * LeaderSession: everything a JobManager has while it leads — TaskManagers, slots, jobs —
 * under one epoch.
 *
 * Another leadership is another session; nothing is carried over but what is stored. `suspend` is
 * synchronous: once the leadership is lost, no step of the session acts any more.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import type { Configuration } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { Fence, JobManagerGateway } from '@millrace/protocol'
import type { FitToStored } from '../checkpoint/plan-recovery.ts'
import { jobManagerEndpoint } from '../control-plane/job-manager-endpoint.ts'
import { Dispatcher } from '../dispatcher/dispatcher.ts'
import type { JobStore } from '../high-availability/job-store.ts'
import type { Leadership } from '../high-availability/leader-election.ts'
import { leadershipFence } from '../high-availability/leadership-fence.ts'
import { JobManagerOptions } from '../jobmanager-options.ts'
import type { DecideParallelism } from '../scheduler/decide-parallelism.ts'
import { SlotPool } from '../slot-pool/slot-pool.ts'
import {
  type RegistryOptions,
  TaskManagerRegistry,
} from '../taskmanager-registry/task-manager-registry.ts'

/**
 * How long TaskManagers may take to end the tasks of jobs that still run when the JobManager stops.
 */
const STOP_TIMEOUT_MS = 3000

export interface LeaderSessionSettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly coordinators: CoordinatorRegistry
  readonly decideParallelism: DecideParallelism
  readonly fitToStored?: FitToStored
  readonly jobManagerId: string
  readonly leadership: Leadership
  readonly store: JobStore
}

/** Throws CONFIG_VALUE_INVALID, so that a JobManager says so at its start and not once it leads. */
export function registryOptionsOf(configuration: Configuration): RegistryOptions {
  return {
    heartbeatIntervalMs: configuration.get(JobManagerOptions.heartbeatInterval),
    heartbeatTimeoutMs: configuration.get(JobManagerOptions.heartbeatTimeout),
    rpcFailureThreshold: configuration.get(JobManagerOptions.heartbeatRpcFailureThreshold),
    rpcTimeoutMs: configuration.get(JobManagerOptions.rpcTimeout),
  }
}

export class LeaderSession {
  readonly leadership: Leadership
  readonly dispatcher: Dispatcher
  readonly registry: TaskManagerRegistry
  readonly slotPool: SlotPool
  /** What TaskManagers call. */
  readonly gateway: JobManagerGateway
  readonly fence: Fence
  readonly #platform: Platform
  #isReady: boolean

  constructor(settings: LeaderSessionSettings) {
    const { platform, configuration, coordinators, leadership, store } = settings
    const { decideParallelism, fitToStored } = settings
    this.#platform = platform
    this.leadership = leadership
    this.#isReady = !store.isDurable
    const fence = leadershipFence(leadership, settings.jobManagerId)
    this.fence = fence
    this.slotPool = new SlotPool(platform, fence, ({ jobId, allocationId }) =>
      this.dispatcher.find(jobId)?.reports.slotLost(allocationId),
    )
    this.dispatcher = new Dispatcher({
      platform,
      configuration,
      fence,
      slotPool: this.slotPool,
      coordinators,
      decideParallelism,
      store,
      ...(fitToStored === undefined ? {} : { fitToStored }),
    })
    this.registry = new TaskManagerRegistry(platform, fence, registryOptionsOf(configuration), {
      taskManagerAdded: (taskManager, slots) => this.slotPool.addTaskManager(taskManager, slots),
      taskManagerLost: (taskManager, error) => {
        this.slotPool.removeTaskManager(taskManager)
        for (const job of this.dispatcher.all()) job.reports.taskManagerLost(taskManager, error)
      },
      slotsReported: (taskManager, slots) => this.slotPool.reconcile(taskManager, slots),
    })
    this.gateway = jobManagerEndpoint(fence, this.dispatcher, this.registry, () =>
      platform.clock.nowMs(),
    )
  }

  /** Whether it knows every job that was ever submitted, and so can answer clients. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Goes on with the jobs of former leaders. Never rejects: what fails ends the leadership. */
  async recover(): Promise<void> {
    try {
      await this.dispatcher.recover()
      this.#isReady = true
    } catch (error) {
      this.#platform.logger.error('Stored jobs cannot be recovered', { error })
      this.leadership.giveUp('stored jobs cannot be recovered')
    }
  }

  suspend(): void {
    this.slotPool.close()
    this.registry.close()
    this.dispatcher.suspend()
  }

  /** Ends the tasks of running jobs, within bounds; their checkpoints stay. */
  async stop(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancelTimer = this.#platform.clock.setTimer(STOP_TIMEOUT_MS, resolve)
    await Promise.race([this.dispatcher.close(), late])
    cancelTimer()
    this.slotPool.close()
    this.registry.close()
  }
}
