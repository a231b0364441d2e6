/**
 * SimulatedNetwork: hosts, what listens on them, the links between processes, and what goes
 * wrong with them.
 *
 * Routes have a direction: a cut from A to B leaves B to A alone. Under every transport of the
 * simulated platform; knows nothing of what is sent.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import type { SimulatedWorld } from '../../world/simulated-world.ts'
import { Link, type LinkEnd } from './link.ts'

const LATENCY_MS_MIN = 0.05
const LATENCY_MS_MEAN = 0.25
const INSIDE_HOST_LATENCY_MS = 0.01
const BYTES_PER_MS = 1_000_000

interface Listener {
  readonly process: SimulatedProcess
  accept(end: LinkEnd): void
}

export class SimulatedNetwork {
  readonly #world: SimulatedWorld
  readonly #random: SeededRandom
  readonly #listeners = new Map<string, Listener>()
  readonly #links = new Set<Link>()
  /** `from>to` of routes that let nothing through, and how many faults hold each. */
  readonly #cuts = new Map<string, number>()
  readonly #slowness = new Map<string, number>()
  /** Connection attempts held back by a cut. */
  readonly #waiting: { readonly from: string; readonly to: string; proceed(): void }[] = []
  #nextPort = 40_000
  #nextPortPair = 1
  readonly #portEnds = new Map<string, { process: SimulatedProcess; bind(end: LinkEnd): void }>()

  constructor(world: SimulatedWorld) {
    this.#world = world
    this.#random = world.random.split('network')
  }

  // ——— what goes wrong ———

  /** One way. As many heals open the route again. */
  cut(from: string, to: string): void {
    const route = `${from}>${to}`
    this.#cuts.set(route, (this.#cuts.get(route) ?? 0) + 1)
  }

  heal(from: string, to: string): void {
    const route = `${from}>${to}`
    const holds = this.#cuts.get(route) ?? 0
    if (holds > 1) this.#cuts.set(route, holds - 1)
    if (holds !== 1) return
    this.#cuts.delete(route)
    for (const link of [...this.#links]) {
      for (const end of [link.client, link.server]) {
        if (end.peer.process.host === from && end.process.host === to) end.release()
      }
    }
    for (const waiting of [...this.#waiting]) {
      if (waiting.from !== from || waiting.to !== to) continue
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.proceed()
    }
  }

  /** Latency between the hosts becomes `factor` times as long, both ways; 1 = normal. */
  slow(one: string, other: string, factor: number): void {
    for (const route of [`${one}>${other}`, `${other}>${one}`]) this.#slowness.set(route, factor)
  }

  /** Every connection between the hosts is lost; new ones can be made. */
  breakLinks(one: string, other: string): number {
    const hit = [...this.#links].filter((link) => link.joins(one, other))
    for (const link of hit) link.client.break()
    return hit.length
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && from !== to && this.#cuts.has(`${from}>${to}`)
  }

  /** Those that are open. */
  links(): readonly Link[] {
    return [...this.#links]
  }

  latencyMs(from: string, to: string, size: number): number {
    if (from === to) return INSIDE_HOST_LATENCY_MS + size / BYTES_PER_MS / 4
    const slowness = this.#slowness.size === 0 ? 1 : (this.#slowness.get(`${from}>${to}`) ?? 1)
    const latencyMs = LATENCY_MS_MIN + this.#random.exponential(LATENCY_MS_MEAN)
    return slowness * (latencyMs + size / BYTES_PER_MS)
  }

  forget(link: Link): void {
    this.#links.delete(link)
  }

  // ——— listening and connecting ———

  /** Port 0 takes a new one. Null: the address is in use. */
  listen(
    process: SimulatedProcess,
    address: string,
    accept: (end: LinkEnd) => void,
  ): { readonly address: string; close(): void } | null {
    const [host, wanted] = address.split(':') as [string, string]
    const bound = `${host}:${wanted === '0' ? this.#nextPort++ : wanted}`
    const present = this.#listeners.get(bound)
    if (present?.process.alive === true) return null
    const listener = { process, accept }
    this.#listeners.set(bound, listener)
    const close = (): void => {
      if (this.#listeners.get(bound) === listener) this.#listeners.delete(bound)
    }
    process.onExit(close)
    return { address: bound, close }
  }

  /**
   * Calls back through `process`: with its end of a new link, or null when nobody listens there.
   */
  connect(
    process: SimulatedProcess,
    address: string,
    connected: (end: LinkEnd | null) => void,
  ): void {
    const to = address.slice(0, address.lastIndexOf(':'))
    this.#travel(process, process.host, to, () => {
      const listener = this.#listeners.get(address)
      const server = listener?.process.alive === true ? listener : null
      this.#travel(process, to, process.host, () => {
        if (!process.alive) return
        if (server === null || !server.process.alive) {
          process.deliver(() => connected(null))
          return
        }
        const link = new Link(this, process, server.process)
        this.#links.add(link)
        server.process.deliver(() => server.accept(link.server))
        process.deliver(() => connected(link.client))
      })
    })
  }

  /** One message without a connection: arrives once the route is open. */
  #travel(sender: SimulatedProcess, from: string, to: string, arrived: () => void): void {
    if (this.isCut(from, to)) {
      this.#waiting.push({ from, to, proceed: () => this.#travel(sender, from, to, arrived) })
      return
    }
    const startMs = from === sender.host ? sender.nowMs - this.#world.nowMs : 0
    this.#world.after(startMs + this.latencyMs(from, to, 64), arrived)
  }

  /** Two names of one link inside a host, for two threads: plain data, so that they can be sent. */
  createPortPair(): readonly [string, string] {
    const pair = this.#nextPortPair++
    return [`port-${pair}-a`, `port-${pair}-b`]
  }

  /** Binds `process` to one name; `bind` is called once both are bound. */
  bindPort(process: SimulatedProcess, name: string, bind: (end: LinkEnd) => void): void {
    const other = name.endsWith('a') ? `${name.slice(0, -1)}b` : `${name.slice(0, -1)}a`
    const waiting = this.#portEnds.get(other)
    if (waiting === undefined) {
      this.#portEnds.set(name, { process, bind })
      return
    }
    this.#portEnds.delete(other)
    const link = new Link(this, waiting.process, process)
    this.#links.add(link)
    waiting.process.deliver(() => waiting.bind(link.client))
    bind(link.server)
    if (!waiting.process.alive) link.client.break()
  }
}
