/**
 * Platform: everything ambient, as constructor arguments.
 *
 * `platform/node` is the real one, `simulation` a seeded one. No other code reads a clock, draws a
 * random number, sets a timer, opens a file or a socket, or starts a thread (test/architecture
 * holds it). Production code never asks which of the two it has.
 */
import type { Filesystem } from './filesystem.ts'
import type { Logger } from './logger.ts'
import type { ObjectStores } from './object-store.ts'
import type { Profiler } from './profiler.ts'
import type { TemporaryFiles } from './temporary-files.ts'
import type { DataTransport, RpcTransport } from './transport.ts'

export interface Clock {
  /** Wall time, epoch milliseconds; may jump. For event times, logs and REST. */
  nowMs(): number
  /**
   * Milliseconds since an arbitrary origin, never going back, with fractions. For deadlines and
   * durations.
   */
  monotonicMs(): number
  /**
   * Calls `action` once after `delayMs`; returns a cancel function. A pending timer does not keep
   * the process alive when `unref`.
   */
  setTimer(delayMs: number, action: () => void, options?: { readonly unref?: boolean }): () => void
  /** Calls `action` after pending I/O events have had their turn. */
  setImmediate(action: () => void): void
  /** CPU time used by this process so far, microseconds (user + system). */
  processCpuMicros(): number
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  bytes(length: number): Uint8Array
}

export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly filesystem: Filesystem
  readonly temporaryFiles: TemporaryFiles
  readonly objectStores: ObjectStores
  readonly rpc: RpcTransport
  readonly data: DataTransport
  readonly threads: Threads
  readonly logger: Logger
  /**
   * Standard output and error of the process, for rows that a user prints; absent: they go to the
   * log.
   */
  readonly console?: TextConsole
  /** Of the present thread; absent in the simulation. */
  readonly profiler?: Profiler
}

/**
 * Where things are kept beside the directories of this machine, at locations such as
 * `s3://bucket/path`.
 */
export interface RemoteStorage {
  /** In lower case, without the colon. */
  readonly schemes: readonly string[]
  objectStores(): ObjectStores
  /** Of paths that begin with such a scheme. */
  filesystem(): Filesystem
}

/** Text for people, as it is (lines end in a newline). */
export interface TextConsole {
  write(text: string): void
  writeError(text: string): void
}

/** Worker threads for slots. */
export interface Threads {
  /**
   * Starts the entry registered under `entry` (a composition root in `distribution`) in a thread
   * of its own. `data` and messages are structured clones.
   */
  spawn(entry: string, data: unknown, limits: ThreadLimits): ThreadHandle
}

export interface ThreadLimits {
  readonly name: string
  /** V8 old-generation limit; beyond it the thread ends with `out-of-memory`. */
  readonly heapMaxBytes: number
  readonly youngGenerationMaxBytes: number
}

export type ThreadExit =
  | { readonly reason: 'out-of-memory'; readonly message: string }
  | { readonly reason: 'error'; readonly message: string; readonly stack?: string }
  | { readonly reason: 'exited' | 'terminated' }

/**
 * An endpoint of a message channel between threads: the parent's view of a worker, the worker's of
 * its parent, or a port.
 */
export interface MessageEndpoint {
  /** `transfer`: ArrayBuffers and ports that move instead of being copied. */
  post(message: unknown, transfer?: readonly unknown[]): void
  onMessage(handler: (message: unknown) => void): void
}

export interface ThreadHandle extends MessageEndpoint {
  onExit(handler: (exit: ThreadExit) => void): void
  /** Ends the thread even when it spins. Resolves when it has ended. */
  terminate(): Promise<void>
}
