/**
 * A JobManager that only records, and a real TaskManager with real slot threads behind real RPC,
 * for tests.
 */
import { Configuration, type ErrorData } from '@millrace/core'
import type { JobVertex, OperatorDescriptor, Partitioning } from '@millrace/graph'
import type { Platform, RpcServer } from '@millrace/platform'
import { createNodePlatform } from '@millrace/platform/node'
import {
  type AcknowledgeCheckpointRequest,
  type Fence,
  type JobManagerGateway,
  jobManagerHandlers,
  type OperatorEventRequest,
  type RegisterTaskManagerRequest,
  type TaskDeployment,
  type TaskManagerGateway,
  type TaskManagerHeartbeat,
  type TaskManagerMetricsReport,
  taskManagerClient,
  type UpdateTaskStateRequest,
} from '@millrace/protocol'
import { TaskManager } from '../manager/task-manager.ts'
import { TEST_SCHEMA } from './test-operators.ts'

export const testPlatform = (): Platform =>
  createNodePlatform({
    logger: { level: 'error' },
    threadEntries: { slot: new URL('./slot-thread-entry.ts', import.meta.url) },
  })

export class TestJobManager implements JobManagerGateway {
  epoch = 1
  readonly registrations: RegisterTaskManagerRequest[] = []
  readonly heartbeats: TaskManagerHeartbeat[] = []
  readonly states: UpdateTaskStateRequest[] = []
  readonly acknowledged: AcknowledgeCheckpointRequest[] = []
  readonly declined: { attemptId: string; checkpointId: number; error?: ErrorData }[] = []
  readonly events: OperatorEventRequest[] = []
  readonly metrics: TaskManagerMetricsReport[] = []
  server: RpcServer | null = null

  async serve(platform: Platform, address = '127.0.0.1:0'): Promise<string> {
    this.server = await platform.rpc.serve(address, jobManagerHandlers(this))
    return this.server.address
  }

  async registerTaskManager(request: RegisterTaskManagerRequest) {
    this.registrations.push(request)
    return { leaderEpoch: this.epoch, jobManagerId: 'jm' }
  }
  async heartbeat(request: TaskManagerHeartbeat) {
    this.heartbeats.push(request)
    return { known: true }
  }
  async updateTaskState(request: UpdateTaskStateRequest): Promise<void> {
    this.states.push(request)
  }
  async acknowledgeCheckpoint(request: AcknowledgeCheckpointRequest): Promise<void> {
    this.acknowledged.push(request)
  }
  async declineCheckpoint(request: {
    attemptId: string
    checkpointId: number
    error?: ErrorData
  }): Promise<void> {
    this.declined.push(request)
  }
  async operatorEvent(request: OperatorEventRequest) {
    this.events.push(request)
    return { answer: { ok: true } }
  }
  async reportMetrics(request: { metrics: TaskManagerMetricsReport }): Promise<void> {
    this.metrics.push(request.metrics)
  }
  async disconnect(): Promise<void> {}

  /** The rows that `collect` sinks have sent. */
  rows(): [string, number][] {
    return this.events.flatMap(({ event }) => (event as { rows?: [string, number][] }).rows ?? [])
  }

  statesOf(attemptId: string): string[] {
    return this.states
      .filter((each) => each.attemptId === attemptId)
      .map(({ state, ended }) => (ended ? `${state} ended` : state))
  }

  errorOf(attemptId: string): ErrorData | undefined {
    return this.states.find((each) => each.attemptId === attemptId && each.state === 'FAILED')
      ?.error
  }
}

export interface TestCluster {
  readonly platform: Platform
  readonly jobManager: TestJobManager
  readonly taskManager: TaskManager
  readonly gateway: TaskManagerGateway
  fence(): Fence
  close(): Promise<void>
}

export async function startTestCluster(options: Record<string, string> = {}): Promise<TestCluster> {
  const platform = testPlatform()
  const jobManager = new TestJobManager()
  const address = await jobManager.serve(platform)
  const taskManager = new TaskManager({
    platform,
    cpuCores: 2,
    configuration: new Configuration({
      'jobmanager.rpc.address': '127.0.0.1',
      'jobmanager.rpc.port': address.slice(address.lastIndexOf(':') + 1),
      'taskmanager.numberOfTaskSlots': '2',
      'taskmanager.memory.process.size': '512m',
      'taskmanager.memory.network.min': '8m',
      'taskmanager.memory.network.fraction': '0.05',
      ...options,
    }),
  })
  await taskManager.start()
  await until(() => taskManager.isRegistered)
  const channel = platform.rpc.connect(taskManager.rpcAddress)
  const gateway = taskManagerClient(channel, { deadlineMs: 10_000 })
  return {
    platform,
    jobManager,
    taskManager,
    gateway,
    fence: () => ({ leaderEpoch: jobManager.epoch, senderId: 'jm' }),
    close: async () => {
      await taskManager.stop()
      channel.close()
      await jobManager.server?.close()
    },
  }
}

const wall = createNodePlatform({ logger: { level: 'error' } }).clock

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => void wall.setTimer(ms, resolve))

/** A machine may be busy with much else. */
const UNTIL_MS = 60_000

/** Waits until `done`; fails with what `describe` says. */
export async function until(
  done: () => boolean | Promise<boolean>,
  describe: () => unknown = () => '',
): Promise<void> {
  const deadline = wall.monotonicMs() + UNTIL_MS
  while (!(await done())) {
    if (wall.monotonicMs() > deadline) {
      throw new Error(`Waited ${UNTIL_MS} ms for ${done}: ${JSON.stringify(describe())}`)
    }
    await pause(5)
  }
}

/**
 * `['sequence', config]` or a name; each operator reads the one before it, the first the gate (or
 * is a source).
 */
export function vertexOf(
  id: string,
  parallelism: number,
  chain: readonly (string | readonly [string, unknown])[],
  isSource: boolean,
): JobVertex {
  const operators = chain.map((each, index): OperatorDescriptor => {
    const [factory, config] = typeof each === 'string' ? [each, null] : each
    const inputs = index > 0 ? [index - 1] : isSource ? [] : [{ gate: 0 }]
    return {
      id: `${id}-${index}`,
      name: `${factory}[${index}]`,
      factory,
      config,
      inputs,
      outputSchema: TEST_SCHEMA,
    }
  })
  return {
    id,
    name: operators.map(({ name }) => name).join(' -> '),
    parallelism,
    maxParallelism: 128,
    slotSharingGroup: 'default',
    operators,
  }
}

export interface Place {
  readonly taskManagerId: string
  readonly slotIndex: number
  readonly dataAddress: string
  readonly allocationId: string
}

/**
 * Two vertices joined by one edge, or one alone, cut into deployments; subtask i runs at
 * `places[i]`.
 */
export function deploymentsOf(
  vertices: readonly JobVertex[],
  partitioning: Partitioning,
  places: readonly Place[],
  extra: Partial<TaskDeployment> = {},
  attempt = 0,
): TaskDeployment[] {
  const attemptId = (vertex: JobVertex, subtask: number): string =>
    `job_${vertex.id}_${subtask}_${attempt}`
  return vertices.flatMap((vertex, position) =>
    Array.from({ length: vertex.parallelism }, (_, subtaskIndex): TaskDeployment => {
      const producer = vertices[position - 1]
      const consumer = vertices[position + 1]
      const producers = producer === undefined ? 0 : producer.parallelism
      return {
        jobId: 'job',
        jobName: 'test job',
        vertex,
        subtaskIndex,
        attempt,
        attemptId: attemptId(vertex, subtaskIndex),
        allocationId: places[subtaskIndex]!.allocationId,
        configuration: {},
        gates:
          producer === undefined
            ? []
            : [
                {
                  gate: 0,
                  type: { kind: 'columns', schema: TEST_SCHEMA },
                  channels: Array.from({ length: producers }, (_, channelIndex) => ({
                    channelIndex,
                    producerAttemptId: attemptId(producer, channelIndex),
                    edgeIndex: 0,
                    subpartition: subtaskIndex,
                    taskManagerId: places[channelIndex]!.taskManagerId,
                    slotIndex: places[channelIndex]!.slotIndex,
                    dataAddress: places[channelIndex]!.dataAddress,
                  })),
                },
              ],
        outputs:
          consumer === undefined
            ? []
            : [
                {
                  edgeIndex: 0,
                  sourceOperator: vertex.operators.length - 1,
                  partitioning,
                  type: { kind: 'columns', schema: TEST_SCHEMA },
                  subpartitions: consumer.parallelism,
                  maxParallelism: consumer.maxParallelism,
                  overtakable: true,
                },
              ],
        restored: null,
        checkpointing: null,
        ...extra,
      }
    }),
  )
}

/** Requests slot `slotIndex`. */
export async function requestPlace(cluster: TestCluster, slotIndex: number): Promise<Place> {
  const allocationId = `allocation-${slotIndex}-${Math.random()}`
  const { dataAddress } = await cluster.gateway.requestSlot({
    fence: cluster.fence(),
    slotIndex,
    allocationId,
    jobId: 'job',
  })
  return { taskManagerId: cluster.taskManager.taskManagerId, slotIndex, dataAddress, allocationId }
}

/** Deploys each deployment to its allocation. */
export async function deploy(
  cluster: TestCluster,
  deployments: readonly TaskDeployment[],
): Promise<void> {
  for (const allocationId of new Set(deployments.map((each) => each.allocationId))) {
    await cluster.gateway.deployTasks({
      fence: cluster.fence(),
      allocationId,
      deployments: deployments.filter((each) => each.allocationId === allocationId),
    })
  }
}
