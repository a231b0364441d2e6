/**
 * TaskManager: the main thread of the process — serves the JobManager's calls, keeps the slots,
 * tells the JobManager what becomes of them.
 *
 * Between `protocol` and the slots' threads; no record passes here. Invariants: a slot belongs to
 * one allocation of one leader epoch; every attempt that was deployed gets exactly one final
 * report; work that no leader owns any more is dropped.
 */
import {
  type Configuration,
  type ErrorData,
  fromErrorData,
  hexId,
  toErrorData,
} from '@millrace/core'
import type { Logger, Platform, RpcServer } from '@millrace/platform'
import {
  type AttemptsRequest,
  type DeployTasksRequest,
  type Fence,
  type FreeSlotRequest,
  type JobManagerGateway,
  type JobManagerHeartbeat,
  type NotifyCheckpointRequest,
  type OperatorEventRequest,
  protocolError,
  type RequestSlotRequest,
  requireEpoch,
  type SlotReport,
  type TaskDeployment,
  type TaskManagerGateway,
  type TriggerCheckpointRequest,
  taskManagerHandlers,
} from '@millrace/protocol'
import { taskManagerError } from '../error-codes.ts'
import type { FromSlot, ToSlot } from '../slot/slot-messages.ts'
import { type SlotMemory, slotMemoryOf, TASKMANAGER_OPTIONS } from '../taskmanager-options.ts'
import { JobManagerLink, linkTimings } from './job-manager-link.ts'
import { leaderLookupOf } from './leader-lookup.ts'
import { type ProcessMemory, ProcessMetrics } from './process-metrics.ts'
import { SlotTable } from './slot-table.ts'
import { SlotThreads, SPARE_THREADS_MAX } from './slot-threads.ts'
import { TaskSlot } from './task-slot.ts'

export interface TaskManagerSettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly cpuCores: number
  /** `threads.spawn`'s data for every slot thread. */
  readonly slotThreadData?: unknown
  /** Memory of the process, for metrics. */
  readonly memory?: () => ProcessMemory
}

export class TaskManager implements TaskManagerGateway {
  readonly taskManagerId: string
  readonly #platform: Platform
  readonly #configuration: Configuration
  readonly #settings: TaskManagerSettings
  readonly #logger: Logger
  readonly #instanceId: string
  readonly #slotCount: number
  readonly #memory: SlotMemory
  readonly #threads: SlotThreads
  readonly #link: JobManagerLink
  readonly #processMetrics: ProcessMetrics
  readonly #slots: SlotTable
  readonly #deployments = new Map<string, TaskDeployment>()
  #server: RpcServer | null = null
  #stopped = false
  #cancelMetrics: () => void = () => {}

  constructor(settings: TaskManagerSettings) {
    const { platform, configuration } = settings
    const get = configuration.get.bind(configuration)
    this.#settings = settings
    this.#platform = platform
    this.#configuration = configuration
    this.#instanceId = hexId(platform.random.bytes(16))
    this.taskManagerId =
      get(TASKMANAGER_OPTIONS.resourceId) ?? `tm-${this.#host}-${this.#instanceId.slice(0, 8)}`
    this.#logger = platform.logger.with({ taskManager: this.taskManagerId })
    this.#slotCount = get(TASKMANAGER_OPTIONS.numberOfTaskSlots)
    this.#slots = new SlotTable(this.#slotCount)
    this.#memory = slotMemoryOf(configuration)
    this.#threads = new SlotThreads(platform, this.#memory, settings.slotThreadData ?? null, () =>
      get(TASKMANAGER_OPTIONS.slotPrewarm) ? Math.min(SPARE_THREADS_MAX, this.#slots.freeCount) : 0,
    )
    this.#processMetrics = new ProcessMetrics(platform.clock, settings.memory ?? null)
    this.#link = this.#createLink()
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
    await Promise.all(this.#slots.all().map((slot) => slot.stop()))
    await this.#threads.close()
    await this.#server?.close()
  }

  async requestSlot(request: RequestSlotRequest): Promise<{ readonly dataAddress: string }> {
    this.#check(request.fence)
    const { slotIndex, allocationId, jobId } = request
    if (slotIndex < 0 || slotIndex >= this.#slotCount) {
      throw protocolError(
        'SLOT_UNKNOWN',
        `TaskManager ${this.taskManagerId} has slots 0 to ${this.#slotCount - 1}; slot ${slotIndex} was requested.`,
      )
    }
    const known = this.#slots.at(slotIndex)
    if (known !== null) {
      const starting = this.#slots.addressOf(known)
      if (known.settings.allocationId === allocationId) return { dataAddress: await starting }
      throw protocolError(
        'SLOT_OCCUPIED',
        `Slot ${slotIndex} of TaskManager ${this.taskManagerId} is allocated to ${known.settings.jobId}.`,
      )
    }
    const slot = this.#createSlot(slotIndex, allocationId, jobId, request.fence.leaderEpoch)
    try {
      const dataAddress = await this.#slots.add(slot)
      this.#threads.prewarm('later')
      return { dataAddress }
    } catch (error) {
      this.#slots.remove(slot)
      throw error
    }
  }

  async freeSlot(request: FreeSlotRequest): Promise<void> {
    this.#check(request.fence)
    const slot = this.#slots.ofAllocation(request.allocationId)
    if (slot) await this.#free(slot, request.reason)
  }

  async deployTasks(request: DeployTasksRequest): Promise<void> {
    this.#check(request.fence)
    const slot = this.#slots.ofAllocation(request.allocationId)
    if (!slot || slot.isEnded) {
      throw protocolError(
        'SLOT_UNKNOWN',
        `TaskManager ${this.taskManagerId} has no slot with allocation ${request.allocationId}.`,
      )
    }
    for (const deployment of request.deployments) {
      slot.attempts.add(deployment.attemptId)
      this.#deployments.set(deployment.attemptId, deployment)
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

  async finishTasks(request: AttemptsRequest): Promise<void> {
    this.#forward(request.fence, request.attemptIds, (attemptIds) => ({
      kind: 'finish',
      attemptIds,
    }))
  }

  async triggerCheckpoint(request: TriggerCheckpointRequest): Promise<void> {
    const { checkpointId, timestampMs, aligned } = request
    this.#forward(request.fence, request.attemptIds, (attemptIds) => ({
      kind: 'trigger',
      checkpointId,
      timestampMs,
      aligned,
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
    const slot = this.#slots.ofAttempt(attemptId)
    if (!slot) {
      throw protocolError('STALE_ATTEMPT', `Attempt ${attemptId} does not run here.`)
    }
    slot.post({ kind: 'operator-event', attemptId, operatorId, event })
  }

  async heartbeat(request: JobManagerHeartbeat): Promise<{ readonly slots: SlotReport[] }> {
    this.#check(request.fence)
    return { slots: this.#slots.reports() }
  }

  /** The Prometheus text of `/metrics`. */
  async renderTaskManagerMetrics(): Promise<string> {
    const slots = await this.#slots.collectMetrics()
    // Loaded, with the metrics library, at the first scrape.
    const { renderMetrics } = await import('./render-metrics.ts')
    return renderMetrics({
      taskManagerId: this.taskManagerId,
      host: this.#host,
      process: this.#processMetrics.values(slots),
      tasks: slots.flatMap((slot) => slot.tasks),
      deployments: this.#deployments,
    })
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
    for (const slot of this.#slots.all()) {
      const here = attemptIds.filter((id) => slot.attempts.has(id))
      if (here.length > 0) slot.post(message(here))
    }
  }

  #createSlot(index: number, allocationId: string, jobId: string, epoch: number): TaskSlot {
    const get = this.#configuration.get.bind(this.#configuration)
    const dataPort = get(TASKMANAGER_OPTIONS.dataPort)
    const slot: TaskSlot = new TaskSlot(
      {
        index,
        allocationId,
        jobId,
        epoch,
        taskManagerId: this.taskManagerId,
        clock: this.#platform.clock,
        livenessTimeoutMs: get(TASKMANAGER_OPTIONS.slotLivenessTimeout),
        stopTimeoutMs: STOP_TIMEOUT_MS,
        start: {
          taskManagerId: this.taskManagerId,
          slotIndex: index,
          configuration: this.#configuration.toObject(),
          dataBindAddress: `${get(TASKMANAGER_OPTIONS.bindHost)}:${dataPort === 0 ? 0 : dataPort + index}`,
          dataHost: this.#host,
          network: this.#memory.network,
          totalMaxBytes: this.#memory.totalMaxBytes,
        },
        onMessage: (message) => this.#receive(slot, message),
        onLost: (error) => this.#slotLost(slot, error),
      },
      this.#threads.take(),
    )
    return slot
  }

  #receive(slot: TaskSlot, message: FromSlot): void {
    // Nobody waits to hear of work under an earlier leader.
    const isStale = slot.settings.epoch < this.#link.epoch
    if (isStale && message.kind !== 'operator-event' && message.kind !== 'connect') return
    switch (message.kind) {
      case 'state': {
        const { attemptId, state, ended, error } = message
        this.#reportState(attemptId, state, ended, error)
        return
      }
      case 'acknowledge': {
        const { attemptId, checkpointId, state, metrics } = message
        this.#link.report(attemptId, (gateway, fence) =>
          gateway.acknowledgeCheckpoint({ fence, attemptId, checkpointId, state, metrics }),
        )
        return
      }
      case 'decline': {
        const { attemptId, checkpointId, error } = message
        this.#link.report(attemptId, (gateway, fence) =>
          gateway.declineCheckpoint({ fence, attemptId, checkpointId, error }),
        )
        return
      }
      case 'operator-event':
        void this.#askCoordinator(slot, message)
        return
      case 'connect':
        this.#joinSlots(slot, message.slotIndex, message.requestId)
    }
  }

  #reportState(
    attemptId: string,
    state: (FromSlot & { kind: 'state' })['state'],
    ended: boolean,
    error: ErrorData | undefined,
  ): void {
    if (error !== undefined) {
      this.#logger.warn('A task failed.', { attemptId, error })
    }
    if (state !== 'INITIALIZING' && state !== 'RUNNING') this.#deployments.delete(attemptId)
    // Its last counts: it stays until the JobManager has heard of the end.
    if (ended) void this.#reportMetrics()
    const report = (): void =>
      this.#link.report(attemptId, (gateway, fence) =>
        gateway.updateTaskState({
          fence,
          attemptId,
          state,
          ended,
          ...(error === undefined ? {} : { error }),
        }),
      )
    if (error?.code !== 'NETWORK_CONNECTION_LOST') report()
    else this.#platform.clock.setTimer(CONSEQUENCE_DELAY_MS, report)
  }

  async #askCoordinator(
    slot: TaskSlot,
    message: FromSlot & { kind: 'operator-event' },
  ): Promise<void> {
    const { requestId, attemptId, operatorId, event } = message
    try {
      const { answer } = await this.#link.gateway.operatorEvent({
        fence: this.#link.fence,
        attemptId,
        operatorId,
        event,
      })
      slot.post({ kind: 'answer', requestId, answer })
    } catch (error) {
      slot.post({ kind: 'answer', requestId, error: toErrorData(error) })
    }
  }

  /** Gives two slots the ends of a port. */
  #joinSlots(consumer: TaskSlot, producerIndex: number, requestId: number): void {
    const producer = this.#slots.at(producerIndex)
    if (!producer || producer.isEnded) {
      const error = taskManagerError(
        'SLOT_TERMINATED',
        `Slot ${producerIndex} of TaskManager ${this.taskManagerId} is gone.`,
      )
      consumer.post({ kind: 'answer', requestId, error: toErrorData(error) })
      return
    }
    const [consumerPort, producerPort] = this.#platform.data.createPortPair()
    producer.post({ kind: 'accept', port: producerPort }, [producerPort])
    consumer.post({ kind: 'answer', requestId, answer: consumerPort }, [consumerPort])
  }

  #slotLost(slot: TaskSlot, error: ErrorData): void {
    const { index } = slot.settings
    this.#logger.error('A slot was lost.', { slot: index, error })
    this.#slots.remove(slot)
    for (const attemptId of slot.attempts) this.#reportState(attemptId, 'FAILED', false, error)
    slot.attempts.clear()
    this.#link.beatNow()
    this.#threads.prewarm('now')
  }

  async #free(slot: TaskSlot, reason: string): Promise<void> {
    this.#logger.debug('Freeing a slot.', { slot: slot.settings.index, reason })
    await slot.stop()
    for (const attemptId of slot.attempts) {
      if (slot.settings.epoch < this.#link.epoch) this.#deployments.delete(attemptId)
      else this.#reportState(attemptId, 'CANCELED', false, undefined)
    }
    slot.attempts.clear()
    this.#slots.remove(slot)
    this.#threads.prewarm('later')
  }

  #dropWork(keep: (slot: TaskSlot) => boolean, reason: string): void {
    for (const slot of this.#slots.all()) if (!keep(slot)) void this.#free(slot, reason)
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
    const slots = await this.#slots.collectMetrics()
    const metrics = {
      process: this.#processMetrics.values(slots),
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
          slots: this.#slots.reports(),
        }),
      onRegistered: () => this.#threads.prewarm('now'),
      onNewEpoch: (epoch) =>
        this.#dropWork(
          (slot) => slot.settings.epoch >= epoch,
          `A JobManager with leader epoch ${epoch} took over.`,
        ),
      onLost: () => {
        const error = taskManagerError('JOB_MANAGER_LOST', 'The JobManager is not reached.')
        this.#logger.warn('Dropping all work.', { code: error.code, error: error.message })
        this.#dropWork(() => false, fromErrorData(toErrorData(error)).message)
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
      slots: this.#slots.reports(),
      memoryBytes: this.#configuration.get(TASKMANAGER_OPTIONS.processMemory),
      cpuCores: this.#settings.cpuCores,
    })
  }
}

/** A slot that is freed while tasks run has this long to close them. */
const STOP_TIMEOUT_MS = 5000
/** A lost data connection is a consequence: what ended the producer is to reach the JobManager first. */
const CONSEQUENCE_DELAY_MS = 200
