/**
 * The real platform of a process or of a slot's thread.
 *
 * Cheap to import and to make: gRPC is loaded with the first server or channel only.
 */
import type { Platform } from '../platform.ts'
import { NodeDataTransport, type NodeDataTransportOptions } from './data/tcp-transport.ts'
import { nodeClock } from './node-clock.ts'
import { nodeFilesystem } from './node-filesystem.ts'
import { createNodeLogger, type NodeLoggerOptions } from './node-logger.ts'
import { nodeRandom } from './node-random.ts'
import { nodeObjectStores } from './objects/directory-object-store.ts'
import { GrpcTransport, type GrpcTransportOptions } from './rpc/grpc-transport.ts'
import { NodeThreads } from './thread/node-threads.ts'

export interface NodePlatformOptions {
  readonly logger?: NodeLoggerOptions
  /** Entry name → module that `threads.spawn` runs. */
  readonly threadEntries?: Readonly<Record<string, URL>>
  readonly rpc?: GrpcTransportOptions
  readonly data?: NodeDataTransportOptions
}

export function createNodePlatform(options: NodePlatformOptions = {}): Platform {
  return {
    clock: nodeClock,
    random: nodeRandom,
    filesystem: nodeFilesystem,
    objectStores: nodeObjectStores,
    rpc: new GrpcTransport(options.rpc),
    data: new NodeDataTransport(options.data),
    threads: new NodeThreads(options.threadEntries ?? {}),
    logger: createNodeLogger(options.logger),
    console: {
      write: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
    },
  }
}
