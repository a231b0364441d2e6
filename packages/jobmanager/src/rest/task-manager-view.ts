/**
 * What REST shows of TaskManagers: slots, resources (in MB), memory and metrics (in bytes).
 */
import type {
  MemoryConfiguration,
  ResourceProfile,
  TaskManagerDetail,
  TaskManagerEntry,
  TaskManagerMetrics,
} from '@millrace/rest-api'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'
import type { RestContext } from './route.ts'

const MIB = 1_048_576

export function taskManagerEntry(
  context: RestContext,
  taskManager: RegisteredTaskManager,
): TaskManagerEntry {
  const { platform, slotPool } = context
  const allocated = slotPool.allocatedOf(taskManager)
  const freeSlots = taskManager.slotCount - allocated.length
  const silentMs = platform.clock.monotonicMs() - taskManager.lastHeartbeatMs
  const { memory } = taskManager
  return {
    id: taskManager.id,
    path: taskManager.rpcAddress,
    dataPort: -1,
    jmxPort: -1,
    timeSinceLastHeartbeat: Math.round(platform.clock.nowMs() - silentMs),
    slotsNumber: taskManager.slotCount,
    freeSlots,
    assignedTasks: tasksOf(context, taskManager).length,
    totalResource: resource(taskManager, 1),
    freeResource: resource(taskManager, freeSlots / Math.max(1, taskManager.slotCount)),
    hardware: {
      cpuCores: taskManager.cpuCores,
      physicalMemory: memory?.physicalBytes ?? taskManager.memoryBytes,
      freeMemory: Math.max(
        0,
        taskManager.memoryBytes -
          (taskManager.metrics?.process['Status.JVM.Memory.Heap.Used'] ?? 0),
      ),
      managedMemory: memory?.managedBytes ?? 0,
    },
    memoryConfiguration: memoryConfiguration(taskManager),
    jobs: [...new Set(allocated.map(({ jobId }) => jobId))],
  }
}

export function taskManagerDetail(
  context: RestContext,
  taskManager: RegisteredTaskManager,
): TaskManagerDetail {
  const tasks = tasksOf(context, taskManager)
  return {
    ...taskManagerEntry(context, taskManager),
    allocatedSlots: context.slotPool.allocatedOf(taskManager).map((slot) => ({
      ...slot,
      resource: resource(taskManager, 1 / taskManager.slotCount),
      assignedTasks: tasks.filter((allocationId) => allocationId === slot.allocationId).length,
    })),
    metrics: summary(taskManager.metrics?.process ?? {}),
  }
}

/** The allocation of each task that has been deployed there and has not ended. */
function tasksOf({ dispatcher }: RestContext, taskManager: RegisteredTaskManager): string[] {
  const running = dispatcher.all().filter(({ hasEnded }) => !hasEnded)
  return running
    .flatMap(({ graph }) => [...graph.attempts()])
    .filter((attempt) => attempt.slot?.taskManager === taskManager && !attempt.isTerminal)
    .map((attempt) => attempt.slot?.allocationId as string)
}

/** `share`: of the TaskManager. */
function resource(taskManager: RegisteredTaskManager, share: number): ResourceProfile {
  const { memory, memoryBytes } = taskManager
  const mebibytes = (bytes: number) => Math.floor((bytes * share) / MIB)
  return {
    cpuCores: taskManager.cpuCores * share,
    taskHeapMemory: mebibytes(memory?.taskBytes ?? memoryBytes),
    taskOffHeapMemory: 0,
    managedMemory: mebibytes(memory?.managedBytes ?? 0),
    networkMemory: mebibytes(memory?.networkBytes ?? 0),
    extendedResources: {},
  }
}

/** Heap and memory outside of it are one here: what has no part of its own is 0. */
function memoryConfiguration({ memory, memoryBytes }: RegisteredTaskManager): MemoryConfiguration {
  return {
    frameworkHeap: memory?.frameworkBytes ?? 0,
    taskHeap: memory?.taskBytes ?? memoryBytes,
    frameworkOffHeap: 0,
    taskOffHeap: 0,
    networkMemory: memory?.networkBytes ?? 0,
    managedMemory: memory?.managedBytes ?? 0,
    jvmMetaspace: 0,
    jvmOverhead: 0,
    totalFlinkMemory: memoryBytes,
    totalProcessMemory: memoryBytes,
  }
}

function summary(process: Readonly<Record<string, number>>): TaskManagerMetrics {
  const jvm = (name: string) => process[`Status.JVM.${name}`] ?? 0
  const shuffle = (name: string) => process[`Status.Shuffle.Netty.${name}`] ?? 0
  return {
    heapUsed: jvm('Memory.Heap.Used'),
    heapCommitted: jvm('Memory.Heap.Committed'),
    heapMax: jvm('Memory.Heap.Max'),
    nonHeapUsed: jvm('Memory.NonHeap.Used'),
    nonHeapCommitted: jvm('Memory.NonHeap.Committed'),
    nonHeapMax: jvm('Memory.NonHeap.Max'),
    directCount: 0,
    directUsed: jvm('Memory.Direct.MemoryUsed'),
    directMax: jvm('Memory.Direct.TotalCapacity'),
    mappedCount: 0,
    mappedUsed: 0,
    mappedMax: 0,
    nettyShuffleMemorySegmentsAvailable: shuffle('AvailableMemorySegments'),
    nettyShuffleMemorySegmentsUsed: shuffle('UsedMemorySegments'),
    nettyShuffleMemorySegmentsTotal: shuffle('TotalMemorySegments'),
    nettyShuffleMemoryAvailable: shuffle('AvailableMemory'),
    nettyShuffleMemoryUsed: shuffle('UsedMemory'),
    nettyShuffleMemoryTotal: shuffle('TotalMemory'),
    garbageCollectors: [
      {
        name: 'All',
        count: jvm('GarbageCollector.All.Count'),
        time: jvm('GarbageCollector.All.Time'),
      },
    ],
  }
}
