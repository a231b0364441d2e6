/** `millrace taskmanager`: a TaskManager, its slots as worker threads, and its Prometheus page. */
import { cpus } from 'node:os'
import { parseArguments, requireOperands } from '@millrace/cli'
import { keepCompiledCode, nodeProcessInspection, onStopSignal } from '@millrace/platform/node'
import { SLOT_THREAD_ENTRY, TASKMANAGER_OPTIONS, TaskManager } from '@millrace/taskmanager'
import { TASKMANAGER } from '../commands/declared-commands.ts'
import { buildSlotBundleLater, currentSlotBundle } from '../slot-bundle/slot-bundle.ts'
import { checkConfiguration } from './check-configuration.ts'
import { loadConfiguration } from './load-configuration.ts'
import { metricsPorts, serveMetrics } from './metrics-server.ts'
import { onParentGone } from './parent-process.ts'
import { processPlatform } from './process-platform.ts'
import type { SlotThreadData } from './slot-thread-data.ts'

export async function runTaskManager(args: readonly string[]): Promise<undefined> {
  const { properties, positionals } = parseArguments(args, TASKMANAGER.options)
  requireOperands(positionals, 0, 'Configuration goes after -D: -D taskmanager.numberOfTaskSlots=2')
  const { configuration, s3, warnings } = loadConfiguration(properties)
  checkConfiguration(configuration)
  const slotBundle = currentSlotBundle()
  const slotThread = slotBundle ?? new URL('./slot-thread.ts', import.meta.url)
  const platform = processPlatform(s3, {
    logger: { fields: { process: 'taskmanager' } },
    threadEntries: { [SLOT_THREAD_ENTRY]: slotThread },
  })
  for (const warning of warnings) platform.logger.warn(warning)
  const taskManager = new TaskManager({
    platform,
    configuration,
    cpuCores: cpus().length,
    slotThreadData: { s3 } satisfies SlotThreadData,
    inspection: nodeProcessInspection(configuration.get(TASKMANAGER_OPTIONS.logPath)),
  })
  await taskManager.start()
  const metrics = await serveMetrics(
    metricsPorts(configuration),
    () => taskManager.renderTaskManagerMetrics(),
    platform.logger,
  )
  keepCompiledCode()
  if (slotBundle === null) buildSlotBundleLater()
  process.send?.({ rpcAddress: taskManager.rpcAddress })
  const stop = () => {
    metrics?.close()
    void taskManager.stop('the process was asked to stop').then(() => process.exit(0))
  }
  onStopSignal(stop)
  onParentGone(stop)
  return undefined
}
