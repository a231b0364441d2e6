/**
 * A JobManager and TaskManagers as processes on loopback: what `npm start`, benchmarks, chaos and end-to-end
 * tests run on.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type SpawnedProcess, spawnProcess, stopProcess } from './spawn-process.ts'

export interface LocalClusterSettings {
  /** For logs; made when missing. */
  readonly directory: string
  readonly taskManagers: number
  readonly slotsPerTaskManager: number
  /** For every process. */
  readonly properties?: Readonly<Record<string, string>>
  /** REST port; default a free one. */
  readonly restPort?: number
}

export class LocalCluster {
  readonly settings: LocalClusterSettings
  readonly jobManager: SpawnedProcess
  readonly taskManagers: SpawnedProcess[]
  readonly restAddress: string
  readonly #properties: Readonly<Record<string, string>>
  #started = 0

  private constructor(
    settings: LocalClusterSettings,
    properties: Readonly<Record<string, string>>,
    restAddress: string,
  ) {
    this.settings = settings
    this.#properties = properties
    this.restAddress = restAddress
    this.jobManager = spawnProcess({
      role: 'jobmanager',
      name: 'JobManager',
      properties,
      logFile: join(settings.directory, 'jobmanager.log'),
    })
    this.taskManagers = []
    for (let i = 0; i < settings.taskManagers; i++) this.addTaskManager()
  }

  /** Starts all processes at once; `ready` tells when they serve. */
  static async start(settings: LocalClusterSettings): Promise<LocalCluster> {
    mkdirSync(settings.directory, { recursive: true })
    const [rpcPort, freeRestPort] = [await freePort(), await freePort()]
    const restPort = settings.restPort ?? freeRestPort
    const properties = {
      'jobmanager.rpc.address': '127.0.0.1',
      'jobmanager.rpc.port': String(rpcPort),
      'rest.port': String(restPort),
      'rest.bind-port': String(restPort),
      'taskmanager.numberOfTaskSlots': String(settings.slotsPerTaskManager),
      ...settings.properties,
    }
    return new LocalCluster(settings, properties, `http://127.0.0.1:${restPort}`)
  }

  addTaskManager(): SpawnedProcess {
    const index = ++this.#started
    const spawned = spawnProcess({
      role: 'taskmanager',
      name: `TaskManager ${index}`,
      properties: { ...this.#properties, 'metrics.reporter.prom.port': '0' },
      logFile: join(this.settings.directory, `taskmanager-${index}.log`),
    })
    this.taskManagers.push(spawned)
    return spawned
  }

  async ready(): Promise<void> {
    await Promise.all([this.jobManager, ...this.taskManagers].map((spawned) => spawned.ready))
  }

  async stop(): Promise<void> {
    await Promise.all(this.taskManagers.map((spawned) => stopProcess(spawned)))
    await stopProcess(this.jobManager)
  }
}
