/**
 * TaskManager: the main thread of the process — serves the JobManager's calls and keeps in touch
 * with it.
 *
 * Between `protocol` and the slots' threads; no record passes here. Slots are `SlotKeeper`'s, what
 * they say to the JobManager `SlotReports`'. Invariant: calls of old leaders are refused, and work
 * that no leader owns any more is dropped.
 */
import { type Configuration, fromErrorData, hexId, toErrorData } from '@millrace/core'
import type {
  Logger,
  Platform,
  ProcessInspection,
  RpcServer,
  ThreadState,
} from '@millrace/platform'
import {
  type AttemptsRequest,
  answerQuestion,
  type DeployTasksRequest,
  type Fence,
  type FinishTasksRequest,
  type FreeSlotRequest,
  type InspectRequest,
  type JobManagerGateway,
  type JobManagerHeartbeat,
  type NotifyCheckpointRequest,
  type OperatorEventRequest,
  ProcessMetrics,
  protocolError,
  type RequestSlotRequest,
  requireEpoch,
  type SlotReport,
  type TaskManagerGateway,
  type TaskManagerMemory,
  type TriggerCheckpointRequest,
  taskManagerHandlers,
} from '@millrace/protocol'
import { taskManagerError } from '../error-codes.ts'
import type { SlotMetrics, ToSlot } from '../slot/slot-messages.ts'
import { slotMemoryOf, TASKMANAGER_OPTIONS, taskManagerMemoryOf } from '../taskmanager-options.ts'
import { checkedOrder } from './checked-order.ts'
import { JobManagerLink, linkTimings } from './job-manager-link.ts'
import { leaderLookupOf } from './leader-lookup.ts'
import { memoryMetrics } from './memory-metrics.ts'
import { attemptProfiles, slotThreads } from './slot-inspection.ts'
import { SlotKeeper } from './slot-keeper.ts'
import { SlotReports } from './slot-reports.ts'

export interface TaskManagerSettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly cpuCores: number
  /** `threads.spawn`'s data for every slot thread. */
  readonly slotThreadData?: unknown
  /** What the process tells about itself; absent in the simulation. */
  readonly inspection?: ProcessInspection
}

export class TaskManager implements TaskManagerGateway {
  readonly taskManagerId: string
  readonly #platform: Platform
  readonly #configuration: Configuration
  readonly #settings: TaskManagerSettings
  readonly #logger: Logger
  readonly #instanceId: string
  readonly #link: JobManagerLink
  readonly #slots: SlotKeeper
  readonly #reports: SlotReports
  readonly #processMetrics: ProcessMetrics
  readonly #segmentBytes: number
  #server: RpcServer | null = null
  #stopped = false
  #cancelMetrics: () => void = () => {}

  constructor(settings: TaskManagerSettings) {
    const { platform, configuration } = settings
    this.#settings = settings
    this.#platform = platform
    this.#configuration = configuration
    this.#instanceId = hexId(platform.random.bytes(16))
    this.taskManagerId =
      configuration.get(TASKMANAGER_OPTIONS.resourceId) ??
      `tm-${this.#host}-${this.#instanceId.slice(0, 8)}`
    this.#logger = platform.logger.with({ taskManager: this.taskManagerId })
    this.#slots = this.#createSlots()
    this.#processMetrics = new ProcessMetrics(platform.clock, settings.inspection?.memory ?? null)
    this.#segmentBytes = slotMemoryOf(configuration).network.segmentBytes
    this.#link = this.#createLink()
    this.#reports = new SlotReports(this.#link, this.#logger, () => void this.#reportMetrics())
  }

  #createSlots(): SlotKeeper {
    const { platform, configuration, slotThreadData = null } = this.#settings
    return new SlotKeeper({
      ...{ platform, configuration, slotThreadData },
      taskManagerId: this.taskManagerId,
      host: this.#host,
      logger: this.#logger,
      onReport: (slot, message) => this.#reports.received(slot, message),
      onEnded: (slot, error) => {
        this.#reports.slotEnded(slot, error === undefined ? 'CANCELED' : 'FAILED', error)
        if (error !== undefined) this.#link.beatNow()
      },
    })
  }

  /**
   * Serves, then registers with the JobManager as soon as it is there. Rejects when the address
   * cannot be used.
   */
  async start(): Promise<void> {
    const bindHost = this.#configuration.get(TASKMANAGER_OPTIONS.bindHost)
    const port = this.#configuration.get(TASKMANAGER_OPTIONS.rpcPort)
    this.#server = await this.#platform.rpc.serve(`${bindHost}:${port}`, taskManagerHandlers(this))
    this.#link.start()
    this.#scheduleMetrics()
  }

  /** Where the JobManager reaches this TaskManager; known after `start`. */
  get rpcAddress(): string {
    const address = this.#server?.address ?? ''
    return `${this.#host}${address.slice(address.lastIndexOf(':'))}`
  }

  get isRegistered(): boolean {
    return this.#link.isRegistered
  }

  /** Stops everything: tasks are cancelled and the JobManager is told. */
  async stop(reason = 'The TaskManager was stopped.'): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#cancelMetrics()
    if (this.#link.isRegistered) {
      const { gateway, fence } = this.#link
      await gateway
        .disconnect({ fence, taskManagerId: this.taskManagerId, reason })
        .catch(() => undefined)
    }
    this.#link.stop()
    await this.#slots.close()
    await this.#server?.close()
  }

  async requestSlot(request: RequestSlotRequest): Promise<{ readonly dataAddress: string }> {
    this.#check(request.fence)
    const { slotIndex, allocationId, jobId, fence } = request
    const epoch = fence.leaderEpoch
    return this.#slots.allocate({ slotIndex, allocationId, jobId, epoch })
  }

  async freeSlot(request: FreeSlotRequest): Promise<void> {
    this.#check(request.fence)
    const slot = this.#slots.table.ofAllocation(request.allocationId)
    if (slot) await this.#slots.free(slot, request.reason)
  }

  async deployTasks(request: DeployTasksRequest): Promise<void> {
    this.#check(request.fence)
    const slot = this.#slots.table.ofAllocation(request.allocationId)
    if (!slot || slot.isEnded) {
      throw protocolError(
        'SLOT_UNKNOWN',
        `TaskManager ${this.taskManagerId} has no slot with allocation ${request.allocationId}.`,
      )
    }
    for (const deployment of request.deployments) {
      slot.attempts.set(deployment.attemptId, deployment)
    }
    const { leaderEpoch } = request.fence
    slot.post({ kind: 'deploy', deployments: request.deployments, leaderEpoch })
  }

  async cancelTasks(request: AttemptsRequest): Promise<void> {
    this.#forward(request.fence, request.attemptIds, (attemptIds) => ({
      kind: 'cancel',
      attemptIds,
    }))
  }

  async finishTasks(request: FinishTasksRequest): Promise<void> {
    this.#forward(request.fence, request.attemptIds, (attemptIds) => ({
      kind: 'finish',
      basis: request.basis,
      attemptIds,
    }))
  }

  async triggerCheckpoint(request: TriggerCheckpointRequest): Promise<void> {
    const order = checkedOrder(request.order)
    this.#forward(request.fence, request.attemptIds, (attemptIds) => ({
      kind: 'trigger',
      order,
      attemptIds,
    }))
  }

  async notifyCheckpoint(request: NotifyCheckpointRequest): Promise<void> {
    const { checkpointId, outcome } = request
    this.#forward(request.fence, request.attemptIds, (attemptIds) => ({
      kind: 'notify',
      checkpointId,
      outcome,
      attemptIds,
    }))
  }

  async operatorEvent(request: OperatorEventRequest): Promise<void> {
    this.#check(request.fence)
    const { attemptId, operatorId, event } = request
    const slot = this.#slots.table.ofAttempt(attemptId)
    if (!slot) {
      throw protocolError('STALE_ATTEMPT', `Attempt ${attemptId} does not run here.`)
    }
    slot.post({ kind: 'operator-event', attemptId, operatorId, event })
  }

  async heartbeat(request: JobManagerHeartbeat): Promise<{ readonly slots: SlotReport[] }> {
    this.#check(request.fence)
    return { slots: this.#slots.table.reports() }
  }

  async inspect({ fence, question }: InspectRequest): Promise<{ readonly answer: unknown }> {
    this.#check(fence)
    const { inspection } = this.#settings
    const slots = this.#slots.table.all()
    if (question.kind === 'profile') return { answer: await attemptProfiles(slots, question) }
    const answer = inspection === undefined ? null : await answerQuestion(inspection, question)
    if (question.kind !== 'threads') return { answer }
    const own = (answer ?? []) as readonly ThreadState[]
    return { answer: [...own, ...(await slotThreads(slots))] }
  }

  /** The Prometheus text of `/metrics`. */
  async renderTaskManagerMetrics(): Promise<string> {
    const slots = await this.#slots.table.collectMetrics()
    // Loaded, with the metrics library, at the first scrape.
    const { renderMetrics } = await import('./render-metrics.ts')
    return renderMetrics({
      taskManagerId: this.taskManagerId,
      host: this.#host,
      process: this.#processValues(slots),
      tasks: slots.flatMap((slot) => slot.tasks),
      deployments: new Map(this.#slots.table.all().flatMap(({ attempts }) => [...attempts])),
    })
  }

  #processValues(slots: readonly SlotMetrics[]): Record<string, number> {
    const heapBytes = slots.reduce((sum, slot) => sum + slot.heapUsedBytes, 0)
    return {
      ...this.#processMetrics.values(slots.length + 1, heapBytes),
      ...memoryMetrics(slots, this.#memory(), this.#segmentBytes),
    }
  }

  #memory(): TaskManagerMemory {
    const { inspection } = this.#settings
    const physicalBytes = inspection?.environment().systemMemoryBytes ?? 0
    return taskManagerMemoryOf(this.#configuration, physicalBytes)
  }

  get #host(): string {
    return (
      this.#configuration.get(TASKMANAGER_OPTIONS.host) ??
      this.#configuration.get(TASKMANAGER_OPTIONS.bindHost)
    )
  }

  /** Refuses old leaders; a newer one is followed. */
  #check(fence: Fence): void {
    requireEpoch(fence, this.#link.epoch)
    this.#link.heardFrom(fence.leaderEpoch)
  }

  #forward(
    fence: Fence,
    attemptIds: readonly string[],
    message: (attemptIds: string[]) => ToSlot,
  ): void {
    this.#check(fence)
    for (const slot of this.#slots.table.all()) {
      const here = attemptIds.filter((id) => slot.attempts.has(id))
      if (here.length > 0) slot.post(message(here))
    }
  }

  #scheduleMetrics(): void {
    const intervalMs = this.#configuration.get(TASKMANAGER_OPTIONS.metricsInterval)
    if (intervalMs <= 0) return
    this.#cancelMetrics = this.#platform.clock.setTimer(
      intervalMs,
      () => void this.#reportMetrics().then(() => this.#stopped || this.#scheduleMetrics()),
      { unref: true },
    )
  }

  async #reportMetrics(): Promise<void> {
    if (!this.#link.isRegistered) return
    const slots = await this.#slots.table.collectMetrics()
    const metrics = {
      process: this.#processValues(slots),
      tasks: slots.flatMap((slot) => slot.tasks),
    }
    const { gateway, fence } = this.#link
    // The next report makes up for one that did not arrive.
    await gateway
      .reportMetrics({ fence, taskManagerId: this.taskManagerId, metrics })
      .catch(() => undefined)
  }

  #createLink(): JobManagerLink {
    return new JobManagerLink({
      platform: this.#platform,
      logger: this.#logger,
      leader: leaderLookupOf(this.#configuration, this.#platform),
      taskManagerId: this.taskManagerId,
      ...linkTimings(this.#configuration),
      register: (gateway, fence) => this.#registerWith(gateway, fence),
      heartbeat: (gateway, fence) =>
        gateway.heartbeat({
          fence,
          taskManagerId: this.taskManagerId,
          instanceId: this.#instanceId,
          slots: this.#slots.table.reports(),
        }),
      onRegistered: () => this.#slots.prewarm(),
      onNewEpoch: (epoch) =>
        this.#slots.freeOthers(
          (slot) => slot.settings.epoch >= epoch,
          `A JobManager with leader epoch ${epoch} took over.`,
        ),
      onLost: () => {
        const error = taskManagerError('JOB_MANAGER_LOST', 'The JobManager is not reached.')
        this.#logger.warn('Dropping all work.', { code: error.code, error: error.message })
        this.#slots.freeOthers(() => false, fromErrorData(toErrorData(error)).message)
      },
    })
  }

  #registerWith(
    gateway: JobManagerGateway,
    fence: Fence,
  ): Promise<{ readonly leaderEpoch: number }> {
    return gateway.registerTaskManager({
      fence,
      taskManagerId: this.taskManagerId,
      instanceId: this.#instanceId,
      rpcAddress: this.rpcAddress,
      slots: this.#slots.table.reports(),
      memoryBytes: this.#configuration.get(TASKMANAGER_OPTIONS.processMemory),
      memory: this.#memory(),
      cpuCores: this.#settings.cpuCores,
    })
  }
}
