/**
 * Opens a socket to one broker, with TLS and login where the properties ask for them.
 *
 * Bytes are received into the buffers that the owner names (`onread` with a generator), so a fetch
 * response goes from the kernel to where it is decoded, and receiving allocates nothing but a view.
 * Logins are kafkajs's (`kafkajs-login.ts`), loaded for them alone.
 */
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { kafkaError } from '../error-codes.ts'
import type { KafkaSettings } from './kafka-properties.ts'

const KEEP_ALIVE_DELAY_MS = 60_000

/** Bytes come in a chunk of the socket's, or in what `receiveInto` gives: as the socket likes. */
export interface KafkaSocketHandlers {
  /** The chunk is valid until this returns. */
  onData(chunk: Buffer): void
  /** Where the next bytes go; asked before every read. */
  receiveInto(): Uint8Array
  /** So many bytes have come to the front of what `receiveInto` gave last. */
  onReceived(count: number): void
  onClose(error: Error | null): void
}

export interface KafkaSocket {
  write(bytes: Uint8Array): void
  cork(): void
  uncork(): void
  close(): void
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** How a connection comes by its socket: `openKafkaSocket`, or one of a simulated network. */
export type OpenKafkaSocket = (
  settings: KafkaSettings,
  address: BrokerAddress,
  handlers: KafkaSocketHandlers,
) => Promise<KafkaSocket>

/** Who takes the socket's bytes: its owner, once the login is over. */
interface Receiver {
  current: KafkaSocketHandlers
}

/** Rejects with KAFKA_AUTHENTICATION_FAILED or with the plain connection error. */
export async function openKafkaSocket(
  settings: KafkaSettings,
  address: BrokerAddress,
  handlers: KafkaSocketHandlers,
): Promise<KafkaSocket> {
  let socket: Socket
  try {
    if (settings.sasl === null) socket = await connect(settings, address, { current: handlers })
    else socket = await connectWithLogin(settings, address, handlers)
  } catch (cause) {
    throw connectionError(cause as Error, settings, address)
  }
  let failure: Error | null = null
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('end', () => socket.destroy())
  socket.on('close', () => handlers.onClose(failure))
  if (socket.destroyed) handlers.onClose(null)
  return {
    write: (bytes) => void socket.write(bytes),
    cork: () => socket.cork(),
    uncork: () => socket.uncork(),
    close: () => socket.destroy(),
  }
}

function openSocket(
  settings: KafkaSettings,
  { host, port }: BrokerAddress,
  receiver: Receiver,
  onConnect: () => void,
): Socket {
  const onread: OnReadOpts = {
    // Node asks for a buffer before every read when it is given a function; its types know
    // the buffer alone.
    buffer: (() => receiver.current.receiveInto()) as unknown as Uint8Array,
    callback: (count) => {
      receiver.current.onReceived(count)
      return true
    },
  }
  const socket: Socket =
    settings.tls === null
      ? connectTcp({ host, port, onread, noDelay: true }, onConnect)
      : connectTls({ host, port, onread, ...tlsOptions(settings, host) } as never, onConnect)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}

function connect(
  settings: KafkaSettings,
  address: BrokerAddress,
  receiver: Receiver,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(settings, address, receiver, () => {
      socket.setTimeout(0)
      for (const event of ['end', 'error', 'timeout']) socket.removeAllListeners(event)
      resolve(socket)
    })
    const fail = (error: Error) => {
      reject(error)
      socket.destroy()
    }
    socket.once('error', fail)
    socket.once('end', () => fail(new Error('The broker closed the connection')))
    socket.setTimeout(settings.connectTimeoutMs, () => fail(new Error('Connection timeout')))
  })
}

async function connectWithLogin(
  settings: KafkaSettings,
  address: BrokerAddress,
  handlers: KafkaSocketHandlers,
): Promise<Socket> {
  const { loginThroughKafkajs } = await import('./kafkajs-login.ts')
  // Always the owner's buffers: the one that a read after the login fills was handed out during it.
  let buffer: Uint8Array = new Uint8Array(0)
  let opened: Socket | null = null
  const receiver: Receiver = {
    current: {
      onData: () => {},
      receiveInto: () => (buffer = handlers.receiveInto()),
      onReceived: (count) => void opened?.emit('data', Buffer.from(buffer.subarray(0, count))),
      onClose: () => {},
    },
  }
  const socket = await loginThroughKafkajs(settings, address, (onConnect) => {
    opened = openSocket(settings, address, receiver, onConnect)
    return opened
  })
  receiver.current = handlers
  return socket
}

function tlsOptions(settings: KafkaSettings, host: string) {
  const { verifyHostname, ...pem } = settings.tls ?? { verifyHostname: true }
  return {
    ...pem,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  }
}

function connectionError(
  cause: Error & { code?: string },
  settings: KafkaSettings,
  address: BrokerAddress,
): Error {
  const place = `${address.host}:${address.port}`
  if (cause.name === 'KafkaJSSASLAuthenticationError') {
    return kafkaError('KAFKA_AUTHENTICATION_FAILED', `The broker at ${place} refused the login.`, {
      hint: "Check 'properties.sasl.mechanism' and the username and password in 'properties.sasl.jaas.config'.",
      cause: new Error(cause.message),
    })
  }
  if (
    settings.tls !== null &&
    /certificate|CERT|SSL|altname/i.test(`${cause.message} ${cause.code}`)
  ) {
    return kafkaError('KAFKA_AUTHENTICATION_FAILED', `TLS with the broker at ${place} failed.`, {
      hint: "Check 'properties.ssl.truststore.certificates' and whether the port speaks TLS.",
      cause: new Error(cause.message),
    })
  }
  return new Error(cause.message.replace(/^Connection error: /, ''))
}
