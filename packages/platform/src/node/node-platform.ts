/**
 * The real platform of a process or of a slot's thread.
 *
 * Cheap to import and to make: gRPC is loaded with the first server or channel only.
 */
import type { Platform, RemoteStorage } from '../platform.ts'
import { NodeDataTransport, type NodeDataTransportOptions } from './data/tcp-transport.ts'
import { filesystemByScheme } from './filesystem-by-scheme.ts'
import { nodeClock } from './node-clock.ts'
import { nodeFilesystem } from './node-filesystem.ts'
import { createNodeLogger, type NodeLoggerOptions } from './node-logger.ts'
import { nodeProfiler } from './node-profiler.ts'
import { nodeRandom } from './node-random.ts'
import { NodeTemporaryFiles } from './node-temporary-files.ts'
import { directoryObjectStores } from './objects/directory-object-store.ts'
import { objectStoresByScheme } from './objects/object-stores-by-scheme.ts'
import { GrpcTransport, type GrpcTransportOptions } from './rpc/grpc-transport.ts'
import { NodeThreads } from './thread/node-threads.ts'

export interface NodePlatformOptions {
  readonly logger?: NodeLoggerOptions
  /** Entry name → module that `threads.spawn` runs. */
  readonly threadEntries?: Readonly<Record<string, URL>>
  readonly rpc?: GrpcTransportOptions
  readonly data?: NodeDataTransportOptions
  /** Makes what serves locations that are no directories; without it there are none. */
  readonly remoteStorage?: (ambient: Pick<Platform, 'clock' | 'random'>) => RemoteStorage
}

export function createNodePlatform(options: NodePlatformOptions = {}): Platform {
  const remote = options.remoteStorage?.({ clock: nodeClock, random: nodeRandom }) ?? null
  return {
    clock: nodeClock,
    random: nodeRandom,
    filesystem: filesystemByScheme(nodeFilesystem, remote),
    temporaryFiles: new NodeTemporaryFiles(nodeRandom),
    objectStores: objectStoresByScheme(directoryObjectStores, remote),
    rpc: new GrpcTransport(options.rpc),
    data: new NodeDataTransport(options.data),
    threads: new NodeThreads(options.threadEntries ?? {}),
    logger: createNodeLogger(options.logger),
    profiler: nodeProfiler,
    console: {
      write: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
    },
  }
}
