/** `millrace taskmanager`: a TaskManager, its slots as worker threads, and its Prometheus page. */
import { createServer, type Server } from 'node:http'
import { cpus } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { parseArguments } from '@millrace/cli'
import { createNodePlatform, keepCompiledCode, onStopSignal } from '@millrace/platform/node'
import { SLOT_THREAD_ENTRY, TaskManager } from '@millrace/taskmanager'
import { onParentGone } from '../cluster/spawn-process.ts'
import { loadConfiguration } from './load-configuration.ts'
import { METRICS_OPTIONS } from './metrics-options.ts'

export async function runTaskManager(args: readonly string[]): Promise<undefined> {
  const { properties } = parseArguments(args, [])
  const { configuration, warnings } = loadConfiguration(properties)
  const platform = createNodePlatform({
    logger: { fields: { process: 'taskmanager' } },
    threadEntries: { [SLOT_THREAD_ENTRY]: new URL('./slot-thread.ts', import.meta.url) },
  })
  for (const warning of warnings) platform.logger.warn(warning)
  const taskManager = new TaskManager({
    platform,
    configuration,
    cpuCores: cpus().length,
    memory: () => {
      const memory = process.memoryUsage()
      return {
        heapUsedBytes: memory.heapUsed,
        heapCommittedBytes: memory.heapTotal,
        heapMaxBytes: getHeapStatistics().heap_size_limit,
        externalBytes: memory.external,
        residentBytes: memory.rss,
      }
    },
  })
  await taskManager.start()
  const metrics = await serveMetrics(configuration.get(METRICS_OPTIONS.port), taskManager, (text) =>
    platform.logger.warn(text),
  )
  keepCompiledCode()
  process.send?.({ rpcAddress: taskManager.rpcAddress })
  const stop = () => {
    metrics?.close()
    void taskManager.stop('the process was asked to stop').then(() => process.exit(0))
  }
  onStopSignal(stop)
  onParentGone(stop)
  return undefined
}

/** A taken port costs the page, not the TaskManager. */
function serveMetrics(
  port: number,
  taskManager: TaskManager,
  warn: (text: string) => void,
): Promise<Server | null> {
  if (port < 0) return Promise.resolve(null)
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' && request.url !== '/') {
      response.writeHead(404).end()
      return
    }
    taskManager.renderTaskManagerMetrics().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  return new Promise((resolve) => {
    server.once('error', (error) => {
      warn(
        `No Prometheus page: ${error.message}. Set '${METRICS_OPTIONS.port.key}' to a free port.`,
      )
      resolve(null)
    })
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
