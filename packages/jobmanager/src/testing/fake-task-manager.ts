/**
 * A TaskManager that only plays the protocol: tasks become RUNNING at once unless a test says
 * otherwise. For tests only.
 */
import { toErrorData } from '@millrace/core'
import {
  type JobManagerGateway,
  jobManagerClient,
  type OperatorEventRequest,
  protocolError,
  type TaskDeployment,
  type TaskManagerGateway,
  type TaskState,
  type TriggerCheckpointRequest,
  taskManagerHandlers,
} from '@millrace/protocol'
import type { MemoryRpc } from './memory-rpc.ts'

export class FakeTaskManager {
  readonly id: string
  readonly address: string
  jobManager: JobManagerGateway
  readonly tasks = new Map<string, TaskDeployment>()
  /** What happened, in order. */
  readonly calls: string[] = []
  readonly events: OperatorEventRequest[] = []
  readonly triggers: TriggerCheckpointRequest[] = []
  instanceId = 'instance-1'
  epoch = 0
  /** Tasks report INITIALIZING and RUNNING by themselves. */
  autoRun = true
  /** Tasks that are told to finish do. */
  autoFinish = true
  /** Everything that was ever deployed here. */
  readonly deployed: TaskDeployment[] = []
  /** Cancelled tasks confirm by themselves. */
  autoCancel = true
  readonly #slots: { allocationId: string; jobId: string }[]
  readonly #rpc: MemoryRpc

  constructor(rpc: MemoryRpc, id: string, slotCount: number, jobManagerAddress: string) {
    this.#rpc = rpc
    this.id = id
    this.address = `${id}:6122`
    this.#slots = Array.from({ length: slotCount }, () => ({ allocationId: '', jobId: '' }))
    this.jobManager = jobManagerClient(rpc.connect(jobManagerAddress), { deadlineMs: 1000 })
  }

  get fence() {
    return { leaderEpoch: this.epoch, senderId: this.id }
  }

  get slots() {
    return this.#slots.map((slot, slotIndex) => ({ slotIndex, ...slot }))
  }

  async start(): Promise<void> {
    await this.#rpc.serve(this.address, taskManagerHandlers(this.#gateway()))
    const { leaderEpoch } = await this.jobManager.registerTaskManager({
      fence: this.fence,
      taskManagerId: this.id,
      instanceId: this.instanceId,
      rpcAddress: this.address,
      slots: this.slots,
      memoryBytes: 2 ** 30,
      cpuCores: 2,
    })
    this.epoch = leaderEpoch
  }

  /** Drops what an earlier leader had here, and registers with the one at `address`. */
  async follow(address: string): Promise<void> {
    this.jobManager = jobManagerClient(this.#rpc.connect(address), { deadlineMs: 1000 })
    this.tasks.clear()
    for (const slot of this.#slots) Object.assign(slot, { allocationId: '', jobId: '' })
    await this.start()
  }

  kill(): void {
    this.tasks.clear()
    this.#rpc.kill(this.address)
  }

  /** A new process under the same id. */
  restart(): Promise<void> {
    this.instanceId += 'x'
    this.tasks.clear()
    for (const slot of this.#slots) Object.assign(slot, { allocationId: '', jobId: '' })
    return this.start()
  }

  report(attemptId: string, state: TaskState, ended = false, error?: unknown): Promise<void> {
    if (state === 'FAILED') this.tasks.delete(attemptId)
    return this.jobManager.updateTaskState({
      fence: this.fence,
      attemptId,
      state,
      ended,
      ...(error === undefined ? {} : { error: toErrorData(error) }),
    })
  }

  /** Every task here has processed all its input. */
  async endAll(): Promise<void> {
    for (const id of this.tasks.keys()) await this.report(id, 'RUNNING', true)
  }

  /** Every task here acknowledges, with a list item of state in each operator. */
  async acknowledgeAll(checkpointId: number): Promise<void> {
    for (const [attemptId, { vertex }] of this.tasks) {
      const handle = { kind: 'inline', bytes: 'AA==', size: 1, crc32: 0 }
      const lists = { positions: { count: 1, offset: 0, stride: 1 } }
      const parts = [{ handle, keyGroups: null, lists, unions: [] }]
      const state = Object.fromEntries(vertex.operators.map(({ id }) => [id, { parts }]))
      await this.jobManager.acknowledgeCheckpoint({
        fence: this.fence,
        attemptId,
        checkpointId,
        state,
      })
    }
  }

  #gateway(): TaskManagerGateway {
    return {
      requestSlot: async ({ slotIndex, allocationId, jobId }) => {
        this.calls.push(`requestSlot ${slotIndex}`)
        Object.assign(this.#slots[slotIndex] as object, { allocationId, jobId })
        return { dataAddress: `${this.id}:data-${slotIndex}` }
      },
      freeSlot: async ({ allocationId }) => {
        const slot = this.#slots.find((other) => other.allocationId === allocationId)
        this.calls.push(`freeSlot ${slot === undefined ? '?' : this.#slots.indexOf(slot)}`)
        if (slot !== undefined) Object.assign(slot, { allocationId: '', jobId: '' })
        for (const [id, task] of this.tasks) {
          if (task.allocationId === allocationId) this.tasks.delete(id)
        }
      },
      deployTasks: async ({ deployments }) => {
        this.calls.push(`deploy ${deployments.length}`)
        for (const deployment of deployments) {
          this.tasks.set(deployment.attemptId, deployment)
          this.deployed.push(deployment)
          if (this.autoRun)
            setImmediate(() => this.report(deployment.attemptId, 'RUNNING').catch(() => {}))
        }
      },
      cancelTasks: async ({ attemptIds }) => {
        this.calls.push(`cancel ${attemptIds.length}`)
        for (const id of attemptIds) {
          if (this.autoCancel && this.tasks.delete(id))
            void this.report(id, 'CANCELED').catch(() => {})
        }
      },
      finishTasks: async ({ attemptIds, basis }) => {
        this.calls.push(`finish ${attemptIds.length} ${Object.values(basis).join(' ')}`)
        for (const id of attemptIds) {
          if (this.autoFinish && this.tasks.delete(id)) void this.report(id, 'FINISHED')
        }
      },
      triggerCheckpoint: async (request) => {
        this.calls.push(`trigger ${request.order.id}`)
        this.triggers.push(request)
      },
      notifyCheckpoint: async ({ checkpointId, outcome }) => {
        this.calls.push(`${outcome} ${checkpointId}`)
      },
      operatorEvent: async (request) => {
        if (!this.tasks.has(request.attemptId)) throw protocolError('STALE_ATTEMPT', 'Not here.')
        this.calls.push(`event ${JSON.stringify(request.event)}`)
        this.events.push(request)
      },
      inspect: async () => ({ answer: null }),
      heartbeat: async () => ({ slots: this.slots }),
    }
  }
}
