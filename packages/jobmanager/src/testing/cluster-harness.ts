/** A JobManager among fake TaskManagers on a manual clock. For tests only. */
import type { CoordinatorFactory } from '@millrace/connector'
import { Configuration } from '@millrace/core'
import {
  JOB_GRAPH_VERSION,
  type JobGraph,
  type JobVertex,
  type Partitioning,
} from '@millrace/graph'
import type { Filesystem, Logger, Platform } from '@millrace/platform'
import { JobManager, type JobManagerSettings } from '../job-manager.ts'
import { FakeTaskManager } from './fake-task-manager.ts'
import { ManualClock, settle } from './manual-clock.ts'
import { MemoryRpc } from './memory-rpc.ts'

export const silentLogger: Logger = {
  log: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLogger,
}

export const JOB_ID = '0123456789abcdef0123456789abcdef'
export const CHECKPOINTED = { 'execution.checkpointing.interval': '10 s' }

export class ClusterHarness {
  readonly clock = new ManualClock()
  readonly rpc = new MemoryRpc()
  readonly jobManager: JobManager
  readonly taskManagers: FakeTaskManager[] = []

  constructor(
    options: Record<string, string> = {},
    coordinators: Record<string, CoordinatorFactory> = {},
    filesystem: Filesystem | null = null,
    settings: Partial<JobManagerSettings> = {},
  ) {
    const platform = {
      clock: this.clock,
      rpc: this.rpc,
      random: { next: () => 0.5, bytes: randomBytes },
      logger: silentLogger,
      filesystem,
    } as unknown as Platform
    this.jobManager = new JobManager({
      platform,
      configuration: new Configuration(options),
      coordinators: new Map(Object.entries(coordinators)),
      rest: false,
      ...settings,
    })
  }

  /** Starts the JobManager and TaskManagers with so many slots each. */
  async start(...slotCounts: number[]): Promise<void> {
    await this.jobManager.start()
    for (const slots of slotCounts) await this.addTaskManager(slots)
  }

  async addTaskManager(slots: number): Promise<FakeTaskManager> {
    const id = `tm-${this.taskManagers.length + 1}`
    const taskManager = new FakeTaskManager(this.rpc, id, slots, '127.0.0.1:6123')
    this.taskManagers.push(taskManager)
    await taskManager.start()
    return taskManager
  }

  async submit(graph: JobGraph) {
    const job = await this.jobManager.dispatcher.submit(graph)
    await settle()
    return job
  }

  /** Tasks by TaskManager. */
  tasks(): string[] {
    return this.taskManagers.flatMap((taskManager) => [...taskManager.tasks.keys()])
  }

  async acknowledgeAll(checkpointId: number): Promise<void> {
    for (const taskManager of this.taskManagers) await taskManager.acknowledgeAll(checkpointId)
    await settle()
  }
}

let counter = 0
function randomBytes(length: number): Uint8Array {
  counter++
  return Uint8Array.from({ length }, (_, i) => (counter >> (8 * i)) & 255)
}

const SCHEMA = { fields: [{ name: 'a', type: { kind: 'INT', nullable: true } as const }] }

export function vertex(
  name: string,
  parallelism: number,
  overrides: Partial<JobVertex> & { gate?: boolean; coordinator?: string } = {},
): JobVertex {
  const { gate, coordinator, ...rest } = overrides
  return {
    id: `v-${name}`,
    name,
    parallelism,
    maxParallelism: 128,
    slotSharingGroup: 'default',
    operators: [
      {
        id: `op-${name}`,
        name,
        factory: 'any',
        config: null,
        inputs: gate === true ? [{ gate: 0 }] : [],
        outputSchema: SCHEMA,
        ...(coordinator === undefined
          ? {}
          : { coordinator: { factory: coordinator, config: null } }),
      },
    ],
    ...rest,
  }
}

export function edge(source: string, target: string, kind: 'hash' | 'forward' = 'hash') {
  const partitioning: Partitioning =
    kind === 'hash' ? { kind, keyColumns: [0] } : { kind: 'forward' }
  return {
    sourceVertexId: `v-${source}`,
    sourceOperator: 0,
    targetVertexId: `v-${target}`,
    targetGate: 0,
    partitioning,
    type: { kind: 'columns' as const, schema: SCHEMA },
  }
}

/** source → sink, both of `parallelism`. */
export function pipeline(
  parallelism: number,
  configuration: Record<string, string> = {},
  coordinator?: string,
): JobGraph {
  return {
    jobId: JOB_ID,
    name: 'pipeline',
    vertices: [
      vertex('source', parallelism, coordinator === undefined ? {} : { coordinator }),
      vertex('sink', parallelism, { gate: true }),
    ],
    edges: [edge('source', 'sink')],
    configuration,
    formatVersion: JOB_GRAPH_VERSION,
    jobType: 'STREAMING',
  }
}
