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

export interface TaskManagerEntry {
  readonly id: string
  readonly path: string
  readonly dataPort: number
  readonly jmxPort: number
  readonly timeSinceLastHeartbeat: number
  readonly slotsNumber: number
  readonly freeSlots: number
  readonly totalResource: ResourceProfile
  readonly freeResource: ResourceProfile
  readonly hardware: {
    readonly cpuCores: number
    readonly physicalMemory: number
    readonly freeMemory: number
    readonly managedMemory: number
  }
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
    /** Ours. */
    readonly slotIndex: number
    /** Ours. */
    readonly allocationId: string
  }[]
  /** Metric name → last reported value. */
  readonly metrics: Readonly<Record<string, number>>
}

export type ConfigEntriesAnswer = readonly { readonly key: string; readonly value: string }[]
