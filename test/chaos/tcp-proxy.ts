/**
 * A TCP proxy on loopback that makes a network bad: bytes come late, stand still for a while (both
 * ways or one), vanish, connections break, or break at one end alone.
 *
 * Stands between real processes and the addresses they were told. Bytes of a connection keep their
 * order and none is lost while both ends live, as TCP has it: one that has lost any is broken when
 * the network is whole again. What is queued here is bounded, then the sender is held back.
 */
import { createServer, type Server, Socket } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

export type Direction = 'to-target' | 'from-target'
export type End = 'client' | 'target'
const BOTH: readonly Direction[] = ['to-target', 'from-target']

interface Piece {
  /** Null: the sender has ended its half. */
  readonly bytes: Buffer | null
  readonly dueMs: number
}

const QUEUED_BYTES_MAX = 1 << 20

/** One direction of a connection. */
class Way {
  readonly #from: Socket
  readonly #to: Socket
  readonly #proxy: TcpProxy
  readonly #direction: Direction
  readonly #queue: Piece[] = []
  #queuedBytes = 0
  #timer: NodeJS.Timeout | undefined
  /** Some of what was sent never arrives. */
  hasLost = false

  constructor(from: Socket, to: Socket, proxy: TcpProxy, direction: Direction) {
    this.#from = from
    this.#to = to
    this.#proxy = proxy
    this.#direction = direction
    from.on('data', (bytes: Buffer) => this.#enqueue(bytes))
    from.on('end', () => this.#enqueue(null))
    to.on('drain', () => this.pump())
    from.once('close', () => clearTimeout(this.#timer))
  }

  #enqueue(bytes: Buffer | null): void {
    if (this.hasLost || this.#proxy.isDropping(this.#direction)) {
      this.hasLost = true
      this.#proxy.lost(bytes?.length ?? 0)
      return
    }
    this.#queue.push({ bytes, dueMs: performance.now() + this.#proxy.delayMs })
    this.#queuedBytes += bytes?.length ?? 0
    if (this.#queuedBytes > QUEUED_BYTES_MAX) this.#from.pause()
    this.pump()
  }

  /** Hands on what is due. */
  pump(): void {
    clearTimeout(this.#timer)
    if (this.#proxy.isHeld(this.#direction)) return
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const leftMs = next.dueMs - performance.now()
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.pump(), leftMs)
        return
      }
      if (this.#to.destroyed || this.#to.writableNeedDrain) return
      this.#queue.shift()
      this.#queuedBytes -= next.bytes?.length ?? 0
      if (next.bytes === null) this.#to.end()
      else this.#to.write(next.bytes)
    }
    if (this.#from.isPaused()) this.#from.resume()
  }
}

interface Connection {
  readonly client: Socket
  readonly server: Socket
  readonly ways: readonly Way[]
}

export class TcpProxy {
  readonly #target: Address
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  /** Clients that came while nothing passes, one way or both: they reach the target afterwards. */
  readonly #waiting = new Set<Socket>()
  /** Ends of connections whose other end is gone, and which do not know. */
  readonly #abandoned = new Set<Socket>()
  readonly #held = new Set<Direction>()
  readonly #dropping = new Set<Direction>()
  #delayMs = 0
  #lostBytes = 0
  #refusing = false

  private constructor(target: Address) {
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  static listen(at: Address, target: Address): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    return new Promise((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(at.port, at.host, () => resolve(proxy))
    })
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get delayMs(): number {
    return this.#delayMs
  }

  isHeld(direction: Direction): boolean {
    return this.#held.has(direction)
  }

  isDropping(direction: Direction): boolean {
    return this.#dropping.has(direction)
  }

  /** Since the beginning. */
  get lostBytes(): number {
    return this.#lostBytes
  }

  lost(count: number): void {
    this.#lostBytes += count
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Every byte arrives so much later, both ways. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Nothing passes in these directions until `release`; new connections stand open and silent. */
  hold(directions = BOTH): void {
    for (const direction of directions) this.#held.add(direction)
  }

  /**
   * What is sent in this direction vanishes until `release`, which breaks the connections
   * that lost some.
   */
  drop(direction: Direction): void {
    this.#dropping.add(direction)
  }

  /**
   * Breaks every connection at one end; the `unaware` one stays open and hears nothing, whatever it
   * sends, until `release` breaks it. New connections pass.
   */
  abandon(unaware: End): void {
    for (const connection of [...this.#connections]) {
      this.#connections.delete(connection)
      const { client, server } = connection
      const [left, gone] = unaware === 'client' ? [client, server] : [server, client]
      this.#abandoned.add(left)
      left.once('close', () => this.#abandoned.delete(left))
      for (const way of connection.ways) way.hasLost = true
      left.resume()
      gone.resetAndDestroy()
    }
  }

  /** All passes again. */
  release(): void {
    this.#held.clear()
    this.#dropping.clear()
    for (const socket of this.#abandoned) socket.resetAndDestroy()
    for (const connection of [...this.#connections]) {
      if (connection.ways.some(({ hasLost }) => hasLost)) this.#end(connection)
      else for (const way of connection.ways) way.pump()
    }
    for (const client of this.#waiting) this.#connect(client)
    this.#waiting.clear()
  }

  /** Breaks every connection with a reset. */
  cut(): void {
    for (const client of this.#waiting) client.resetAndDestroy()
    this.#waiting.clear()
    for (const socket of this.#abandoned) socket.resetAndDestroy()
    for (const connection of this.#connections) this.#end(connection)
  }

  /** While true, whoever connects is reset. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cut()
    await closed
  }

  #accept(client: Socket): void {
    client.on('error', () => {})
    if (this.#refusing) client.resetAndDestroy()
    else if (this.#held.size + this.#dropping.size > 0) {
      this.#waiting.add(client)
      client.once('close', () => this.#waiting.delete(client))
    } else this.#connect(client)
  }

  #connect(client: Socket): void {
    if (client.destroyed) return
    const server = new Socket({ allowHalfOpen: true })
    const ways = [
      new Way(client, server, this, 'to-target'),
      new Way(server, client, this, 'from-target'),
    ]
    const connection: Connection = { client, server, ways }
    this.#connections.add(connection)
    client.setNoDelay(true)
    server.setNoDelay(true)
    // An end that was passed on closes both sides by itself; an error or a sudden close breaks the
    // other side too.
    for (const socket of [client, server]) {
      socket.on('error', () => this.#end(connection))
      socket.once('close', (hadError) => {
        if (hadError || !socket.readableEnded) this.#end(connection)
        else if (client.destroyed && server.destroyed) this.#connections.delete(connection)
      })
    }
    server.connect(this.#target.port, this.#target.host)
  }

  #end(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    connection.client.resetAndDestroy()
    connection.server.resetAndDestroy()
  }
}
