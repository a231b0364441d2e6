/**
 * Link: one connection between two simulated processes, with two ordered, reliable directions.
 *
 * Messages arrive whole and in order, or the link closes. A cut route holds them back (a real TCP
 * would send them again); a killed process resets its links, once the news can travel.
 */
import type { SimulatedProcess } from '../../world/simulated-process.ts'

/** What a link asks of the network that it is part of. */
export interface LinkRoutes {
  /** Whether messages from `from` to `to` are held back now. */
  isCut(from: string, to: string): boolean
  /** How long a message of `size` bytes takes. */
  latencyMs(from: string, to: string, size: number): number
  /** The link has ended. */
  forget(link: Link): void
}

/** How a link ended, as one end sees it. */
export type LinkClose = 'closed-by-peer' | 'lost'

interface Underway {
  readonly message: unknown
  readonly size: number
  readonly close: LinkClose | null
}

export class LinkEnd {
  readonly process: SimulatedProcess
  readonly #network: LinkRoutes
  readonly #link: Link
  /** Towards this end, held back by a cut route, oldest first. */
  #held: Underway[] = []
  #lastArrivalMs = 0
  /** Sent from this end and not yet handed to the peer's code. */
  #bufferedBytes = 0
  #messageHandler: ((message: unknown) => void) | null = null
  #closeHandler: ((close: LinkClose) => void) | null = null
  /** Arrived before anyone listened. */
  #early: Underway[] = []
  #closed = false

  constructor(network: LinkRoutes, link: Link, process: SimulatedProcess) {
    this.#network = network
    this.#link = link
    this.process = process
    process.onExit(() => this.#die())
  }

  get peer(): LinkEnd {
    return this.#link.peerOf(this)
  }

  get closed(): boolean {
    return this.#closed
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** `size` in bytes: larger messages take longer. */
  send(message: unknown, size: number): void {
    if (this.#closed) return
    this.#bufferedBytes += size
    this.peer.#travel({ message, size, close: null })
  }

  /** Everything sent before still arrives; then the peer sees an orderly end. */
  close(): void {
    this.#end('closed-by-peer')
  }

  /** Cuts it from this end: the peer sees a loss. */
  destroy(): void {
    this.#end('lost')
  }

  /** Both ends lose it at once, whatever is underway. */
  break(): void {
    for (const end of [this, this.peer]) {
      if (end.#closed) continue
      end.#closed = true
      end.#held = []
      end.process.deliver(() => end.#closeHandler?.('lost'))
    }
    this.#network.forget(this.#link)
  }

  onMessage(handler: (message: unknown) => void): void {
    this.#messageHandler = handler
    const early = this.#early
    this.#early = []
    for (const underway of early) this.process.deliver(() => this.#receive(underway))
  }

  onClose(handler: (close: LinkClose) => void): void {
    this.#closeHandler = handler
  }

  /** The route is open again. */
  release(): void {
    const held = this.#held
    this.#held = []
    for (const underway of held) this.#travel(underway)
  }

  #end(close: LinkClose): void {
    if (this.#closed) return
    this.#closed = true
    this.#held = []
    // The link goes when its other end has heard of it: until then the news may be held back
    // by a cut route.
    if (this.peer.#closed || !this.peer.process.alive) this.#network.forget(this.#link)
    else this.peer.#travel({ message: null, size: 0, close })
  }

  #die(): void {
    this.#end('lost')
  }

  /** Sets out towards this end. */
  #travel(underway: Underway): void {
    const { host } = this.peer.process
    const inside = this.peer.process.host === this.process.host
    if (this.#held.length > 0 || (!inside && this.#network.isCut(host, this.process.host))) {
      this.#held.push(underway)
      return
    }
    const world = this.process.world
    const latencyMs = this.#network.latencyMs(host, this.process.host, underway.size)
    const atMs = Math.max(this.peer.process.nowMs + latencyMs, this.#lastArrivalMs)
    this.#lastArrivalMs = atMs
    world.after(atMs - world.nowMs, () => this.process.deliver(() => this.#receive(underway)))
  }

  #receive(underway: Underway): void {
    if (this.#closed) return
    if (this.#messageHandler === null && (underway.close === null || this.#early.length > 0)) {
      this.#early.push(underway)
      return
    }
    if (underway.close !== null) {
      this.#closed = true
      this.#network.forget(this.#link)
      this.#closeHandler?.(underway.close)
      return
    }
    this.peer.#bufferedBytes -= underway.size
    this.#messageHandler?.(underway.message)
  }
}

export class Link {
  readonly client: LinkEnd
  readonly server: LinkEnd

  constructor(network: LinkRoutes, client: SimulatedProcess, server: SimulatedProcess) {
    this.client = new LinkEnd(network, this, client)
    this.server = new LinkEnd(network, this, server)
  }

  peerOf(end: LinkEnd): LinkEnd {
    return end === this.client ? this.server : this.client
  }

  /** Whether it joins the hosts, in either direction. */
  joins(one: string, other: string): boolean {
    const [a, b] = [this.client.process.host, this.server.process.host]
    return (a === one && b === other) || (a === other && b === one)
  }
}
