/**
 * SimulatedEnvironment: one world with everything that a job needs — network, disk, object store,
 * broker and cluster — before any job or fault.
 */
import {
  type ConnectorRegistry,
  type Format,
  jsonFormat,
  type TableConnector,
} from '@millrace/connector'
import { blackholeConnector, datagenConnector, printConnector } from '@millrace/connector-basic'
import { filesystemConnector } from '@millrace/connector-filesystem'
import { createKafkaConnector } from '@millrace/connector-kafka'
import type { OperatorRegistry } from '@millrace/core'
import type { DecideParallelism } from '@millrace/jobmanager'
import type { Fence } from '@millrace/protocol'
import { createSqlOperatorRegistry } from '@millrace/sql-operators/operators'
import { SimulatedBroker } from '../broker/simulated-broker.ts'
import { SimulatedCluster } from '../cluster/simulated-cluster.ts'
import { withKafkaSteps, withStoreSteps } from '../faults/named-steps.ts'
import { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import { SimulatedFilesystem } from '../platform/filesystem/simulated-filesystem.ts'
import { SimulatedNetwork } from '../platform/network/simulated-network.ts'
import { SimulatedObjectStore } from '../platform/object-store/simulated-object-store.ts'
import { LocalDisks } from '../platform/simulated-temporary-files.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import { SimulatedWorld } from '../world/simulated-world.ts'

export const CHECKPOINT_DIRECTORY = '/checkpoints'
export const INPUT_DIRECTORY = '/input'
export const OUTPUT_DIRECTORY = '/output'
const HIGH_AVAILABILITY_DIRECTORY = '/high-availability'
/** The object store, as a host of the network. */
export const STORE_HOST = 'store'

export interface EnvironmentShape {
  readonly seed: number
  readonly jobManagers: number
  readonly taskManagers: number
  readonly slotsPerTaskManager: number
  readonly brokers: number
  /**
   * How much slower than others the host of each TaskManager computes, until the faults are over.
   */
  readonly slowness: readonly number[]
  readonly properties: Readonly<Record<string, string>>
}

export interface EnvironmentListeners {
  /** Beside those that ship. */
  readonly connectors?: readonly TableConnector[]
  /** At which parallelism rounds of deployment run; as submitted when absent. */
  readonly decideParallelism?: DecideParallelism
  /** Beside `json`. */
  readonly formats?: readonly Format[]
  onCarriedOut?(taskManager: string, call: string, fence: Fence): void
  /** What processes printed. */
  onPrint?(text: string): void
}

export class SimulatedEnvironment {
  readonly world: SimulatedWorld
  readonly network: SimulatedNetwork
  /** Shared by every host, like a network filesystem. */
  readonly disk: SimulatedDisk
  /** Each host's own, for temporary files. */
  readonly localDisks: LocalDisks
  readonly store: SimulatedObjectStore
  readonly broker: SimulatedBroker
  readonly cluster: SimulatedCluster
  readonly formats: ReadonlyMap<string, Format>
  readonly jobManagerHosts: readonly string[]
  readonly taskManagerHosts: readonly string[]
  readonly shape: EnvironmentShape
  readonly #connectors: readonly TableConnector[]
  #healed = false

  constructor(shape: EnvironmentShape, listeners: EnvironmentListeners = {}) {
    this.shape = shape
    this.#connectors = listeners.connectors ?? []
    const formats = [jsonFormat, ...(listeners.formats ?? [])]
    this.formats = new Map(formats.map((format) => [format.name, format]))
    this.world = new SimulatedWorld(shape.seed)
    this.network = new SimulatedNetwork(this.world)
    this.disk = new SimulatedDisk(this.world, 'disk')
    this.localDisks = new LocalDisks(this.world)
    this.store = new SimulatedObjectStore(this.world)
    this.store.isReachable = (host) =>
      !this.network.isCut(host, STORE_HOST) && !this.network.isCut(STORE_HOST, host)
    this.broker = new SimulatedBroker({
      world: this.world,
      network: this.network,
      nodeCount: shape.brokers,
    })
    this.jobManagerHosts = hostNames('jm', shape.jobManagers)
    this.taskManagerHosts = hostNames('tm', shape.taskManagers)
    for (const directory of [INPUT_DIRECTORY, OUTPUT_DIRECTORY]) {
      this.disk.makeDirectory(directory, '')
    }
    const { onCarriedOut, onPrint, decideParallelism } = listeners
    const hosts = this.taskManagerHosts
    this.cluster = new SimulatedCluster({
      world: this.world,
      network: this.network,
      platformParts: {
        filesystemOf: (process) => new SimulatedFilesystem(this.disk, process),
        localDisks: this.localDisks,
        objectStoresOf: (process) => withStoreSteps(this.store.storesOf(process), process),
        ...(onPrint === undefined
          ? {}
          : {
              consoleOf: () => ({ write: onPrint, writeError: onPrint }),
            }),
      },
      connectorsOf: (process) => this.connectorsOf(process),
      formats: this.formats,
      properties: {
        'taskmanager.numberOfTaskSlots': String(shape.slotsPerTaskManager),
        'execution.checkpointing.dir': `file://${CHECKPOINT_DIRECTORY}`,
        ...(shape.jobManagers > 1
          ? {
              'high-availability.type': 'filesystem',
              'high-availability.storageDir': `file://${HIGH_AVAILABILITY_DIRECTORY}`,
            }
          : {}),
        ...shape.properties,
      },
      logLevel: 'info',
      slownessOf: (host) => (this.#healed ? 1 : (shape.slowness[hosts.indexOf(host)] ?? 1)),
      ...(onCarriedOut === undefined ? {} : { onCarriedOut }),
      ...(decideParallelism === undefined ? {} : { decideParallelism }),
    })
  }

  /** `process` null: for planning alone. */
  connectorsOf(process: SimulatedProcess | null): ConnectorRegistry {
    const kafka = process === null ? createKafkaConnector() : this.#kafkaOf(process)
    const shipped = [filesystemConnector, datagenConnector, printConnector, blackholeConnector]
    const all = [kafka, ...shipped, ...this.#connectors]
    return new Map(all.map((connector) => [connector.name, connector]))
  }

  #kafkaOf(process: SimulatedProcess): TableConnector {
    const open = this.broker.clientFactory(process)
    return createKafkaConnector((settings, platform) =>
      withKafkaSteps(open(settings, platform), process),
    )
  }

  /** Of operators, for what they say of a configuration. */
  factories(): OperatorRegistry {
    const process = this.world.process('factories', 'client')
    return createSqlOperatorRegistry({
      connectors: this.connectorsOf(null),
      formats: this.formats,
      platform: this.cluster.platformOf(process),
    })
  }

  start(): void {
    for (const host of this.jobManagerHosts) this.cluster.startJobManager(host)
    for (const host of this.taskManagerHosts) this.cluster.startTaskManager(host)
  }

  /** Starts what is down and resumes what is paused: the phase with faults is over. */
  reviveAll(): void {
    const { cluster } = this
    this.#healed = true
    for (const { process } of [...cluster.jobManagers.values(), ...cluster.taskManagers.values()]) {
      process.resume()
      process.slowness = 1
      for (const thread of process.children) thread.resume()
    }
    for (const host of this.jobManagerHosts) {
      if (!cluster.jobManagers.has(host)) cluster.startJobManager(host)
    }
    for (const host of this.taskManagerHosts) {
      if (!cluster.taskManagers.has(host)) cluster.startTaskManager(host)
    }
    for (const { id } of this.broker.state.nodes) this.broker.startNode(id)
  }
}

function hostNames(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)
}
