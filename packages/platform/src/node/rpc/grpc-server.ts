/**
 * Serves unary methods with raw bytes. A handler's error leaves as trailer (`error-trailer.ts`),
 * never as a bare gRPC status.
 */
import type * as Grpc from '@grpc/grpc-js'
import { toErrorData } from '@millrace/core'
import { platformError } from '../../error-codes.ts'
import type { Address, RpcHandler, RpcServer } from '../../transport.ts'
import { formatAddress, parseAddress } from '../address.ts'
import { plainBytes } from '../plain-bytes.ts'
import { ERROR_TRAILER, encodeErrorTrailer } from './error-trailer.ts'

interface GrpcServerSettings {
  readonly channelOptions: Grpc.ChannelOptions
  readonly closeTimeoutMs: number
}

const STATUS_MESSAGE_MAX_CHARACTERS = 500

export async function startGrpcServer(
  grpc: typeof Grpc,
  address: Address,
  handlers: ReadonlyMap<string, RpcHandler>,
  settings: GrpcServerSettings,
): Promise<RpcServer> {
  const server = new grpc.Server(settings.channelOptions)
  for (const [method, handler] of handlers) {
    server.register(
      method,
      unaryHandler(grpc, handler) as Grpc.handleUnaryCall<unknown, unknown>,
      asBuffer as (value: unknown) => Buffer,
      plainBytes,
      'unary',
    )
  }
  const port = await bind(grpc, server, address)
  let closed: Promise<void> | null = null
  return {
    address: formatAddress(parseAddress(address).host, port),
    close: () => (closed ??= closeWithin(server, settings.closeTimeoutMs)),
  }
}

function unaryHandler(
  grpc: typeof Grpc,
  handler: RpcHandler,
): Grpc.handleUnaryCall<Uint8Array, Uint8Array> {
  return (call, callback) => {
    // A handler that throws before it returns its promise must not end the process.
    const answer = (async () => handler(call.request))()
    answer.then(
      (response) => callback(null, response),
      (thrown) => {
        const metadata = new grpc.Metadata()
        metadata.set(ERROR_TRAILER, encodeErrorTrailer(thrown))
        const error = toErrorData(thrown)
        callback({
          code: grpc.status.ABORTED,
          details: `${error.code}: ${error.message}`.slice(0, STATUS_MESSAGE_MAX_CHARACTERS),
          metadata,
        })
      },
    )
  }
}

function bind(grpc: typeof Grpc, server: Grpc.Server, address: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (cause, port) => {
      if (cause === null) return resolve(port)
      server.forceShutdown()
      reject(
        platformError('ADDRESS_UNUSABLE', `Cannot listen on ${address}: ${cause.message}.`, {
          hint: 'Free the port, or choose another one; port 0 takes any that is free.',
          cause,
        }),
      )
    })
  })
}

/** Lets calls in flight finish, then cuts what is left. */
function closeWithin(server: Grpc.Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown()
      resolve()
    }, timeoutMs)
    server.tryShutdown(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** grpc-js wants a Buffer; this is a view, not a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
