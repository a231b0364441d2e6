/**
 * Control-plane calls over gRPC, with request and response as raw bytes (`protocol` encodes them).
 *
 * grpc-js is imported when the first server or channel is made: a slot's thread has a platform too
 * and must not load it. Connections are plain; whoever configures the addresses keeps them inside
 * a trusted network.
 */
import type * as Grpc from '@grpc/grpc-js'
import type { Address, RpcChannel, RpcHandler, RpcServer, RpcTransport } from '../../transport.ts'
import { parseAddress } from '../address.ts'
import { GrpcChannel } from './grpc-channel.ts'
import { startGrpcServer } from './grpc-server.ts'

export interface GrpcTransportOptions {
  /** Largest request or answer, bytes. Default 64 MiB. */
  readonly messageMaxBytes?: number
  /** How long `RpcServer.close` waits for calls in flight. Default 2 s. */
  readonly closeTimeoutMs?: number
}

const MESSAGE_MAX_BYTES = 64 * 1024 * 1024
const CLOSE_TIMEOUT_MS = 2000

export class GrpcTransport implements RpcTransport {
  readonly #channelOptions: Grpc.ChannelOptions
  readonly #closeTimeoutMs: number
  constructor(options: GrpcTransportOptions = {}) {
    const messageMaxBytes = options.messageMaxBytes ?? MESSAGE_MAX_BYTES
    this.#closeTimeoutMs = options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS
    this.#channelOptions = {
      'grpc.max_receive_message_length': messageMaxBytes,
      'grpc.max_send_message_length': messageMaxBytes,
      // A peer that hangs is noticed by heartbeats first; this finds connections that no packet
      // passes any more.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
      // One connection a channel, never closed for idleness: its loss means that the peer is gone.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.client_idle_timeout_ms': 2 ** 31 - 1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
    }
  }

  /** Throws ADDRESS_INVALID, ADDRESS_UNUSABLE. */
  async serve(address: Address, handlers: ReadonlyMap<string, RpcHandler>): Promise<RpcServer> {
    parseAddress(address)
    const grpc = await loadGrpc()
    return startGrpcServer(grpc, address, handlers, {
      channelOptions: this.#channelOptions,
      closeTimeoutMs: this.#closeTimeoutMs,
    })
  }

  /** Connects on the first call. Throws ADDRESS_INVALID. */
  connect(address: Address): RpcChannel {
    parseAddress(address)
    return new GrpcChannel(loadGrpc(), address, this.#channelOptions)
  }
}

async function loadGrpc(): Promise<typeof Grpc> {
  const grpc = await import('@grpc/grpc-js')
  // Its own lines on stderr say what our errors say.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE)
  return grpc
}
