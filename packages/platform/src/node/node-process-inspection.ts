/**
 * What a Node process tells about itself.
 *
 * Log files are those of one directory, by name alone: a name with a path in it is none of them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type {
  LogFile,
  ProcessEnvironment,
  ProcessInspection,
  ProcessMemory,
} from '../process-inspection.ts'
import { nodeProfiler } from './node-profiler.ts'

const STACK_MS = 20
const LOG_NAME = /\.(log|out|err)(\.\d+)?$/

/** `logPath`: the file that this process's log goes to; undefined: none is known. */
export function nodeProcessInspection(logPath: string | undefined): ProcessInspection {
  const directory = logPath === undefined ? null : dirname(logPath)
  const collections = countCollections()
  return {
    environment,
    threads: async () => [{ name: 'main', stack: await ownStack() }],
    memory: () => ({ ...memory(), collections: { ...collections }, descriptors: descriptors() }),
    logFile: logPath === undefined ? null : basename(logPath),
    logFiles: () => (directory === null ? Promise.resolve([]) : logFilesIn(directory)),
    async readLog(name, bytesMax) {
      if (directory === null) return null
      const files = await logFilesIn(directory)
      return files.some((file) => file.name === name) ? tail(join(directory, name), bytesMax) : null
    },
  }
}

function environment(): ProcessEnvironment {
  return {
    version: `Node.js ${process.version} - V8 ${process.versions.v8} - ${process.platform}`,
    architecture: process.arch,
    options: process.execArgv,
    program: process.argv.slice(0, 2),
    systemMemoryBytes: totalmem(),
  }
}

/** Where this thread was last, of a few milliseconds. */
async function ownStack(): Promise<string[]> {
  const stop = await nodeProfiler.start(1)
  await new Promise((resolve) => setTimeout(resolve, STACK_MS))
  const { nodes, samples } = await stop()
  const stack: string[] = []
  for (let at = samples.at(-1)?.node ?? -1; at >= 0; at = nodes[at]?.parent ?? -1) {
    if ((nodes[at]?.parent ?? -1) >= 0) stack.push(nodes[at]?.name as string)
  }
  return stack
}

/** Counts on from now. */
function countCollections(): { count: number; timeMs: number } {
  const collections = { count: 0, timeMs: 0 }
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      collections.count++
      collections.timeMs += duration
    }
  }).observe({ entryTypes: ['gc'] })
  return collections
}

function descriptors(): ProcessMemory['descriptors'] {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const max = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? -1)
    return { open: readdirSync('/proc/self/fd').length, max }
  } catch {
    return null
  }
}

function memory(): Omit<ProcessMemory, 'collections' | 'descriptors'> {
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage()
  return {
    heapUsedBytes: heapUsed,
    heapCommittedBytes: heapTotal,
    heapMaxBytes: getHeapStatistics().heap_size_limit,
    externalBytes: external,
    residentBytes: rss,
  }
}

async function logFilesIn(directory: string): Promise<LogFile[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => entry.isFile() && LOG_NAME.test(entry.name))
  const files = await Promise.all(
    names.map(async ({ name }) => {
      const found = await stat(join(directory, name)).catch(() => null)
      return found && { name, sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) }
    }),
  )
  return files.filter((file) => file !== null).sort((a, b) => b.modifiedMs - a.modifiedMs)
}

async function tail(path: string, bytesMax: number): Promise<string | null> {
  const handle = await open(path, 'r').catch(() => null)
  if (handle === null) return null
  try {
    const { size } = await handle.stat()
    const length = Math.min(size, bytesMax)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
