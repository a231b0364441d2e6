/**
 * The control plane over simulated links: real encoded requests and answers, calls
 * matched by number.
 *
 * Raises what the real one raises: RPC_UNAVAILABLE when nobody listens or the link is lost
 * during the call, RPC_DEADLINE when no answer came in time, though the call may still be
 * carried out later.
 */
import { type ErrorData, fromErrorData, toErrorData } from '@millrace/core'
import {
  type Address,
  platformError,
  type RpcChannel,
  type RpcHandler,
  type RpcServer,
  type RpcTransport,
} from '@millrace/platform'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import type { LinkEnd } from './link.ts'
import type { SimulatedNetwork } from './simulated-network.ts'

interface Request {
  readonly number: number
  readonly method: string
  readonly bytes: Uint8Array
}

type Response =
  | { readonly number: number; readonly bytes: Uint8Array }
  /** JSON of ErrorData. */
  | { readonly number: number; readonly error: string }

/** How long a closing server lets calls finish. */
const CLOSE_TIMEOUT_MS = 2000

export class SimulatedRpcTransport implements RpcTransport {
  readonly #network: SimulatedNetwork
  readonly #process: SimulatedProcess

  constructor(network: SimulatedNetwork, process: SimulatedProcess) {
    this.#network = network
    this.#process = process
  }

  async serve(address: Address, handlers: ReadonlyMap<string, RpcHandler>): Promise<RpcServer> {
    const links = new Set<LinkEnd>()
    let calls = 0
    const listener = this.#network.listen(this.#process, address, (end) => {
      links.add(end)
      end.onClose(() => links.delete(end))
      end.onMessage((message) => {
        calls++
        const step = `call ${stepName((message as Request).method)}`
        this.#process.world.reach(step, this.#process)
        void answer(handlers, message as Request).then((response) => {
          calls--
          this.#process.world.reach(`${step} answered`, this.#process)
          end.send(response, 'bytes' in response ? response.bytes.length : response.error.length)
        })
      })
    })
    if (listener === null) {
      throw platformError('ADDRESS_UNUSABLE', `Cannot listen on ${address}: it is in use.`)
    }
    const close = async (): Promise<void> => {
      listener.close()
      const untilMs = this.#process.nowMs + CLOSE_TIMEOUT_MS
      while (calls > 0 && this.#process.nowMs < untilMs) {
        await new Promise<void>((resolve) => void this.#process.after(5, resolve))
      }
      for (const end of links) end.close()
      links.clear()
    }
    let closed: Promise<void> | null = null
    return { address: listener.address, close: () => (closed ??= close()) }
  }

  connect(address: Address): RpcChannel {
    return new SimulatedRpcChannel(this.#network, this.#process, address)
  }
}

async function answer(
  handlers: ReadonlyMap<string, RpcHandler>,
  request: Request,
): Promise<Response> {
  const { number, method, bytes } = request
  try {
    const handler = handlers.get(method)
    if (handler === undefined) {
      throw platformError('RPC_METHOD_UNKNOWN', `${method} is not served.`)
    }
    return { number, bytes: (await handler(bytes)).slice() }
  } catch (thrown) {
    return { number, error: JSON.stringify(toErrorData(thrown)) }
  }
}

/** `/millrace.TaskManager/DeployTasks` → `DeployTasks`. */
function stepName(method: string): string {
  return method.slice(method.lastIndexOf('/') + 1)
}

interface PendingCall {
  readonly method: string
  resolve(bytes: Uint8Array): void
  reject(error: Error): void
  cancelDeadline(): void
}

class SimulatedRpcChannel implements RpcChannel {
  readonly #network: SimulatedNetwork
  readonly #process: SimulatedProcess
  readonly #address: Address
  readonly #pending = new Map<number, PendingCall>()
  readonly #disconnectHandlers: (() => void)[] = []
  #end: LinkEnd | null = null
  #connecting = false
  /** Wait for the connection. */
  #queue: Request[] = []
  #nextNumber = 1
  #closed = false

  constructor(network: SimulatedNetwork, process: SimulatedProcess, address: Address) {
    this.#network = network
    this.#process = process
    this.#address = address
  }

  call(
    method: string,
    request: Uint8Array,
    options: { readonly deadlineMs: number },
  ): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(this.#unavailable(method, 'the channel is closed'))
    const number = this.#nextNumber++
    return new Promise((resolve, reject) => {
      const cancelDeadline = this.#process.after(options.deadlineMs, () => {
        this.#pending.delete(number)
        reject(
          platformError(
            'RPC_DEADLINE',
            `${this.#address} did not answer ${method} within ${options.deadlineMs} ms.`,
          ),
        )
      })
      this.#pending.set(number, { method, resolve, reject, cancelDeadline })
      this.#send({ number, method, bytes: request.slice() })
    })
  }

  onDisconnect(handler: () => void): void {
    this.#disconnectHandlers.push(handler)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#end?.close()
    this.#end = null
    this.#failAll('the channel was closed')
  }

  #send(request: Request): void {
    if (this.#end !== null) {
      this.#end.send(request, request.bytes.length)
      return
    }
    this.#queue.push(request)
    if (this.#connecting) return
    this.#connecting = true
    this.#network.connect(this.#process, this.#address, (end) => this.#connected(end))
  }

  #connected(end: LinkEnd | null): void {
    this.#connecting = false
    if (end === null) {
      this.#failAll('nobody listens there')
      return
    }
    if (this.#closed) {
      end.close()
      return
    }
    this.#end = end
    end.onMessage((message) => this.#answered(message as Response))
    end.onClose(() => {
      if (this.#end !== end) return
      this.#end = null
      this.#failAll('the connection was lost')
      for (const handler of this.#disconnectHandlers) handler()
    })
    for (const request of this.#queue.splice(0)) {
      // Callers that gave up meanwhile are not asked for.
      if (this.#pending.has(request.number)) end.send(request, request.bytes.length)
    }
  }

  #answered(response: Response): void {
    const call = this.#pending.get(response.number)
    if (call === undefined) return
    this.#pending.delete(response.number)
    call.cancelDeadline()
    if ('bytes' in response) call.resolve(response.bytes)
    else call.reject(fromErrorData(JSON.parse(response.error) as ErrorData))
  }

  #failAll(reason: string): void {
    this.#queue = []
    const calls = [...this.#pending.values()]
    this.#pending.clear()
    for (const call of calls) {
      call.cancelDeadline()
      call.reject(this.#unavailable(call.method, reason))
    }
  }

  #unavailable(method: string, reason: string): Error {
    return platformError('RPC_UNAVAILABLE', `Cannot call ${method} on ${this.#address}: ${reason}.`)
  }
}
