/** Answers about the cluster: fields as the reference engine's; ours marked. */
export interface OverviewAnswer {
  readonly taskmanagers: number
  readonly 'slots-total': number
  readonly 'slots-available': number
  readonly 'jobs-running': number
  readonly 'jobs-finished': number
  readonly 'jobs-cancelled': number
  readonly 'jobs-failed': number
  readonly 'flink-version': string
  readonly 'flink-commit': string
}

export interface ConfigAnswer {
  readonly 'refresh-interval': number
  readonly 'timezone-name': string
  /** Offset from UTC in ms. */
  readonly 'timezone-offset': number
  readonly 'flink-version': string
  readonly 'flink-revision': string
  readonly features: {
    readonly 'web-submit': boolean
    readonly 'web-cancel': boolean
    readonly 'web-rescale': boolean
    readonly 'web-history': boolean
  }
}

export interface ResourceProfile {
  readonly cpuCores: number
  readonly taskHeapMemory: number
  readonly taskOffHeapMemory: number
  readonly managedMemory: number
  readonly networkMemory: number
  readonly extendedResources: object
}

/** How the memory of a TaskManager is divided, bytes. */
export interface MemoryConfiguration {
  readonly frameworkHeap: number
  readonly taskHeap: number
  readonly frameworkOffHeap: number
  readonly taskOffHeap: number
  readonly networkMemory: number
  readonly managedMemory: number
  readonly jvmMetaspace: number
  readonly jvmOverhead: number
  readonly totalFlinkMemory: number
  readonly totalProcessMemory: number
}

/** The last report of a TaskManager's process, bytes. */
export interface TaskManagerMetrics {
  readonly heapUsed: number
  readonly heapCommitted: number
  readonly heapMax: number
  readonly nonHeapUsed: number
  readonly nonHeapCommitted: number
  readonly nonHeapMax: number
  readonly directCount: number
  readonly directUsed: number
  readonly directMax: number
  readonly mappedCount: number
  readonly mappedUsed: number
  readonly mappedMax: number
  readonly nettyShuffleMemorySegmentsAvailable: number
  readonly nettyShuffleMemorySegmentsUsed: number
  readonly nettyShuffleMemorySegmentsTotal: number
  readonly nettyShuffleMemoryAvailable: number
  readonly nettyShuffleMemoryUsed: number
  readonly nettyShuffleMemoryTotal: number
  readonly garbageCollectors: readonly {
    readonly name: string
    readonly count: number
    /** ms. */
    readonly time: number
  }[]
}

export interface EnvironmentAnswer {
  readonly jvm: {
    readonly version: string
    readonly arch: string
    readonly options: readonly string[]
  }
  readonly classpath: readonly string[]
}

export interface ThreadDumpAnswer {
  readonly threadInfos: readonly {
    readonly threadName: string
    readonly stringifiedThreadInfo: string
  }[]
}

export interface LogFilesAnswer {
  readonly logs: readonly {
    readonly name: string
    readonly size: number
    readonly mtime: number
  }[]
}

export interface TaskManagerEntry {
  readonly id: string
  readonly path: string
  readonly dataPort: number
  readonly jmxPort: number
  readonly timeSinceLastHeartbeat: number
  readonly slotsNumber: number
  readonly freeSlots: number
  /** Tasks that were deployed there and have not ended. */
  readonly assignedTasks: number
  readonly totalResource: ResourceProfile
  readonly freeResource: ResourceProfile
  readonly hardware: {
    readonly cpuCores: number
    readonly physicalMemory: number
    readonly freeMemory: number
    readonly managedMemory: number
  }
  readonly memoryConfiguration: MemoryConfiguration
  /** Ours: jobs with a slot here. */
  readonly jobs: readonly string[]
}

export interface TaskManagersAnswer {
  readonly taskmanagers: readonly TaskManagerEntry[]
}

export interface TaskManagerDetail extends TaskManagerEntry {
  readonly allocatedSlots: readonly {
    readonly jobId: string
    readonly resource: ResourceProfile
    readonly assignedTasks: number
    /** Ours. */
    readonly slotIndex: number
    /** Ours. */
    readonly allocationId: string
  }[]
  readonly metrics: TaskManagerMetrics
}

export type ConfigEntriesAnswer = readonly { readonly key: string; readonly value: string }[]
