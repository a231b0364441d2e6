/**
 * Gateways over the RPC port: a typed client over a channel, and a service's handlers for
 * `RpcTransport.serve`.
 *
 * Both sides are the same interface (`JobManagerGateway`, `TaskManagerGateway`), so a test or a
 * simulation may also join them directly.
 */
import type { RpcChannel, RpcHandler } from '@millrace/platform'
import type { JobManagerGateway } from './job-manager-gateway.ts'
import { type MethodCodec, type ServiceName, serviceCodec } from './service-codec.ts'
import type { TaskManagerGateway } from './task-manager-gateway.ts'

export interface GatewayOptions {
  /** Deadline of a call, ms. */
  readonly deadlineMs: number
  /** Deadlines of single methods by typed name (`heartbeat`), ms. */
  readonly methodDeadlinesMs?: Readonly<Record<string, number>>
}

type AnyGateway = Record<string, (request: unknown) => Promise<unknown>>

const codecs = new Map<ServiceName, ReadonlyMap<string, MethodCodec>>()

function codecOf(service: ServiceName): ReadonlyMap<string, MethodCodec> {
  let codec = codecs.get(service)
  if (codec === undefined) {
    codec = serviceCodec(service)
    codecs.set(service, codec)
  }
  return codec
}

/** Calls a JobManager over `channel`. */
export function jobManagerClient(channel: RpcChannel, options: GatewayOptions): JobManagerGateway {
  return client('JobManager', channel, options) as unknown as JobManagerGateway
}

/** Calls a TaskManager over `channel`. */
export function taskManagerClient(
  channel: RpcChannel,
  options: GatewayOptions,
): TaskManagerGateway {
  return client('TaskManager', channel, options) as unknown as TaskManagerGateway
}

/** Handlers for `RpcTransport.serve` that answer with `gateway`. */
export function jobManagerHandlers(gateway: JobManagerGateway): Map<string, RpcHandler> {
  return handlers('JobManager', gateway as unknown as AnyGateway)
}

/** Handlers for `RpcTransport.serve` that answer with `gateway`. */
export function taskManagerHandlers(gateway: TaskManagerGateway): Map<string, RpcHandler> {
  return handlers('TaskManager', gateway as unknown as AnyGateway)
}

function client(service: ServiceName, channel: RpcChannel, options: GatewayOptions): AnyGateway {
  const gateway: AnyGateway = {}
  for (const codec of codecOf(service).values()) {
    const deadlineMs = options.methodDeadlinesMs?.[codec.name] ?? options.deadlineMs
    gateway[codec.name] = async (request) => {
      const answer = await channel.call(codec.path, codec.encodeRequest(request), { deadlineMs })
      return codec.decodeAnswer(answer)
    }
  }
  return gateway
}

function handlers(service: ServiceName, gateway: AnyGateway): Map<string, RpcHandler> {
  const result = new Map<string, RpcHandler>()
  for (const codec of codecOf(service).values()) {
    result.set(codec.path, async (bytes) => {
      const method = gateway[codec.name] as (request: unknown) => Promise<unknown>
      return codec.encodeAnswer(await method.call(gateway, codec.decodeRequest(bytes)))
    })
  }
  return result
}
