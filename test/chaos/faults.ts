/**
 * The faults by name: what each does to a running cluster, and how it is undone.
 *
 * `prepare` picks the victim and the figures from the seed; null: there is none just now (all of
 * its kind are in another fault). Processes in a fault are kept out of the next until it is over.
 */
import type { SpawnedProcess } from '../../packages/distribution/src/cluster/spawn-process.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import type { Place } from './places.ts'
import type { Direction, End, TcpProxy } from './tcp-proxy.ts'

export type FaultFamily = 'kill' | 'pause' | 'stop' | 'broker' | 'network' | 'disk'

export interface Fault {
  /** For the log: whom it hits and how. */
  readonly what: string
  readonly holdMs: number
  begin(): Promise<void> | void
  /** Afterwards everything is there again and serves. */
  end(): Promise<void> | void
}

export interface FaultClass {
  readonly name: string
  readonly family: FaultFamily
  /** How often it is drawn, relative to the others. */
  readonly weight: number
  prepare(cluster: ChaosCluster, random: () => number): Fault | null
}

const between = (random: () => number, min: number, max: number) =>
  Math.round(min + random() * (max - min))

function pick<T>(random: () => number, from: readonly T[]): T | undefined {
  return from[Math.floor(random() * from.length)]
}

type Victim = (cluster: ChaosCluster, random: () => number) => SpawnedProcess | undefined

const taskManager: Victim = (cluster, random) => pick(random, cluster.freeTaskManagers())
const leader: Victim = (cluster) => cluster.freeLeader()
const standby: Victim = (cluster, random) => pick(random, cluster.freeStandbys())

/** The process goes by a signal; another takes its place a little later. */
function replacing(victimOf: Victim, signal: 'SIGKILL' | 'SIGTERM'): FaultClass['prepare'] {
  return (cluster, random) => {
    const victim = victimOf(cluster, random)
    const holdMs = between(random, 300, 2500)
    if (victim === undefined) return null
    cluster.occupy(victim)
    return {
      what: `${signal} to ${victim.name}, another after ${holdMs} ms`,
      holdMs,
      begin() {
        victim.child.kill(signal)
      },
      end: () => cluster.replace(victim),
    }
  }
}

/** The process sleeps longer than the others wait for it, and comes back as if nothing had been. */
function pausing(victimOf: Victim, patienceMs: (cluster: ChaosCluster) => number) {
  const prepare: FaultClass['prepare'] = (cluster, random) => {
    const victim = victimOf(cluster, random)
    const holdMs = patienceMs(cluster) + between(random, 300, 2000)
    if (victim === undefined) return null
    cluster.occupy(victim)
    return {
      what: `SIGSTOP to ${victim.name}, SIGCONT after ${holdMs} ms`,
      holdMs,
      begin() {
        victim.child.kill('SIGSTOP')
      },
      end() {
        victim.child.kill('SIGCONT')
        cluster.vacate(victim)
      },
    }
  }
  return prepare
}

function brokerGone(how: 'stop' | 'kill'): FaultClass['prepare'] {
  return (cluster, random) => {
    const holdMs = between(random, 300, 2500)
    if (!cluster.takeBroker()) return null
    return {
      what: `${how === 'stop' ? 'SIGTERM' : 'SIGKILL'} to the broker, started again after ${holdMs} ms`,
      holdMs,
      begin: () => cluster.broker[how](),
      async end() {
        await cluster.broker.restart()
        cluster.returnBroker()
      },
    }
  }
}

interface Way {
  readonly name: string
  readonly proxies: readonly TcpProxy[]
  done(): void
}

function brokerWay(cluster: ChaosCluster): Way | null {
  if (!cluster.takeBroker()) return null
  return {
    name: 'the broker',
    proxies: [cluster.brokerProxy],
    done: () => cluster.returnBroker(),
  }
}

/** To one TaskManager's control and data ports, or to the leader's control port. */
function clusterWay(cluster: ChaosCluster, random: () => number): Way | null {
  const candidates = [...cluster.freeTaskManagers(), cluster.freeLeader()]
  const victim = pick(
    random,
    candidates.filter((process) => process !== undefined),
  )
  if (victim === undefined) return null
  cluster.occupy(victim)
  return {
    name: victim.name,
    proxies: (cluster.placeOf(victim) as Place).proxies,
    done: () => cluster.vacate(victim),
  }
}

type Network = (cluster: ChaosCluster, random: () => number) => Way | null

function slow(network: Network): FaultClass['prepare'] {
  return (cluster, random) => {
    const delayMs = between(random, 40, 400)
    const holdMs = between(random, 2000, 4000)
    const way = network(cluster, random)
    if (way === null) return null
    return {
      what: `every byte to and from ${way.name} ${delayMs} ms late, for ${holdMs} ms`,
      holdMs,
      begin() {
        for (const proxy of way.proxies) proxy.delay(delayMs)
      },
      end() {
        for (const proxy of way.proxies) proxy.delay(0)
        way.done()
      },
    }
  }
}

function cut(network: Network): FaultClass['prepare'] {
  return (cluster, random) => {
    const holdMs = random() < 0.3 ? 0 : between(random, 100, 2500)
    const way = network(cluster, random)
    if (way === null) return null
    return {
      what: `connections to ${way.name} cut, none taken for ${holdMs} ms`,
      holdMs,
      begin() {
        for (const proxy of way.proxies) {
          proxy.refuse(true)
          proxy.cut()
        }
      },
      end() {
        for (const proxy of way.proxies) proxy.refuse(false)
        way.done()
      },
    }
  }
}

function hold(network: Network): FaultClass['prepare'] {
  return (cluster, random) => {
    const holdMs = between(random, 1000, 5000)
    const way = network(cluster, random)
    if (way === null) return null
    return {
      what: `nothing passes to or from ${way.name} for ${holdMs} ms, connections stay open`,
      holdMs,
      begin() {
        for (const proxy of way.proxies) proxy.hold()
      },
      end() {
        for (const proxy of way.proxies) proxy.release()
        way.done()
      },
    }
  }
}

/** What goes one way stands still or is lost; the other way all is well. */
function oneWay(network: Network): FaultClass['prepare'] {
  return (cluster, random) => {
    const holdMs = between(random, 1000, 6000)
    const direction: Direction = random() < 0.5 ? 'to-target' : 'from-target'
    const isLost = random() < 0.5
    const way = network(cluster, random)
    if (way === null) return null
    const where = `${direction === 'to-target' ? 'to' : 'from'} ${way.name}`
    return {
      what: `what goes ${where} ${isLost ? 'is lost' : 'stands still'} for ${holdMs} ms, the other way is open`,
      holdMs,
      begin() {
        for (const proxy of way.proxies) {
          if (isLost) proxy.drop(direction)
          else proxy.hold([direction])
        }
      },
      end() {
        for (const proxy of way.proxies) proxy.release()
        way.done()
      },
    }
  }
}

/** One end has lost its connections, the other believes in them. */
function halfOpen(network: Network): FaultClass['prepare'] {
  return (cluster, random) => {
    const holdMs = between(random, 1000, 8000)
    const unaware: End = random() < 0.5 ? 'client' : 'target'
    const way = network(cluster, random)
    if (way === null) return null
    const who = unaware === 'client' ? 'those connected to it do' : 'it does'
    return {
      what: `connections to ${way.name} are gone, and ${who} not hear of it for ${holdMs} ms`,
      holdMs,
      begin() {
        for (const proxy of way.proxies) proxy.abandon(unaware)
      },
      end() {
        for (const proxy of way.proxies) proxy.release()
        way.done()
      },
    }
  }
}

const diskFull: FaultClass['prepare'] = (cluster, random) => {
  const holdMs = between(random, 1500, 3500)
  if (!cluster.takeDisk()) return null
  return {
    what: `no byte free where checkpoints go, for ${holdMs} ms`,
    holdMs,
    begin: () => cluster.disk.fill(),
    end() {
      cluster.disk.free()
      cluster.returnDisk()
    },
  }
}

const heartbeatMs = (cluster: ChaosCluster) => cluster.heartbeatTimeoutMs
const leaseMs = (cluster: ChaosCluster) => cluster.leaseMs

function faultClass(
  name: string,
  family: FaultFamily,
  weight: number,
  prepare: FaultClass['prepare'],
): FaultClass {
  return { name, family, weight, prepare }
}

export const FAULT_CLASSES: readonly FaultClass[] = [
  faultClass('kill-taskmanager', 'kill', 3, replacing(taskManager, 'SIGKILL')),
  faultClass('kill-leader', 'kill', 3, replacing(leader, 'SIGKILL')),
  faultClass('kill-standby', 'kill', 1, replacing(standby, 'SIGKILL')),
  faultClass('pause-taskmanager', 'pause', 2, pausing(taskManager, heartbeatMs)),
  faultClass('pause-leader', 'pause', 2, pausing(leader, leaseMs)),
  faultClass('stop-taskmanager', 'stop', 2, replacing(taskManager, 'SIGTERM')),
  faultClass('stop-leader', 'stop', 1, replacing(leader, 'SIGTERM')),
  faultClass('broker-stop', 'broker', 1, brokerGone('stop')),
  faultClass('broker-kill', 'broker', 1, brokerGone('kill')),
  faultClass('broker-slow', 'broker', 1, slow(brokerWay)),
  faultClass('broker-cut', 'broker', 2, cut(brokerWay)),
  faultClass('broker-hold', 'broker', 1, hold(brokerWay)),
  faultClass('broker-one-way', 'broker', 1, oneWay(brokerWay)),
  faultClass('broker-half-open', 'broker', 1, halfOpen(brokerWay)),
  faultClass('network-slow', 'network', 1, slow(clusterWay)),
  faultClass('network-cut', 'network', 2, cut(clusterWay)),
  faultClass('network-hold', 'network', 1, hold(clusterWay)),
  faultClass('network-one-way', 'network', 2, oneWay(clusterWay)),
  faultClass('network-half-open', 'network', 2, halfOpen(clusterWay)),
  faultClass('disk-full', 'disk', 2, diskFull),
]

/**
 * Classes of a list of names and families, `kill,broker-cut`; empty: all. Throws for a name
 * that there is not.
 */
export function faultClassesOf(list: string): readonly FaultClass[] {
  const wanted = list.split(',').filter((name) => name !== '')
  const known = new Set(FAULT_CLASSES.flatMap(({ name, family }) => [name, family]))
  for (const name of wanted) {
    if (known.has(name)) continue
    throw new Error(`There is no fault '${name}'; there are ${[...known].join(', ')}.`)
  }
  if (wanted.length === 0) return FAULT_CLASSES
  return FAULT_CLASSES.filter(({ name, family }) => wanted.some((w) => w === name || w === family))
}

/** Endless draws: each class as often as its weight says, in an order of the seed. */
export function* drawFaults(
  classes: readonly FaultClass[],
  random: () => number,
): Generator<FaultClass> {
  for (;;) {
    const deck = classes.flatMap((one) => Array.from({ length: one.weight }, () => one))
    for (let left = deck.length; left > 0; left--) {
      const at = Math.floor(random() * left)
      yield deck[at] as FaultClass
      deck[at] = deck[left - 1] as FaultClass
    }
  }
}
