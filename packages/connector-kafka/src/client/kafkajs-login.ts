/**
 * Logs a connection in to a broker through kafkajs (SASL); the only file that touches it.
 *
 * kafkajs connects over the socket that it is given, asks for the API versions and authenticates;
 * then it is detached, and the socket belongs to the caller. Loaded for brokers that want a login:
 * its many modules take longer to load than everything else of the client.
 */
import type { Socket } from 'node:net'
import type { KafkaSettings } from './kafka-properties.ts'

const silentLogger = {
  namespace: () => silentLogger,
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}

/** Rejects with kafkajs's errors; `open` makes the socket, connected when it calls back. */
export async function loginThroughKafkajs(
  settings: KafkaSettings,
  address: { readonly host: string; readonly port: number },
  open: (onConnect: () => void) => Socket,
): Promise<Socket> {
  // @ts-expect-error kafkajs has no types for its inner modules.
  const { default: Connection } = await import('kafkajs/src/network/connection.js')
  // @ts-expect-error kafkajs has no types for its inner modules.
  const { default: protocol } = await import('kafkajs/src/protocol/requests/index.js')
  const connection = new Connection({
    ...address,
    clientId: settings.clientId,
    logger: silentLogger,
    socketFactory: ({ onConnect }: { onConnect: () => void }) => open(onConnect),
    ssl: settings.tls === null ? null : {},
    sasl: settings.sasl,
    requestTimeout: settings.requestTimeoutMs,
    connectionTimeout: settings.connectTimeoutMs,
  })
  // Nothing is ever queued there, and its timers would outlive the login.
  connection.requestQueue.scheduleCheckPendingRequests = () => {}
  try {
    await connection.connect()
    await authenticate(connection, protocol)
  } catch (error) {
    connection.requestQueue.destroy()
    connection.socket?.destroy()
    throw error
  }
  const socket = connection.socket as Socket
  connection.requestQueue.destroy()
  for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event)
  return socket
}

// biome-ignore lint/suspicious/noExplicitAny: kafkajs has no types for its inner modules.
async function authenticate(connection: any, protocol: any) {
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
