/**
 * JobManagers and TaskManagers as processes on loopback: what `npm start`, benchmarks, chaos and
 * end-to-end tests run on.
 *
 * With more than one JobManager they stand in for each other: lease, graphs and pointers are in
 * `ha` of the directory.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Configuration } from '@millrace/core'
import type { LeaderRecord } from '@millrace/protocol'
import { s3SettingsOf } from '@millrace/s3'
import { processPlatform } from '../process/process-platform.ts'
import { freePort } from './free-port.ts'
import { type SpawnedProcess, spawnProcess, stopProcess } from './spawn-process.ts'

const CLUSTER_PATH = 'local'

export interface LocalClusterSettings {
  /** For logs; made when missing. */
  readonly directory: string
  /** Default 1; with more there is high availability. */
  readonly jobManagers?: number
  /** With one JobManager too: another one may take its place. */
  readonly highAvailability?: boolean
  readonly taskManagers: number
  readonly slotsPerTaskManager: number
  /** For every process. */
  readonly properties?: Readonly<Record<string, string>>
  /** Further ones of one process, asked when it is started. */
  readonly propertiesOf?: (role: 'jobmanager' | 'taskmanager') => Readonly<Record<string, string>>
  /** REST port of the first JobManager; default a free one. */
  readonly restPort?: number
}

/** The JobManager process that leads, and what the lease says of it. */
export interface Leader {
  readonly process: SpawnedProcess
  readonly record: LeaderRecord
}

type LeaseReader = () => Promise<LeaderRecord | null>

async function leaseReader(properties: Readonly<Record<string, string>>): Promise<LeaseReader> {
  const { decodeLeaderRecord, leaderKey } = await import('@millrace/protocol')
  const location = properties['high-availability.storageDir'] as string
  const key = leaderKey(properties['high-availability.cluster-id'] as string)
  const s3 = s3SettingsOf(new Configuration(properties))
  const store = processPlatform(s3, { logger: { level: 'off' } }).objectStores.open(location)
  return async () => {
    const object = await store.get(key)
    return object === null ? null : decodeLeaderRecord(object.bytes)
  }
}

export class LocalCluster {
  readonly settings: LocalClusterSettings
  /** Every one that was started, those that were killed too. */
  readonly jobManagers: SpawnedProcess[] = []
  readonly taskManagers: SpawnedProcess[] = []
  /** Of each JobManager; every one of them answers for the leader. */
  readonly restAddresses: string[] = []
  readonly #properties: Readonly<Record<string, string>>
  #started = 0
  #leases: Promise<LeaseReader> | null = null

  private constructor(
    settings: LocalClusterSettings,
    properties: Readonly<Record<string, string>>,
    restPorts: readonly number[],
  ) {
    this.settings = settings
    this.#properties = properties
    for (const port of restPorts) this.#spawnJobManager(port)
    for (let i = 0; i < settings.taskManagers; i++) this.addTaskManager()
  }

  /** Starts all processes at once; `ready` tells when they serve. */
  static async start(settings: LocalClusterSettings): Promise<LocalCluster> {
    mkdirSync(settings.directory, { recursive: true })
    const count = settings.jobManagers ?? 1
    const restPorts = [settings.restPort ?? (await freePort())]
    while (restPorts.length < count) restPorts.push(await freePort())
    const properties = {
      'jobmanager.rpc.address': '127.0.0.1',
      'taskmanager.numberOfTaskSlots': String(settings.slotsPerTaskManager),
      ...(count > 1 || settings.highAvailability === true
        ? {
            'high-availability.type': 'filesystem',
            'high-availability.storageDir': `file://${join(settings.directory, 'ha')}`,
            'high-availability.cluster-id': CLUSTER_PATH,
          }
        : { 'jobmanager.rpc.port': String(await freePort()) }),
      ...settings.properties,
    }
    return new LocalCluster(settings, properties, restPorts)
  }

  /** The first one. */
  get jobManager(): SpawnedProcess {
    return this.jobManagers[0] as SpawnedProcess
  }

  /** Of the first JobManager. */
  get restAddress(): string {
    return this.restAddresses[0] as string
  }

  /** A further JobManager, or one in place of one that was killed. Needs high availability. */
  async addJobManager(): Promise<SpawnedProcess> {
    return this.#spawnJobManager(await freePort())
  }

  #spawnJobManager(restPort: number): SpawnedProcess {
    const index = this.jobManagers.length + 1
    const suffix = index === 1 ? '' : `-${index}`
    const spawned = spawnProcess({
      role: 'jobmanager',
      name: index === 1 ? 'JobManager' : `JobManager ${index}`,
      properties: {
        ...this.#properties,
        'rest.port': String(restPort),
        'rest.bind-port': String(restPort),
        ...this.settings.propertiesOf?.('jobmanager'),
      },
      logFile: join(this.settings.directory, `jobmanager${suffix}.log`),
    })
    this.jobManagers.push(spawned)
    this.restAddresses.push(`http://127.0.0.1:${restPort}`)
    return spawned
  }

  addTaskManager(): SpawnedProcess {
    const index = ++this.#started
    const spawned = spawnProcess({
      role: 'taskmanager',
      name: `TaskManager ${index}`,
      properties: {
        ...this.#properties,
        'rest.port': String(new URL(this.restAddress).port),
        'metrics.reporter.prom.port': '0',
        ...this.settings.propertiesOf?.('taskmanager'),
      },
      logFile: join(this.settings.directory, `taskmanager-${index}.log`),
    })
    this.taskManagers.push(spawned)
    return spawned
  }

  async ready(): Promise<void> {
    await Promise.all([...this.jobManagers, ...this.taskManagers].map((spawned) => spawned.ready))
  }

  /**
   * Whom the lease names; null: nobody, or a process that is none of this cluster's. Needs
   * high availability.
   */
  async leader(): Promise<Leader | null> {
    this.#leases ??= leaseReader(this.#properties)
    const record = await (await this.#leases)()
    if (record === null) return null
    const index = this.restAddresses.indexOf(`http://${record.restAddress}`)
    const process = this.jobManagers[index]
    return record.holderId === '' || process === undefined ? null : { process, record }
  }

  async stop(): Promise<void> {
    const all = [...this.taskManagers, ...this.jobManagers]
    await Promise.all(all.map((spawned) => stopProcess(spawned)))
  }
}
