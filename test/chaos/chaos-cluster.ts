/**
 * What chaos is made of: JobManagers with high availability and TaskManagers as processes, each in
 * a place behind proxies, a real broker behind one, a disk of their own for checkpoints. And the
 * books of who is in a fault.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import {
  type SpawnedProcess,
  stopProcess,
} from '../../packages/distribution/src/cluster/spawn-process.ts'
import { type KafkaBroker, startKafkaBroker } from '../kafka-broker/broker.ts'
import { DiskQuota } from './disk-quota.ts'
import { freePorts, KNOWN_HOST, openPlace, type Place, proxyOf, type Role } from './places.ts'
import type { TcpProxy } from './tcp-proxy.ts'

export interface ChaosClusterSettings {
  readonly directory: string
  readonly jobManagers: number
  readonly taskManagers: number
  readonly slotsPerTaskManager: number
  readonly checkpointIntervalMs: number
  /** Whether disk-full is among the faults. */
  readonly withDisk: boolean
}

const LEASE_MS = 3000
const HEARTBEAT_TIMEOUT_MS = 3000

/** What every process is told; a restart never gives up, as long as the run lasts. */
function propertiesOf(settings: ChaosClusterSettings, checkpoints: string) {
  return {
    'execution.checkpointing.interval': `${settings.checkpointIntervalMs} ms`,
    'execution.checkpointing.dir': `file://${checkpoints}`,
    'execution.checkpointing.timeout': '20 s',
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': '1000000',
    'restart-strategy.fixed-delay.delay': '100 ms',
    'heartbeat.interval': '500 ms',
    'heartbeat.timeout': `${HEARTBEAT_TIMEOUT_MS} ms`,
    'high-availability.filesystem.leader-election.lease-duration': `${LEASE_MS} ms`,
    'high-availability.filesystem.leader-election.renew-deadline': '2 s',
    'high-availability.filesystem.leader-election.retry-period': '400 ms',
  }
}

const isAlive = ({ child }: SpawnedProcess) => child.exitCode === null && child.signalCode === null

export class ChaosCluster {
  readonly broker: KafkaBroker
  readonly brokerProxy: TcpProxy
  /** What jobs are told: through the proxy. */
  readonly brokerAddress: string
  readonly cluster: LocalCluster
  readonly heartbeatTimeoutMs = HEARTBEAT_TIMEOUT_MS
  readonly leaseMs = LEASE_MS
  readonly #disk: DiskQuota | null
  readonly #places: Places
  readonly #occupied = new Set<SpawnedProcess>()
  #leader: () => SpawnedProcess | null = () => null
  #brokerFree = true
  #diskFree = true

  private constructor(parts: {
    readonly broker: KafkaBroker
    readonly brokerProxy: TcpProxy
    readonly brokerAddress: string
    readonly cluster: LocalCluster
    readonly disk: DiskQuota | null
    readonly places: Places
  }) {
    this.broker = parts.broker
    this.brokerProxy = parts.brokerProxy
    this.brokerAddress = parts.brokerAddress
    this.cluster = parts.cluster
    this.#disk = parts.disk
    this.#places = parts.places
  }

  /** Starts everything and waits until it serves. */
  static async start(settings: ChaosClusterSettings): Promise<ChaosCluster> {
    if ((process.env.KAFKA_BOOTSTRAP_SERVERS ?? '') !== '') {
      throw new Error(
        'Chaos stops and kills its broker, so it starts one of its own: unset KAFKA_BOOTSTRAP_SERVERS.',
      )
    }
    const { directory } = settings
    const checkpoints = join(directory, 'checkpoints')
    mkdirSync(checkpoints, { recursive: true })
    const disk = settings.withDisk ? DiskQuota.mount(checkpoints) : null
    const port = await freePorts(1)
    const brokerProxy = await proxyOf(port)
    const brokerAddress = `${KNOWN_HOST}:${port}`
    const broker = await startKafkaBroker({
      directory: join(directory, 'kafka'),
      proxied: { port, advertised: brokerAddress },
    })
    const places = await Places.open(settings)
    const cluster = await LocalCluster.start({
      directory: join(directory, 'logs'),
      jobManagers: settings.jobManagers,
      highAvailability: true,
      taskManagers: settings.taskManagers,
      slotsPerTaskManager: settings.slotsPerTaskManager,
      properties: propertiesOf(settings, checkpoints),
      propertiesOf: (role) => places.take(role).properties,
    })
    for (const process of [...cluster.jobManagers, ...cluster.taskManagers]) places.settle(process)
    await cluster.ready()
    return new ChaosCluster({ broker, brokerProxy, brokerAddress, cluster, disk, places })
  }

  /** How to find out who leads. */
  leaderIs(leader: () => SpawnedProcess | null): void {
    this.#leader = leader
  }

  get disk(): DiskQuota {
    return this.#disk as DiskQuota
  }

  placeOf(process: SpawnedProcess): Place | undefined {
    return this.#places.of(process)
  }

  freeTaskManagers(): readonly SpawnedProcess[] {
    return this.cluster.taskManagers.filter((one) => isAlive(one) && !this.#occupied.has(one))
  }

  freeLeader(): SpawnedProcess | undefined {
    const leader = this.#leader()
    return leader !== null && isAlive(leader) && !this.#occupied.has(leader) ? leader : undefined
  }

  freeStandbys(): readonly SpawnedProcess[] {
    const leader = this.#leader()
    return this.cluster.jobManagers.filter(
      (one) => one !== leader && isAlive(one) && !this.#occupied.has(one),
    )
  }

  occupy(process: SpawnedProcess): void {
    this.#occupied.add(process)
  }

  vacate(process: SpawnedProcess): void {
    this.#occupied.delete(process)
  }

  /** Waits for the end of a process that was told to go, then starts another in its place. */
  async replace(gone: SpawnedProcess): Promise<void> {
    await stopProcess(gone)
    const role = this.#places.vacate(gone)
    const next =
      role === 'taskmanager' ? this.cluster.addTaskManager() : await this.cluster.addJobManager()
    this.#places.settle(next)
    this.occupy(next)
    this.vacate(gone)
    await next.ready
    this.vacate(next)
  }

  takeBroker(): boolean {
    const free = this.#brokerFree
    this.#brokerFree = false
    return free
  }

  returnBroker(): void {
    this.#brokerFree = true
  }

  takeDisk(): boolean {
    const free = this.#diskFree
    this.#diskFree = false
    return free
  }

  returnDisk(): void {
    this.#diskFree = true
  }

  /** Ends every process by its id; `keepIn` is where checkpoints are copied to for reading. */
  async stop(keepIn?: string): Promise<void> {
    this.brokerProxy.release()
    this.#places.release()
    for (const process of [...this.cluster.taskManagers, ...this.cluster.jobManagers]) {
      if (isAlive(process)) process.child.kill('SIGCONT')
    }
    await this.cluster.stop()
    await this.broker.stop()
    await this.brokerProxy.close()
    await this.#places.close()
    this.#disk?.close(keepIn)
  }
}

/** Which process is where. */
class Places {
  readonly #free: Place[]
  readonly #all: readonly Place[]
  readonly #taken: Place[] = []
  readonly #of = new Map<SpawnedProcess, Place>()

  private constructor(places: Place[]) {
    this.#free = places
    this.#all = [...places]
  }

  static async open(settings: ChaosClusterSettings): Promise<Places> {
    const places: Place[] = []
    const open = async (role: Role, count: number) => {
      for (let i = 0; i < count; i++) {
        places.push(await openPlace(role, settings.slotsPerTaskManager))
      }
    }
    await open('jobmanager', settings.jobManagers)
    await open('taskmanager', settings.taskManagers)
    return new Places(places)
  }

  of(process: SpawnedProcess): Place | undefined {
    return this.#of.get(process)
  }

  /**
   * For a process that is about to be started; `settle` then says which it is, in the same order.
   */
  take(role: Role): Place {
    const at = this.#free.findIndex((place) => place.role === role)
    if (at < 0) throw new Error(`Every place for a ${role} is taken.`)
    const [place] = this.#free.splice(at, 1) as [Place]
    this.#taken.push(place)
    return place
  }

  settle(process: SpawnedProcess): void {
    this.#of.set(process, this.#taken.shift() as Place)
  }

  vacate(process: SpawnedProcess): Role {
    const place = this.#of.get(process) as Place
    this.#of.delete(process)
    this.#free.push(place)
    return place.role
  }

  release(): void {
    for (const { proxies } of this.#all) for (const proxy of proxies) proxy.release()
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.flatMap(({ proxies }) => proxies.map((proxy) => proxy.close())))
  }
}
