/**
 * Knows the TaskManagers: registration, heartbeats both ways, and the verdict that one is lost.
 *
 * A broken connection is probed at once, so a killed process is noticed in milliseconds and not
 * after the heartbeat timeout; a JobManager that stood still itself takes nobody for lost because
 * of that. A lost TaskManager is told to nobody twice; if it comes back it registers anew, with
 * nothing of ours.
 */
import type { ErrorDetails, MillraceError } from '@millrace/core'
import type { Clock, Logger, RpcTransport } from '@millrace/platform'
import {
  type Fence,
  type RegisterTaskManagerRequest,
  type SlotReport,
  type TaskManagerHeartbeat,
  taskManagerClient,
} from '@millrace/protocol'
import { jobManagerError } from '../error-codes.ts'
import { decideLiveness } from './decide-liveness.ts'
import type { RegisteredTaskManager } from './registered-task-manager.ts'

export interface TaskManagerListener {
  taskManagerAdded(taskManager: RegisteredTaskManager, slots: readonly SlotReport[]): void
  taskManagerLost(taskManager: RegisteredTaskManager, error: MillraceError): void
  slotsReported(taskManager: RegisteredTaskManager, slots: readonly SlotReport[]): void
}

export interface RegistryOptions {
  readonly heartbeatIntervalMs: number
  readonly heartbeatTimeoutMs: number
  readonly rpcFailureThreshold: number
  readonly rpcTimeoutMs: number
}

/** A probe after a broken connection: tries, and the deadline of each. */
const PROBE_TRIES = 2
const PROBE_DEADLINE_MS = 1000
const FIRST_BEAT_MS = 20
/** What people ask of a process may take so much longer: it is sampled for a while. */
const INSPECTION_MS_MAX = 60_000

export class TaskManagerRegistry {
  readonly #clock: Clock
  readonly #rpc: RpcTransport
  readonly #logger: Logger
  readonly #fence: Fence
  readonly #options: RegistryOptions
  readonly #listener: TaskManagerListener
  readonly #taskManagers = new Map<string, RegisteredTaskManager>()
  readonly #rpcFailures = new WeakMap<RegisteredTaskManager, number>()
  readonly #probing = new WeakSet<RegisteredTaskManager>()
  readonly #timers = new Map<RegisteredTaskManager, () => void>()

  constructor(
    platform: { readonly clock: Clock; readonly rpc: RpcTransport; readonly logger: Logger },
    fence: Fence,
    options: RegistryOptions,
    listener: TaskManagerListener,
  ) {
    this.#clock = platform.clock
    this.#rpc = platform.rpc
    this.#logger = platform.logger
    this.#fence = fence
    this.#options = options
    this.#listener = listener
  }

  get(id: string): RegisteredTaskManager | undefined {
    return this.#taskManagers.get(id)
  }

  all(): RegisteredTaskManager[] {
    return [...this.#taskManagers.values()]
  }

  register(request: RegisterTaskManagerRequest): void {
    const known = this.#taskManagers.get(request.taskManagerId)
    if (known !== undefined) {
      const same =
        known.instanceId === request.instanceId && known.rpcAddress === request.rpcAddress
      if (same) {
        known.lastHeartbeatMs = this.#clock.monotonicMs()
        this.#listener.slotsReported(known, request.slots)
        return
      }
      this.#lose(known, 'a new process took its place', {
        hint: 'The TaskManager was restarted; see its log for why the old process ended.',
      })
    }
    const taskManager = this.#connect(request)
    this.#taskManagers.set(taskManager.id, taskManager)
    this.#logger.info('TaskManager registered', {
      taskManager: taskManager.id,
      address: taskManager.rpcAddress,
      slots: taskManager.slotCount,
    })
    // The first beat soon: it opens the connection, so that a job need not, and its loss is
    // noticed from now on.
    this.#scheduleHeartbeat(taskManager, FIRST_BEAT_MS)
    this.#listener.taskManagerAdded(taskManager, request.slots)
  }

  #connect(request: RegisterTaskManagerRequest): RegisteredTaskManager {
    const channel = this.#rpc.connect(request.rpcAddress)
    const taskManager: RegisteredTaskManager = {
      id: request.taskManagerId,
      instanceId: request.instanceId,
      rpcAddress: request.rpcAddress,
      slotCount: request.slots.length,
      memoryBytes: request.memoryBytes,
      memory: request.memory ?? null,
      cpuCores: request.cpuCores,
      gateway: taskManagerClient(channel, {
        deadlineMs: this.#options.rpcTimeoutMs,
        methodDeadlinesMs: { inspect: this.#options.rpcTimeoutMs + INSPECTION_MS_MAX },
      }),
      channel,
      lastHeartbeatMs: this.#clock.monotonicMs(),
      metrics: null,
      lost: false,
    }
    channel.onDisconnect(() => void this.#probe(taskManager, channel))
    return taskManager
  }

  /** False: the TaskManager (or this instance of it) is not registered and must register. */
  heartbeat(request: TaskManagerHeartbeat): boolean {
    const taskManager = this.#taskManagers.get(request.taskManagerId)
    if (taskManager === undefined || taskManager.instanceId !== request.instanceId) return false
    taskManager.lastHeartbeatMs = this.#clock.monotonicMs()
    this.#listener.slotsReported(taskManager, request.slots)
    return true
  }

  /** An orderly end: not an error of the TaskManager, but its tasks are gone. */
  disconnect(id: string, reason: string): void {
    const taskManager = this.#taskManagers.get(id)
    if (taskManager !== undefined) this.#lose(taskManager, `it was shut down: ${reason}`)
  }

  close(): void {
    for (const taskManager of this.#taskManagers.values()) {
      this.#timers.get(taskManager)?.()
      taskManager.lost = true
      taskManager.channel.close()
    }
    this.#taskManagers.clear()
  }

  #scheduleHeartbeat(taskManager: RegisteredTaskManager, delayMs: number): void {
    const dueMs = this.#clock.monotonicMs() + delayMs
    const cancel = this.#clock.setTimer(delayMs, () => void this.#beat(taskManager, dueMs), {
      unref: true,
    })
    this.#timers.set(taskManager, cancel)
  }

  async #beat(taskManager: RegisteredTaskManager, dueMs: number): Promise<void> {
    // Where the beat is late this process stood still: what it could not hear is no silence.
    const nowMs = this.#clock.monotonicMs()
    const lateMs = Math.max(0, nowMs - dueMs)
    taskManager.lastHeartbeatMs = Math.min(nowMs, taskManager.lastHeartbeatMs + lateMs)
    // The next beat is set before the call: a call that hangs must not stop the silence from
    // being noticed.
    this.#scheduleHeartbeat(taskManager, this.#options.heartbeatIntervalMs)
    this.#judge(taskManager)
    if (taskManager.lost) return
    await this.#ask(taskManager)
    this.#judge(taskManager)
  }

  async #ask(taskManager: RegisteredTaskManager): Promise<boolean> {
    try {
      const answer = await taskManager.gateway.heartbeat({ fence: this.#fence })
      if (taskManager.lost) return false
      taskManager.lastHeartbeatMs = this.#clock.monotonicMs()
      this.#rpcFailures.set(taskManager, 0)
      this.#listener.slotsReported(taskManager, answer.slots)
      return true
    } catch (error) {
      this.#rpcFailures.set(taskManager, (this.#rpcFailures.get(taskManager) ?? 0) + 1)
      this.#logger.debug('Heartbeat failed', { taskManager: taskManager.id, error: String(error) })
      return false
    }
  }

  #judge(taskManager: RegisteredTaskManager): void {
    const reason = decideLiveness(
      {
        sinceLastHeartbeatMs: this.#clock.monotonicMs() - taskManager.lastHeartbeatMs,
        rpcFailures: this.#rpcFailures.get(taskManager) ?? 0,
      },
      {
        timeoutMs: this.#options.heartbeatTimeoutMs,
        rpcFailureThreshold: this.#options.rpcFailureThreshold,
      },
    )
    if (reason !== null) this.#lose(taskManager, reason)
  }

  /** The connection broke: a process that is gone refuses at once, a hiccup answers. */
  async #probe(
    taskManager: RegisteredTaskManager,
    channel: RegisteredTaskManager['channel'],
  ): Promise<void> {
    if (taskManager.lost || this.#probing.has(taskManager)) return
    this.#probing.add(taskManager)
    const prober = taskManagerClient(channel, {
      deadlineMs: Math.min(PROBE_DEADLINE_MS, this.#options.rpcTimeoutMs),
    })
    for (let tries = 0; tries < PROBE_TRIES; tries++) {
      try {
        await prober.heartbeat({ fence: this.#fence })
        this.#probing.delete(taskManager)
        return
      } catch {
        if (taskManager.lost) return
      }
    }
    this.#probing.delete(taskManager)
    this.#lose(taskManager, 'its connection broke and it does not answer')
  }

  #lose(taskManager: RegisteredTaskManager, reason: string, details: ErrorDetails = {}): void {
    if (taskManager.lost) return
    taskManager.lost = true
    this.#timers.get(taskManager)?.()
    this.#timers.delete(taskManager)
    this.#taskManagers.delete(taskManager.id)
    taskManager.channel.close()
    const error = jobManagerError(
      'TASK_MANAGER_LOST',
      `Lost TaskManager '${taskManager.id}' at ${taskManager.rpcAddress}: ${reason}.`,
      {
        hint: 'Its log says why it ended; its tasks move to free slots of other TaskManagers, or wait for it to return.',
        location: { taskManager: taskManager.id },
        ...details,
      },
    )
    this.#logger.warn(error.message, { taskManager: taskManager.id })
    this.#listener.taskManagerLost(taskManager, error)
  }
}
