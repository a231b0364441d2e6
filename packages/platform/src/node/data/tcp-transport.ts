/**
 * The data plane of a machine: framed TCP between processes, message ports within one.
 *
 * Measured by data-transport.bench.ts beside it.
 */
import { createServer, connect as openSocket, type Socket } from 'node:net'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { platformError } from '../../error-codes.ts'
import type { Address, DataConnection, DataServer, DataTransport } from '../../transport.ts'
import { formatAddress, parseAddress } from '../address.ts'
import { plainBytes } from '../plain-bytes.ts'
import { FRAME_MAX_BYTES } from './frame.ts'
import { PortConnection } from './port-connection.ts'
import { TcpConnection } from './tcp-connection.ts'

export interface NodeDataTransportOptions {
  /** Largest frame. Default 64 MiB. */
  readonly frameMaxBytes?: number
  /** Default 10 s. */
  readonly connectTimeoutMs?: number
}

/** One read of the socket; all of a connection's reads land in the same segment. */
const RECEIVE_SEGMENT_BYTES = 256 * 1024
/** Keep-alive finds a peer whose machine is gone: nothing else would tell an idle consumer. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 } as const
const CONNECT_TIMEOUT_MS = 10_000
/** How long a closing server waits for its connections' last frames. */
const SERVER_CLOSE_TIMEOUT_MS = 2000

export class NodeDataTransport implements DataTransport {
  readonly #frameMaxBytes: number
  readonly #connectTimeoutMs: number
  constructor(options: NodeDataTransportOptions = {}) {
    this.#frameMaxBytes = options.frameMaxBytes ?? FRAME_MAX_BYTES
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
  }

  /** Throws ADDRESS_INVALID, ADDRESS_UNUSABLE. */
  serve(address: Address, onConnection: (connection: DataConnection) => void): Promise<DataServer> {
    const { host, port } = parseAddress(address)
    const connections = new Set<TcpConnection>()
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true }, (socket) => {
      const connection = new TcpConnection(socket, peerOf(socket), this.#frameMaxBytes)
      // Consumers send little to the server (requests and credits), so plain reads do here.
      socket.on('data', (chunk: Buffer) => connection.received(plainBytes(chunk), chunk.length))
      socket.pause()
      connections.add(connection)
      connection.onClose(() => connections.delete(connection))
      onConnection(connection)
    })
    let closed: Promise<void> | null = null
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          for (const connection of connections) connection.destroy()
        }, SERVER_CLOSE_TIMEOUT_MS)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        for (const connection of connections) connection.close()
      })
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(addressUnusable(address, cause)))
      server.listen({ host, port }, () => {
        const bound = server.address() as { port: number }
        resolve({
          address: formatAddress(host, bound.port),
          close: () => (closed ??= close()),
        })
      })
    })
  }

  /** Throws ADDRESS_INVALID, DATA_CONNECTION_REFUSED. */
  connect(address: Address): Promise<DataConnection> {
    const { host, port } = parseAddress(address)
    return new Promise((resolve, reject) => {
      let connection: TcpConnection | null = null
      const socket = openSocket({
        host,
        port,
        ...SOCKET_OPTIONS,
        onread: {
          buffer: new Uint8Array(RECEIVE_SEGMENT_BYTES),
          callback: (length, bytes) => {
            connection?.received(bytes, length)
            return true
          },
        },
      })
      socket.pause()
      const refuse = (cause: Error): void => {
        clearTimeout(timer)
        socket.destroy()
        reject(
          platformError(
            'DATA_CONNECTION_REFUSED',
            `Cannot connect to ${address}: ${cause.message}.`,
            {
              hint: 'Check that the TaskManager runs and that its data port is reachable.',
              cause,
            },
          ),
        )
      }
      const timer = setTimeout(
        () => refuse(new Error(`no answer within ${this.#connectTimeoutMs} ms`)),
        this.#connectTimeoutMs,
      )
      socket.once('error', refuse)
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.off('error', refuse)
        connection = new TcpConnection(socket, address, this.#frameMaxBytes)
        resolve(connection)
      })
    })
  }

  overPort(port: unknown): DataConnection {
    return new PortConnection(port as MessagePort, this.#frameMaxBytes)
  }

  createPortPair(): readonly [MessagePort, MessagePort] {
    const { port1, port2 } = new MessageChannel()
    return [port1, port2]
  }
}

function peerOf(socket: Socket): Address {
  return formatAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0)
}

function addressUnusable(address: Address, cause: Error): Error {
  return platformError('ADDRESS_UNUSABLE', `Cannot listen on ${address}: ${cause.message}.`, {
    hint: 'Free the port, or choose another one; port 0 takes any that is free.',
    cause,
  })
}
