/**
 * Opens an authenticated socket to one broker: the only file that touches kafkajs.
 *
 * kafkajs connects, does TLS and SASL and asks for the API versions; then the socket is taken over and frames are
 * read and written by
 * `BrokerConnection`. Incoming bytes land in one static buffer a socket (`onread`), so receiving allocates nothing.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { kafkaError } from '../error-codes.ts'
import type { KafkaSettings } from './kafka-properties.ts'

const RECEIVE_BUFFER_BYTES = 256 << 10
const KEEP_ALIVE_DELAY_MS = 60_000

export interface KafkaSocketHandlers {
  /** The chunk is valid until this returns. */
  onData(chunk: Buffer): void
  onClose(error: Error | null): void
}

export interface KafkaSocket {
  write(bytes: Uint8Array): void
  cork(): void
  uncork(): void
  close(): void
}

/** How a connection comes by its socket: `openKafkaSocket`, or one of a simulated network. */
export type OpenKafkaSocket = (
  settings: KafkaSettings,
  address: { readonly host: string; readonly port: number },
  handlers: KafkaSocketHandlers,
) => Promise<KafkaSocket>

const silentLogger = {
  namespace: () => silentLogger,
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}

type SocketRequest = { host: string; port: number; onConnect: () => void }

/** Rejects with KAFKA_AUTHENTICATION_FAILED or with the plain connection error. */
export async function openKafkaSocket(
  settings: KafkaSettings,
  address: { readonly host: string; readonly port: number },
  handlers: KafkaSocketHandlers,
): Promise<KafkaSocket> {
  // @ts-expect-error kafkajs has no types for its inner modules.
  const { default: Connection } = await import('kafkajs/src/network/connection.js')
  // @ts-expect-error kafkajs has no types for its inner modules.
  const { default: protocol } = await import('kafkajs/src/protocol/requests/index.js')
  let taken = false
  const socketFactory = ({ host, port, onConnect }: SocketRequest): Socket => {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES),
      callback: (count: number, buffer: Uint8Array) => {
        const chunk = buffer.subarray(0, count) as Buffer
        if (taken) handlers.onData(chunk)
        else socket.emit('data', Buffer.from(chunk))
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
  const connection = new Connection({
    ...address,
    clientId: settings.clientId,
    logger: silentLogger,
    socketFactory,
    ssl: settings.tls === null ? null : {},
    sasl: settings.sasl,
    requestTimeout: settings.requestTimeoutMs,
    connectionTimeout: settings.connectTimeoutMs,
  })
  // Nothing is ever queued there, and its timers would outlive the login.
  connection.requestQueue.scheduleCheckPendingRequests = () => {}
  try {
    await connection.connect()
    await authenticate(connection, protocol, settings)
  } catch (cause) {
    connection.requestQueue.destroy()
    connection.socket?.destroy()
    throw connectionError(cause as Error, settings, address)
  }
  const socket = connection.socket as Socket
  connection.requestQueue.destroy()
  for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event)
  taken = true
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

function tlsOptions(settings: KafkaSettings, host: string) {
  const { verifyHostname, ...pem } = settings.tls ?? { verifyHostname: true }
  return {
    ...pem,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: kafkajs has no types for its inner modules.
async function authenticate(connection: any, protocol: any, settings: KafkaSettings) {
  if (settings.sasl === null) return
  const request = protocol.requests.ApiVersions.protocol({ version: 2 })
  const { apiVersions } = await connection.send(request())
  connection.setVersions(
    Object.fromEntries(
      apiVersions.map((entry: { apiKey: number; minVersion: number; maxVersion: number }) => [
        entry.apiKey,
        { minVersion: entry.minVersion, maxVersion: entry.maxVersion },
      ]),
    ),
  )
  connection.setSupportAuthenticationProtocol(true)
  await connection.authenticate()
}

function connectionError(
  cause: Error & { code?: string },
  settings: KafkaSettings,
  address: { readonly host: string; readonly port: number },
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
