/**
 * Control-plane calls and data-plane connections, as ports.
 *
 * Both carry real encoded bytes: `protocol` encodes messages, `network` encodes buffers, so a
 * simulated transport delays and drops exactly what a real one would.
 */

/** Host and port, e.g. `127.0.0.1:6123`; for the simulation any name. */
export type Address = string

/**
 * One unary method: request bytes → response bytes. A thrown MillraceError reaches the caller with
 * code, message and hint intact.
 */
export type RpcHandler = (request: Uint8Array) => Promise<Uint8Array>

export interface RpcServer {
  readonly address: Address
  close(): Promise<void>
}

export interface RpcChannel {
  /**
   * Calls `method` (`/package.Service/Method`). Rejects with the server's MillraceError, or
   * RPC_UNAVAILABLE (not reached, connection lost) or RPC_DEADLINE (no answer in time; it may
   * still have been executed).
   */
  call(
    method: string,
    request: Uint8Array,
    options: { readonly deadlineMs: number },
  ): Promise<Uint8Array>
  /** Called each time an established connection is lost. */
  onDisconnect(handler: () => void): void
  close(): void
}

export interface RpcTransport {
  /** Port 0 picks a free one. */
  serve(address: Address, handlers: ReadonlyMap<string, RpcHandler>): Promise<RpcServer>
  connect(address: Address): RpcChannel
}

/**
 * A connection of the data plane: whole frames, in order, or the connection closes. One
 * implementation over TCP (between processes), one over message ports (between slots of a
 * process); both pass `network`'s transport contract suite.
 */
export interface DataConnection {
  /**
   * Sends one frame made of `parts` in order. The bytes may be reused after this returns unless
   * `transfer` (then they are gone).
   */
  send(parts: readonly Uint8Array[]): void
  /** Bytes accepted by `send` and not yet handed to the kernel or the peer. */
  bufferedBytes(): number
  /** The frame is valid until the handler returns. */
  onFrame(handler: (frame: Uint8Array) => void): void
  onClose(handler: (error: Error | null) => void): void
  close(): void
}

export interface DataServer {
  readonly address: Address
  close(): Promise<void>
}

export interface DataTransport {
  serve(address: Address, onConnection: (connection: DataConnection) => void): Promise<DataServer>
  connect(address: Address): Promise<DataConnection>
  /**
   * A connection over a message port (in Node a `MessagePort`) that a peer in this process holds
   * the other end of.
   */
  overPort(port: unknown): DataConnection
  /** Two linked ports to hand to two threads. */
  createPortPair(): readonly [unknown, unknown]
}
