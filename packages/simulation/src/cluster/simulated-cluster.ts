/**
 * SimulatedCluster: JobManagers and TaskManagers, the shipped code, in one world.
 *
 * Hosts are named `jm-1`, `tm-1` …; a process on a host is named `tm-1#2` in its second life.
 * Starts, kills and restarts processes; decides nothing.
 */
import type { ConnectorRegistry, Format } from '@millrace/connector'
import { Configuration } from '@millrace/core'
import { type DecideParallelism, JobManager } from '@millrace/jobmanager'
import type { LogLevel, MessageEndpoint, Platform } from '@millrace/platform'
import type { Fence } from '@millrace/protocol'
import { beginAggregates } from '@millrace/sql'
import { createSqlCoordinatorRegistry } from '@millrace/sql-operators/coordinators'
import { createSqlOperatorRegistry } from '@millrace/sql-operators/operators'
import { SLOT_THREAD_ENTRY, type TaskManager } from '@millrace/taskmanager'
import { runSlot } from '@millrace/taskmanager/slot'
import type { SimulatedNetwork } from '../platform/network/simulated-network.ts'
import { type SimulatedPlatformParts, simulatedPlatform } from '../platform/simulated-platform.ts'
import type { ThreadEntry } from '../platform/simulated-threads.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import { WatchedTaskManager } from './watched-task-manager.ts'

export const RPC_PORT = 6123

export interface SimulatedClusterSettings {
  readonly world: SimulatedWorld
  readonly network: SimulatedNetwork
  readonly platformParts: Pick<
    SimulatedPlatformParts,
    'filesystemOf' | 'localDisks' | 'objectStoresOf' | 'consoleOf'
  >
  /** Connectors for the code of one process: its Kafka clients belong to it. */
  connectorsOf(process: SimulatedProcess): ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  /** Of every JobManager and TaskManager. */
  readonly properties: Readonly<Record<string, string>>
  readonly logLevel: LogLevel
  /** At which parallelism rounds of deployment run; as submitted when absent. */
  readonly decideParallelism?: DecideParallelism
  /** How much slower than others a TaskManager's host computes; 1 when absent. */
  slownessOf?(host: string): number
  /** A TaskManager carried out a call under that fence. */
  onCarriedOut?(taskManager: string, call: string, fence: Fence): void
}

export interface RunningJobManager {
  readonly process: SimulatedProcess
  readonly jobManager: JobManager
}

export interface RunningTaskManager {
  readonly process: SimulatedProcess
  readonly taskManager: TaskManager
}

export class SimulatedCluster {
  readonly #settings: SimulatedClusterSettings
  readonly #parts: SimulatedPlatformParts
  readonly #lives = new Map<string, number>()
  /** By host; those that live. */
  readonly jobManagers = new Map<string, RunningJobManager>()
  readonly taskManagers = new Map<string, RunningTaskManager>()

  constructor(settings: SimulatedClusterSettings) {
    this.#settings = settings
    const slotEntry: ThreadEntry = (process, endpoint) => this.#runSlot(process, endpoint)
    const { world, network, logLevel } = settings
    this.#parts = {
      world,
      network,
      logLevel,
      ...settings.platformParts,
      threadEntries: new Map([[SLOT_THREAD_ENTRY, slotEntry]]),
    }
  }

  /**
   * The one that leads and answers clients, as far as it knows; of several, the one with the
   * highest epoch.
   */
  leader(): RunningJobManager | null {
    let leader: RunningJobManager | null = null
    for (const running of this.jobManagers.values()) {
      const { epoch, servesClients } = running.jobManager
      if (!servesClients) continue
      if (leader === null || epoch > leader.jobManager.epoch) leader = running
    }
    return leader
  }

  platformOf(process: SimulatedProcess): Platform {
    return simulatedPlatform(this.#parts, process)
  }

  startJobManager(host: string): void {
    const process = this.#process(host)
    const { properties, decideParallelism } = this.#settings
    process.deliver(() => {
      const jobManager = new JobManager({
        platform: this.platformOf(process),
        configuration: new Configuration({
          ...properties,
          'jobmanager.rpc.address': host,
          'jobmanager.rpc.port': String(RPC_PORT),
        }),
        coordinators: createSqlCoordinatorRegistry({
          connectors: this.#settings.connectorsOf(process),
        }),
        fitToStored: async (jobGraph, stored) => beginAggregates(jobGraph, stored),
        rest: false,
        ...(decideParallelism === undefined ? {} : { decideParallelism }),
      })
      this.jobManagers.set(host, { process, jobManager })
      process.onExit(() => this.jobManagers.delete(host))
      void jobManager.start().catch((error) => this.#died(process, error))
    })
  }

  startTaskManager(host: string): void {
    const process = this.#process(host)
    process.slowness = this.#settings.slownessOf?.(host) ?? 1
    const { properties } = this.#settings
    process.deliver(() => {
      const taskManager = new WatchedTaskManager({
        platform: this.platformOf(process),
        configuration: new Configuration({
          'jobmanager.rpc.address': 'jm-1',
          'jobmanager.rpc.port': String(RPC_PORT),
          ...properties,
          'taskmanager.host': host,
          'taskmanager.bind-host': host,
          'taskmanager.resource-id': process.name,
        }),
        cpuCores: 2,
      })
      taskManager.watch = (call, fence) => this.#settings.onCarriedOut?.(process.name, call, fence)
      this.taskManagers.set(host, { process, taskManager })
      process.onExit(() => this.taskManagers.delete(host))
      void taskManager.start().catch((error) => this.#died(process, error))
    })
  }

  #process(host: string): SimulatedProcess {
    const life = (this.#lives.get(host) ?? 0) + 1
    this.#lives.set(host, life)
    const { world } = this.#settings
    const process = world.process(life === 1 ? host : `${host}#${life}`, host)
    world.log.add(world.nowMs, process.name, 'start')
    return process
  }

  #died(process: SimulatedProcess, error: unknown): void {
    this.#settings.world.log.add(process.nowMs, process.name, 'start failed', String(error))
    process.kill()
  }

  #runSlot(process: SimulatedProcess, endpoint: MessageEndpoint): void {
    const platform = this.platformOf(process)
    const { formats } = this.#settings
    runSlot(platform, endpoint, () =>
      createSqlOperatorRegistry({
        connectors: this.#settings.connectorsOf(process),
        formats,
        platform,
      }),
    )
  }
}
