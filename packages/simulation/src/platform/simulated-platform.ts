/** Everything ambient for one simulated process or thread. */
import type { Filesystem, LogLevel, ObjectStores, Platform, TextConsole } from '@millrace/platform'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import { SimulatedDataTransport } from './network/simulated-data.ts'
import type { SimulatedNetwork } from './network/simulated-network.ts'
import { SimulatedRpcTransport } from './network/simulated-rpc.ts'
import { simulatedClock } from './simulated-clock.ts'
import { simulatedLogger } from './simulated-logger.ts'
import type { LocalDisks } from './simulated-temporary-files.ts'
import { SimulatedThreads, type ThreadEntry } from './simulated-threads.ts'

export interface SimulatedPlatformParts {
  readonly world: SimulatedWorld
  readonly network: SimulatedNetwork
  filesystemOf(process: SimulatedProcess): Filesystem
  readonly localDisks: LocalDisks
  objectStoresOf(process: SimulatedProcess): ObjectStores
  readonly threadEntries: ReadonlyMap<string, ThreadEntry>
  readonly logLevel: LogLevel
  consoleOf?(process: SimulatedProcess): TextConsole
}

export function simulatedPlatform(
  parts: SimulatedPlatformParts,
  process: SimulatedProcess,
): Platform {
  const { world, network } = parts
  return {
    clock: simulatedClock(process),
    random: world.random.split(`process ${process.name}`),
    filesystem: parts.filesystemOf(process),
    temporaryFiles: parts.localDisks.of(process),
    objectStores: parts.objectStoresOf(process),
    rpc: new SimulatedRpcTransport(network, process),
    data: new SimulatedDataTransport(network, process),
    threads: new SimulatedThreads(world, process, parts.threadEntries),
    logger: simulatedLogger(process, parts.logLevel),
    ...(parts.consoleOf === undefined ? {} : { console: parts.consoleOf(process) }),
  }
}
