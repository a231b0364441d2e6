/**
 * SlotRuntime: one slot, inside its thread — its tasks, its executor, its exchange, and the talk
 * with the main thread.
 *
 * Made from the first message (`SlotStart`); every later message is one case below. Invariant: an
 * attempt is known from its deployment until its final state has been reported, and calls for
 * others are dropped (their end was reported already).
 */
import {
  Configuration,
  type ErrorData,
  fromErrorData,
  type OperatorRegistry,
  toErrorData,
} from '@millrace/core'
import { type PeerSlot, SlotExchange } from '@millrace/network'
import type { DataConnection, DataServer, MessageEndpoint, Platform } from '@millrace/platform'
import type { ChannelDeployment, TaskDeployment } from '@millrace/protocol'
import { LocalCopies, StateMemory } from '@millrace/state'
import { taskManagerError } from '../error-codes.ts'
import { SlotExecutor } from '../executor/slot-executor.ts'
import { SlotLiveness } from '../executor/slot-liveness.ts'
import { type LargestTable, StreamTask, type TaskReporter } from '../task/stream-task.ts'
import type { ControlAction } from '../task/subtask-loop.ts'
import { slotMemoryOf, TASKMANAGER_OPTIONS } from '../taskmanager-options.ts'
import type { FromSlot, SlotMetrics, SlotStart, ToSlot } from './slot-messages.ts'
import { profileSlot } from './slot-profile.ts'

/** What a thread knows about its own memory; given by the composition root. */
export interface ThreadMemory {
  readonly heapUsedBytes: number
  /** Typed arrays and memories of state tables, outside V8's heap. */
  readonly externalBytes: number
}

const MEMORY_CHECK_INTERVAL_MS = 500

interface SlotAddress {
  readonly taskManagerId: string
  readonly slotIndex: number
  readonly dataAddress: string
}

export class SlotRuntime {
  readonly #platform: Platform
  readonly #endpoint: MessageEndpoint
  readonly #registry: OperatorRegistry
  readonly #start: SlotStart
  readonly #configuration: Configuration
  readonly #executor: SlotExecutor
  readonly #exchange: SlotExchange
  readonly #liveness: SlotLiveness
  readonly #memory: (() => ThreadMemory) | null
  readonly #stateMemory: StateMemory
  readonly #localCopies = new LocalCopies()
  readonly #tasks = new Map<string, StreamTask>()
  readonly #peers = new Map<string, SlotAddress>()
  readonly #requests = new Map<number, (answer: unknown, error: ErrorData | undefined) => void>()
  #nextRequest = 1
  #nextOrdinal = 1
  #server: DataServer | null = null
  #stopping = false

  constructor(
    platform: Platform,
    endpoint: MessageEndpoint,
    registry: OperatorRegistry,
    start: SlotStart,
    memory: (() => ThreadMemory) | null,
  ) {
    this.#platform = platform
    this.#endpoint = endpoint
    this.#registry = registry
    this.#start = start
    this.#memory = memory
    this.#configuration = new Configuration(start.configuration)
    this.#stateMemory = new StateMemory(slotMemoryOf(this.#configuration).managedBytes)
    this.#liveness = new SlotLiveness(start.liveness)
    this.#executor = new SlotExecutor(
      platform.clock,
      this.#configuration.get(TASKMANAGER_OPTIONS.turnDuration),
    )
    this.#exchange = new SlotExchange(start.network, platform.clock, (peer) => this.#connect(peer))
  }

  /** Serves the data plane and tells the main thread where. */
  async open(): Promise<void> {
    try {
      this.#server = await this.#platform.data.serve(this.#start.dataBindAddress, (connection) =>
        this.#exchange.accept(connection),
      )
      const port = this.#server.address.slice(this.#server.address.lastIndexOf(':'))
      this.#send({ kind: 'started', dataAddress: `${this.#start.dataHost}${port}` })
      if (this.#memory !== null) this.#watchMemory(this.#memory)
    } catch (error) {
      this.#send({ kind: 'start-failed', error: toErrorData(error) })
    }
  }

  handle(message: ToSlot): void {
    switch (message.kind) {
      case 'ping':
        this.#liveness.answer(message.number)
        return
      case 'deploy':
        this.#deploy(message.deployments, message.leaderEpoch)
        return
      case 'cancel':
        for (const id of message.attemptIds) this.#tasks.get(id)?.cancel()
        return
      case 'finish':
        this.#control(message.attemptIds, { kind: 'finish', basis: message.basis })
        return
      case 'trigger': {
        const barrier = { kind: 'barrier', order: message.order } as const
        this.#control(message.attemptIds, { kind: 'trigger', barrier })
        return
      }
      case 'notify':
        this.#notify(message.attemptIds, message.checkpointId, message.outcome)
        return
      case 'operator-event': {
        const { operatorId, event } = message
        this.#control([message.attemptId], { kind: 'operator-event', operatorId, event })
        return
      }
      case 'answer':
        this.#requests.get(message.requestId)?.(message.answer, message.error)
        this.#requests.delete(message.requestId)
        return
      case 'accept':
        this.#exchange.accept(this.#platform.data.overPort(message.port))
        return
      case 'collect-metrics':
        this.#send({ kind: 'metrics', requestId: message.requestId, metrics: this.#collect() })
        return
      case 'profile':
        void this.#profile(message)
        return
      case 'stop':
        this.#stop()
        return
      case 'start':
        throw taskManagerError('DEPLOYMENT_INVALID', 'A slot was started twice.')
    }
  }

  #deploy(deployments: readonly TaskDeployment[], leaderEpoch: number): void {
    const tasks: StreamTask[] = []
    for (const deployment of deployments) {
      const firstOrdinal = this.#nextOrdinal
      this.#nextOrdinal += deployment.vertex.operators.length
      this.#send({
        kind: 'operators',
        names: deployment.vertex.operators.map((operator, index) => ({
          ordinal: firstOrdinal + index,
          attemptId: deployment.attemptId,
          vertexName: deployment.vertex.name,
          operatorName: operator.name,
          subtaskIndex: deployment.subtaskIndex,
        })),
      })
      tasks.push(this.#createTask(deployment, leaderEpoch, firstOrdinal))
    }
    for (const task of tasks) void task.start()
  }

  #createTask(deployment: TaskDeployment, leaderEpoch: number, firstOrdinal: number): StreamTask {
    const configuration = this.#configuration.withOverrides(deployment.configuration)
    const task = new StreamTask({
      deployment,
      leaderEpoch,
      configuration,
      taskManagerId: this.#start.taskManagerId,
      platform: this.#platform,
      registry: this.#registry,
      exchange: this.#exchange,
      executor: this.#executor,
      liveness: this.#liveness,
      stateMemory: this.#stateMemory,
      localCopies: this.#localCopies,
      firstOrdinal,
      cancellationTimeoutMs: configuration.get(TASKMANAGER_OPTIONS.cancellationTimeout),
      peerOf: (channel) => this.#peerOf(channel),
      reporter: this.#reporterOf(deployment.attemptId),
    })
    this.#tasks.set(deployment.attemptId, task)
    return task
  }

  #reporterOf(attemptId: string): TaskReporter {
    return {
      state: (state, ended, error) =>
        this.#send({
          kind: 'state',
          attemptId,
          state,
          ended,
          ...(error === undefined ? {} : { error }),
        }),
      acknowledge: (checkpointId, { state, channels }, metrics) =>
        this.#send({ kind: 'acknowledge', attemptId, checkpointId, state, channels, metrics }),
      decline: (checkpointId, error) =>
        this.#send({ kind: 'decline', attemptId, checkpointId, error }),
      operatorEvent: (operatorId, event) =>
        this.#request((requestId) => ({
          kind: 'operator-event',
          requestId,
          attemptId,
          operatorId,
          event,
        })),
      stuck: (error) => this.#send({ kind: 'fatal', error }),
      done: () => {
        this.#tasks.delete(attemptId)
        this.#stopIfDone()
      },
    }
  }

  #control(attemptIds: readonly string[], action: ControlAction): void {
    for (const id of attemptIds) this.#tasks.get(id)?.control(action)
  }

  #notify(
    attemptIds: readonly string[],
    checkpointId: number,
    outcome: 'complete' | 'aborted',
  ): void {
    if (outcome === 'complete') this.#control(attemptIds, { kind: 'complete', checkpointId })
    else for (const id of attemptIds) this.#tasks.get(id)?.abortCheckpoint(checkpointId)
  }

  #peerOf(channel: ChannelDeployment): PeerSlot {
    const { taskManagerId, slotIndex, dataAddress } = channel
    const here = taskManagerId === this.#start.taskManagerId
    const key = `${taskManagerId}_${slotIndex}@${dataAddress}`
    this.#peers.set(key, { taskManagerId, slotIndex, dataAddress })
    return {
      key,
      description: `slot ${slotIndex} of TaskManager ${taskManagerId} (${dataAddress})`,
      isSelf: here && slotIndex === this.#start.slotIndex,
    }
  }

  /** A port inside this TaskManager, a socket to others. */
  async #connect(peer: PeerSlot): Promise<DataConnection> {
    const address = this.#peers.get(peer.key) as SlotAddress
    if (address.taskManagerId !== this.#start.taskManagerId) {
      return this.#platform.data.connect(address.dataAddress)
    }
    const port = await this.#request((requestId) => ({
      kind: 'connect',
      requestId,
      slotIndex: address.slotIndex,
    }))
    return this.#platform.data.overPort(port)
  }

  #request(message: (requestId: number) => FromSlot): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const requestId = this.#nextRequest++
      this.#requests.set(requestId, (answer, error) => {
        if (error === undefined) resolve(answer)
        else reject(fromErrorData(error))
      })
      this.#send(message(requestId))
    })
  }

  async #profile(message: ToSlot & { readonly kind: 'profile' }): Promise<void> {
    const { profiler, clock } = this.#platform
    const tasks = () =>
      new Map(
        [...this.#tasks].map(([attemptId, task]) => [
          task,
          { attemptId, timingKind: task.timingKind },
        ]),
      )
    const parts = { clock, executor: this.#executor }
    const profile =
      profiler === undefined ? null : await profileSlot({ ...parts, profiler }, tasks, message)
    this.#send({ kind: 'profile', requestId: message.requestId, profile })
  }

  #collect(): SlotMetrics {
    const nowMs = this.#platform.clock.monotonicMs()
    const { pool } = this.#exchange
    return {
      tasks: [...this.#tasks.values()].flatMap((task) => task.metrics(nowMs) ?? []),
      segmentsTotal: pool.segmentCountMax,
      segmentsUsed: pool.inUse,
      heapUsedBytes: this.#memory?.().heapUsedBytes ?? 0,
      stateBytes: [...this.#tasks.values()].reduce((sum, task) => sum + task.stateBytes(), 0),
    }
  }

  /** V8 limits the heap alone; typed arrays are held to the slot's share here. */
  #watchMemory(memory: () => ThreadMemory): void {
    const limit = this.#start.totalMaxBytes
    const check = (): void => {
      const { heapUsedBytes, externalBytes } = memory()
      let used = heapUsedBytes + externalBytes
      for (const task of this.#tasks.values()) used -= task.reservedBytes()
      if (used <= limit) {
        this.#platform.clock.setTimer(MEMORY_CHECK_INTERVAL_MS, check, { unref: true })
        return
      }
      const { slotIndex, taskManagerId } = this.#start
      const state = this.#largestTable()
      const described =
        state === null
          ? ''
          : `; ${mebibytes(state.bytes)} MB of it are the state table '${state.table}' of operator '${state.operator}'`
      this.#send({
        kind: 'fatal',
        error: toErrorData(
          taskManagerError(
            'SLOT_OUT_OF_MEMORY',
            `Slot ${slotIndex} of TaskManager ${taskManagerId} uses ${mebibytes(used)} MB, its share is ${mebibytes(limit)} MB${described}.`,
            {
              hint: 'raise taskmanager.memory.process.size, or use more TaskManagers',
              location: {
                taskManager: taskManagerId,
                ...(state === null ? {} : { operator: state.operator }),
              },
            },
          ),
        ),
      })
    }
    this.#platform.clock.setTimer(MEMORY_CHECK_INTERVAL_MS, check, { unref: true })
  }

  /** The table of keyed state that takes most, when that is a good part of the slot's share. */
  #largestTable(): LargestTable | null {
    const largest = [...this.#tasks.values()]
      .flatMap((task) => task.largestTable() ?? [])
      .sort((a, b) => b.bytes - a.bytes)[0]
    return largest !== undefined && largest.bytes * 8 >= this.#start.totalMaxBytes ? largest : null
  }

  #stop(): void {
    this.#stopping = true
    for (const task of this.#tasks.values()) task.cancel()
    this.#stopIfDone()
  }

  #stopIfDone(): void {
    if (!this.#stopping || this.#tasks.size > 0) return
    this.#exchange.close()
    const closed = this.#server?.close() ?? Promise.resolve()
    const stopped = (): void => this.#send({ kind: 'stopped' })
    closed.then(stopped, stopped)
  }

  #send(message: FromSlot): void {
    this.#endpoint.post(message)
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / (1024 * 1024))
}
