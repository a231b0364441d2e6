/**
 * A TCP proxy on loopback that makes a network bad: bytes come late, stand still for a while, connections break.
 *
 * Stands between real processes and the addresses they were told. Bytes of a connection keep their order and none is
 * lost while the connection lives, as TCP has it; what is queued here is bounded, then the sender is held back.
 */
import { createServer, type Server, Socket } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

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
  readonly #queue: Piece[] = []
  #queuedBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, proxy: TcpProxy) {
    this.#from = from
    this.#to = to
    this.#proxy = proxy
    from.on('data', (bytes: Buffer) => this.#enqueue(bytes))
    from.on('end', () => this.#enqueue(null))
    to.on('drain', () => this.pump())
    from.once('close', () => clearTimeout(this.#timer))
  }

  #enqueue(bytes: Buffer | null): void {
    this.#queue.push({ bytes, dueMs: performance.now() + this.#proxy.delayMs })
    this.#queuedBytes += bytes?.length ?? 0
    if (this.#queuedBytes > QUEUED_BYTES_MAX) this.#from.pause()
    this.pump()
  }

  /** Hands on what is due. */
  pump(): void {
    clearTimeout(this.#timer)
    if (this.#proxy.isHeld) return
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
  /** Clients that came while nothing passes: they reach the target afterwards. */
  readonly #waiting = new Set<Socket>()
  #delayMs = 0
  #held = false
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

  get isHeld(): boolean {
    return this.#held
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Every byte arrives so much later, both ways. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Nothing passes until `release`; new connections stand open and silent. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    for (const { ways } of this.#connections) for (const way of ways) way.pump()
    for (const client of this.#waiting) this.#connect(client)
    this.#waiting.clear()
  }

  /** Breaks every connection with a reset. */
  cut(): void {
    for (const client of this.#waiting) client.resetAndDestroy()
    this.#waiting.clear()
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
    else if (this.#held) {
      this.#waiting.add(client)
      client.once('close', () => this.#waiting.delete(client))
    } else this.#connect(client)
  }

  #connect(client: Socket): void {
    if (client.destroyed) return
    const server = new Socket({ allowHalfOpen: true })
    const ways = [new Way(client, server, this), new Way(server, client, this)]
    const connection: Connection = { client, server, ways }
    this.#connections.add(connection)
    client.setNoDelay(true)
    server.setNoDelay(true)
    // An end that was passed on closes both sides by itself; an error or a sudden close breaks the other side too.
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
