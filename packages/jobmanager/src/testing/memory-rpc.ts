/**
 * An RPC transport inside one process, over real bytes; addresses can be cut off. For tests only.
 */
import { fromErrorData, MillraceError, toErrorData } from '@millrace/core'
import type { RpcChannel, RpcHandler, RpcServer, RpcTransport } from '@millrace/platform'

export class MemoryRpc implements RpcTransport {
  readonly #servers = new Map<string, ReadonlyMap<string, RpcHandler>>()
  readonly #disconnects = new Map<string, Set<() => void>>()

  async serve(address: string, handlers: ReadonlyMap<string, RpcHandler>): Promise<RpcServer> {
    this.#servers.set(address, handlers)
    return { address, close: async () => void this.#servers.delete(address) }
  }

  connect(address: string): RpcChannel {
    const handlers = new Set<() => void>()
    return {
      call: async (method, request) => {
        const handler = this.#servers.get(address)?.get(method)
        await Promise.resolve()
        if (handler === undefined) {
          throw new MillraceError(
            'RPC_UNAVAILABLE',
            { domain: 'external', retry: 'backoff' },
            `${address} is not reached.`,
          )
        }
        try {
          return new Uint8Array(await handler(new Uint8Array(request)))
        } catch (error) {
          throw fromErrorData(JSON.parse(JSON.stringify(toErrorData(error))))
        }
      },
      onDisconnect: (handler) => {
        handlers.add(handler)
        const all = this.#disconnects.get(address) ?? new Set()
        all.add(handler)
        this.#disconnects.set(address, all)
      },
      close: () => {
        for (const handler of handlers) this.#disconnects.get(address)?.delete(handler)
      },
    }
  }

  /** The process behind `address` is gone: connections break, calls fail. */
  kill(address: string): void {
    this.#servers.delete(address)
    for (const handler of this.#disconnects.get(address) ?? []) handler()
  }

  /** Connections break, but the process answers again. */
  hiccup(address: string): void {
    for (const handler of this.#disconnects.get(address) ?? []) handler()
  }
}
