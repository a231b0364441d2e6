/**
 * One connection to a control-plane server.
 *
 * Reconnects by itself with a short backoff; a call made while the peer is away fails at once with
 * RPC_UNAVAILABLE, so that the caller decides about trying again.
 */
import type * as Grpc from '@grpc/grpc-js'
import type { MillraceError } from '@millrace/core'
import { platformError } from '../../error-codes.ts'
import type { Address, RpcChannel } from '../../transport.ts'
import { plainBytes } from '../plain-bytes.ts'
import { decodeErrorTrailer, ERROR_TRAILER } from './error-trailer.ts'
import { asBuffer } from './grpc-server.ts'

interface Connected {
  readonly grpc: typeof Grpc
  readonly client: Grpc.Client
}

export class GrpcChannel implements RpcChannel {
  readonly #address: Address
  readonly #connected: Promise<Connected>
  readonly #disconnectHandlers: (() => void)[] = []
  #closed = false

  constructor(grpc: Promise<typeof Grpc>, address: Address, options: Grpc.ChannelOptions) {
    this.#address = address
    this.#connected = grpc.then((loaded) => {
      const client = new loaded.Client(address, loaded.credentials.createInsecure(), options)
      if (this.#closed) client.close()
      else this.#watch(loaded, client)
      return { grpc: loaded, client }
    })
  }

  async call(
    method: string,
    request: Uint8Array,
    options: { readonly deadlineMs: number },
  ): Promise<Uint8Array> {
    const { grpc, client } = await this.#connected
    if (this.#closed) throw this.#unavailable(method, 'the channel is closed')
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method,
        asBuffer,
        plainBytes,
        request,
        new grpc.Metadata(),
        { deadline: Date.now() + options.deadlineMs },
        (error, response) => {
          if (error === null) resolve(response as Uint8Array)
          else reject(this.#translate(grpc, method, error, options.deadlineMs))
        },
      )
    })
  }

  onDisconnect(handler: () => void): void {
    this.#disconnectHandlers.push(handler)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    void this.#connected.then(({ client }) => client.close())
  }

  /** Reports each change from READY to anything else, but not the one that `close` causes. */
  #watch(grpc: typeof Grpc, client: Grpc.Client): void {
    const channel = client.getChannel()
    let before = channel.getConnectivityState(false)
    const next = (): void => {
      if (this.#closed) return
      const now = channel.getConnectivityState(false)
      const lost = before === grpc.connectivityState.READY && now !== grpc.connectivityState.READY
      before = now
      if (now !== grpc.connectivityState.SHUTDOWN) {
        channel.watchConnectivityState(now, Number.POSITIVE_INFINITY, next)
      }
      if (lost) for (const handler of this.#disconnectHandlers) handler()
    }
    channel.watchConnectivityState(before, Number.POSITIVE_INFINITY, next)
  }

  #translate(
    grpc: typeof Grpc,
    method: string,
    error: Grpc.ServiceError,
    deadlineMs: number,
  ): MillraceError {
    const trailer = error.metadata?.get(ERROR_TRAILER)[0]
    if (trailer !== undefined) return decodeErrorTrailer(trailer as Buffer)
    switch (error.code) {
      case grpc.status.DEADLINE_EXCEEDED:
        return platformError(
          'RPC_DEADLINE',
          `${this.#address} did not answer ${method} within ${deadlineMs} ms.`,
          { cause: error },
        )
      case grpc.status.UNIMPLEMENTED:
        return platformError('RPC_METHOD_UNKNOWN', `${this.#address} does not serve ${method}.`, {
          hint: 'Run the same version of Millrace everywhere.',
          cause: error,
        })
      case grpc.status.RESOURCE_EXHAUSTED:
        return platformError(
          'RPC_MESSAGE_TOO_LARGE',
          `A message of ${method} to ${this.#address} is too large: ${error.details}.`,
          { cause: error },
        )
      default:
        return this.#unavailable(method, error.details, error)
    }
  }

  #unavailable(method: string, reason: string, cause?: unknown): MillraceError {
    return platformError(
      'RPC_UNAVAILABLE',
      `Cannot call ${method} on ${this.#address}: ${reason}.`,
      { hint: 'Check that the process runs and that its address is reachable.', cause },
    )
  }
}
