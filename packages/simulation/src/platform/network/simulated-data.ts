/**
 * The data plane over simulated links: whole frames of copied bytes, between hosts and between the
 * threads of one process.
 */
import {
  type Address,
  type DataConnection,
  type DataServer,
  type DataTransport,
  platformError,
} from '@millrace/platform'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import type { LinkEnd } from './link.ts'
import type { SimulatedNetwork } from './simulated-network.ts'

const FRAME_MAX_BYTES = 64 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 10_000

export class SimulatedDataTransport implements DataTransport {
  readonly #network: SimulatedNetwork
  readonly #process: SimulatedProcess

  constructor(network: SimulatedNetwork, process: SimulatedProcess) {
    this.#network = network
    this.#process = process
  }

  async serve(
    address: Address,
    onConnection: (connection: DataConnection) => void,
  ): Promise<DataServer> {
    const connections = new Set<SimulatedDataConnection>()
    const listener = this.#network.listen(this.#process, address, (end) => {
      const connection = new SimulatedDataConnection(address)
      connection.bind(end)
      connections.add(connection)
      connection.onClose(() => connections.delete(connection))
      onConnection(connection)
    })
    if (listener === null) {
      throw platformError('ADDRESS_UNUSABLE', `Cannot listen on ${address}: it is in use.`)
    }
    return {
      address: listener.address,
      close: async () => {
        listener.close()
        for (const connection of [...connections]) connection.close()
      },
    }
  }

  connect(address: Address): Promise<DataConnection> {
    return new Promise((resolve, reject) => {
      let settled = false
      const refuse = (reason: string): void => {
        settled = true
        reject(platformError('DATA_CONNECTION_REFUSED', `Cannot connect to ${address}: ${reason}.`))
      }
      const cancelTimeout = this.#process.after(CONNECT_TIMEOUT_MS, () => {
        refuse(`no answer within ${CONNECT_TIMEOUT_MS} ms`)
      })
      this.#network.connect(this.#process, address, (end) => {
        cancelTimeout()
        if (settled) {
          end?.destroy()
          return
        }
        if (end === null) {
          refuse('nobody listens there')
          return
        }
        settled = true
        const connection = new SimulatedDataConnection(address)
        connection.bind(end)
        resolve(connection)
      })
    })
  }

  overPort(port: unknown): DataConnection {
    const connection = new SimulatedDataConnection('the other slot')
    this.#network.bindPort(this.#process, port as string, (end) => connection.bind(end))
    return connection
  }

  createPortPair(): readonly [unknown, unknown] {
    return this.#network.createPortPair()
  }
}

class SimulatedDataConnection implements DataConnection {
  readonly #peer: string
  #end: LinkEnd | null = null
  /** Sent before the other thread took its end of a port. */
  #early: Uint8Array[] = []
  #frameHandler: ((frame: Uint8Array) => void) | null = null
  readonly #closeHandlers: ((error: Error | null) => void)[] = []
  #closing = false
  #ended: { readonly error: Error | null } | null = null

  constructor(peer: string) {
    this.#peer = peer
  }

  bind(end: LinkEnd): void {
    this.#end = end
    end.onClose((close) => {
      this.#finish(close === 'lost' && !this.#closing ? this.#lost('it was cut off') : null)
    })
    for (const frame of this.#early.splice(0)) end.send(frame, frame.length)
    if (this.#frameHandler !== null) this.#listen()
    if (this.#closing) this.#closeEnd()
  }

  send(parts: readonly Uint8Array[]): void {
    let length = 0
    for (const part of parts) length += part.length
    if (length > FRAME_MAX_BYTES) {
      throw platformError(
        'DATA_FRAME_TOO_LARGE',
        `Send frames of at most ${FRAME_MAX_BYTES} bytes; this one has ${length}.`,
      )
    }
    if (this.#ended !== null && !this.#closing) return
    if (this.#closing) {
      throw platformError('DATA_CONNECTION_CLOSED', `The connection to ${this.#peer} is closed.`)
    }
    const frame = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      frame.set(part, at)
      at += part.length
    }
    if (this.#end === null) this.#early.push(frame)
    else this.#end.send(frame, length)
  }

  bufferedBytes(): number {
    if (this.#ended !== null) return 0
    return this.#end?.bufferedBytes ?? this.#early.reduce((sum, { length }) => sum + length, 0)
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#frameHandler = handler
    this.#listen()
  }

  onClose(handler: (error: Error | null) => void): void {
    if (this.#ended === null) this.#closeHandlers.push(handler)
    else handler(this.#ended.error)
  }

  close(): void {
    if (this.#closing || this.#ended !== null) return
    this.#closing = true
    if (this.#end !== null) this.#closeEnd()
  }

  #closeEnd(): void {
    const end = this.#end as LinkEnd
    end.close()
    end.process.deliver(() => this.#finish(null))
  }

  #listen(): void {
    this.#end?.onMessage((message) => {
      if (this.#closing || this.#ended !== null) return
      try {
        this.#frameHandler?.(message as Uint8Array)
      } catch (error) {
        this.#end?.destroy()
        this.#finish(error as Error)
      }
    })
  }

  #finish(error: Error | null): void {
    if (this.#ended !== null) return
    this.#ended = { error }
    for (const handler of this.#closeHandlers.splice(0)) handler(error)
  }

  #lost(reason: string): Error {
    return platformError(
      'DATA_CONNECTION_LOST',
      `The data connection to ${this.#peer} was lost: ${reason}.`,
      { hint: 'The process at the other end has probably ended; its log tells why.' },
    )
  }
}
