/** Routes about the cluster: overview, configuration, TaskManagers, Prometheus metrics. */
import { isTimeZone, zoneOffsetMs } from '@millrace/core'
import {
  type ConfigAnswer,
  type OverviewAnswer,
  REST_PATHS,
  type ResourceProfile,
  type TaskManagerDetail,
  type TaskManagerEntry,
} from '@millrace/rest-api'
import type { FastifyInstance } from 'fastify'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'
import { maskSecrets } from './mask-secrets.ts'
import { prometheusText } from './prometheus-text.ts'
import type { RestContext, Route } from './route.ts'

const VERSION = '0.1.0'
const REVISION = 'millrace'
/**
 * The planner's option: what its results are shown in, its cluster is shown in too,
 * wherever it runs.
 */
const TIME_ZONE_KEY = 'table.local-time-zone'

export function mountClusterRoutes(
  server: FastifyInstance,
  route: Route,
  context: RestContext,
): void {
  const { configuration, platform } = context
  route('GET', REST_PATHS.overview, () => overview(context))
  route('GET', REST_PATHS.config, (): ConfigAnswer => {
    const set = configuration.getRaw(TIME_ZONE_KEY) ?? 'UTC'
    const zone = isTimeZone(set) ? set : 'UTC'
    return {
      'refresh-interval': configuration.get(RestOptions.refreshInterval),
      'timezone-name': zone === 'UTC' ? 'Coordinated Universal Time' : zone,
      'timezone-offset': zoneOffsetMs(platform.clock.nowMs(), zone),
      'flink-version': VERSION,
      'flink-revision': REVISION,
      features: {
        'web-submit': configuration.get(RestOptions.submitEnabled),
        'web-cancel': configuration.get(RestOptions.cancelEnabled),
        'web-rescale': false,
        'web-history': false,
      },
    }
  })
  route('GET', REST_PATHS.jobManagerConfig, () =>
    Object.entries(maskSecrets(configuration.toObject()))
      .map(([key, value]) => ({ key, value }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
  )
  route('GET', REST_PATHS.taskManagers, () => ({
    taskmanagers: context.registry.all().map((taskManager) => entry(context, taskManager)),
  }))
  route('GET', REST_PATHS.taskManager, ({ parameters }): TaskManagerDetail => {
    const id = parameters.taskmanagerid as string
    const taskManager = context.registry.get(id)
    if (taskManager === undefined) {
      const known = context.registry.all().map((other) => other.id)
      throw jobManagerError('TASK_MANAGER_NOT_FOUND', `No TaskManager '${id}' is registered.`, {
        hint: known.length === 0 ? 'None is registered.' : `Registered: ${known.join(', ')}.`,
      })
    }
    return {
      ...entry(context, taskManager),
      allocatedSlots: context.slotPool.allocatedOf(taskManager).map((slot) => ({
        ...slot,
        resource: resource(taskManager, 1 / taskManager.slotCount),
      })),
      metrics: taskManager.metrics?.process ?? {},
    }
  })
  server.get('/metrics', async (_request, reply) => {
    const { text, contentType } = await prometheusText(context)
    return reply.header('content-type', contentType).send(text)
  })
}

function overview({ registry, slotPool, dispatcher }: RestContext): OverviewAnswer {
  const { total, free } = slotPool.counts()
  const jobs = dispatcher.all().map(({ state }) => state)
  const count = (state: string) => jobs.filter((other) => other === state).length
  const ended = count('FINISHED') + count('CANCELED') + count('FAILED')
  return {
    taskmanagers: registry.all().length,
    'slots-total': total,
    'slots-available': free,
    'jobs-running': jobs.length - ended,
    'jobs-finished': count('FINISHED'),
    'jobs-cancelled': count('CANCELED'),
    'jobs-failed': count('FAILED'),
    'flink-version': VERSION,
    'flink-commit': REVISION,
  }
}

function entry(context: RestContext, taskManager: RegisteredTaskManager): TaskManagerEntry {
  const { platform, slotPool } = context
  const allocated = slotPool.allocatedOf(taskManager)
  const freeSlots = taskManager.slotCount - allocated.length
  const silentMs = platform.clock.monotonicMs() - taskManager.lastHeartbeatMs
  return {
    id: taskManager.id,
    path: taskManager.rpcAddress,
    dataPort: -1,
    jmxPort: -1,
    timeSinceLastHeartbeat: Math.round(platform.clock.nowMs() - silentMs),
    slotsNumber: taskManager.slotCount,
    freeSlots,
    totalResource: resource(taskManager, 1),
    freeResource: resource(taskManager, freeSlots / Math.max(1, taskManager.slotCount)),
    hardware: {
      cpuCores: taskManager.cpuCores,
      physicalMemory: taskManager.memoryBytes,
      freeMemory: Math.max(
        0,
        taskManager.memoryBytes -
          (taskManager.metrics?.process['Status.JVM.Memory.Heap.Used'] ?? 0),
      ),
      managedMemory: 0,
    },
    jobs: [...new Set(allocated.map(({ jobId }) => jobId))],
  }
}

/** `share`: of the TaskManager; memory in MB as the reference has it. */
function resource(taskManager: RegisteredTaskManager, share: number): ResourceProfile {
  return {
    cpuCores: taskManager.cpuCores * share,
    taskHeapMemory: Math.floor((taskManager.memoryBytes * share) / 1_048_576),
    taskOffHeapMemory: 0,
    managedMemory: 0,
    networkMemory: 0,
    extendedResources: {},
  }
}
