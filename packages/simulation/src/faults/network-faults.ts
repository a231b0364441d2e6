/** Faults of the network: routes cut both ways or one way, connections lost, links that crawl. */
import type { SimulatedNetwork } from '../platform/network/simulated-network.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { FaultClass, PlannedFault } from './fault.ts'
import type { ApplyFault } from './fault-engine.ts'

export interface NetworkFaultParts {
  readonly network: SimulatedNetwork
  /** Hosts of JobManagers and TaskManagers. */
  readonly hosts: readonly string[]
  /** Hosts of the broker's nodes. */
  readonly brokerHosts: readonly string[]
  /** The object store, as a host. */
  readonly storeHost: string
  /** Host of the JobManager that leads; null: none does. */
  leaderHost(): string | null
}

const SLOWNESS_MAX = 400

export function networkFaults(parts: NetworkFaultParts): [FaultClass, ApplyFault][] {
  const { network, hosts } = parts
  const cut = (routes: readonly (readonly [string, string])[]) => {
    for (const [from, to] of routes) network.cut(from, to)
    return {
      about: routes.map((route) => route.join(' -> ')).join(', '),
      end: () => {
        for (const [from, to] of routes) network.heal(from, to)
      },
    }
  }
  const between = (one: string, others: readonly string[]) =>
    others.flatMap((other) => [[one, other] as const, [other, one] as const])
  return [
    [
      'partition',
      (fault, reached) => {
        const host = hostOf(hosts, fault, reached)
        const others = hosts.filter((other) => other !== host)
        // One host from all others, or two from each other.
        const [, other] = pairOf(hosts, fault)
        return others.length === 0
          ? null
          : cut(between(host, fault.amount < 0.5 || other === host ? others : [other]))
      },
    ],
    [
      'one-way-partition',
      (fault) => {
        const pair = pairOf(hosts, fault)
        return pair[0] === pair[1] ? null : cut([pair])
      },
    ],
    [
      'broker-partition',
      (fault, reached) => {
        if (parts.brokerHosts.length === 0) return null
        const host = hostOf(hosts, fault, reached)
        const routes = between(host, parts.brokerHosts)
        return cut(fault.amount < 0.3 ? routes.filter(([from]) => from === host) : routes)
      },
    ],
    [
      'store-partition',
      (fault, reached) => cut(between(hostOf(hosts, fault, reached), [parts.storeHost])),
    ],
    [
      'leader-isolation',
      (fault) => {
        const leader = parts.leaderHost()
        if (leader === null) return null
        const others = hosts.filter((host) => host !== leader)
        const routes = between(leader, [...others, ...parts.brokerHosts, parts.storeHost])
        // One way: it hears everybody, and nobody hears it until the end.
        return cut(fault.amount < 0.4 ? routes.filter(([from]) => from === leader) : routes)
      },
    ],
    [
      'connection-loss',
      (fault) => {
        const [one, other] = pairOf(hosts, fault)
        const lost = network.breakLinks(one, other)
        return lost === 0 ? null : { about: `${lost} between ${one} and ${other}`, end: () => {} }
      },
    ],
    [
      'slow-link',
      (fault) => {
        const [one, other] = pairOf(hosts, fault)
        const factor = 1 + fault.amount * SLOWNESS_MAX
        network.slow(one, other, factor)
        return {
          about: `${one} and ${other}, ${factor.toFixed(0)} times`,
          end: () => network.slow(one, other, 1),
        }
      },
    ],
  ]
}

function hostOf(
  hosts: readonly string[],
  fault: PlannedFault,
  reached: SimulatedProcess | null,
): string {
  if (reached !== null && hosts.includes(reached.host)) return reached.host
  return hosts[Math.floor(fault.target * hosts.length)] as string
}

/** Two hosts; the same one twice when there is only one. */
function pairOf(hosts: readonly string[], fault: PlannedFault): readonly [string, string] {
  const one = Math.floor(fault.target * hosts.length)
  const other = (one + 1 + Math.floor(fault.amount * (hosts.length - 1))) % hosts.length
  return [hosts[one] as string, hosts[other] as string]
}
