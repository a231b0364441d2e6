/**
 * TaskSlot: one allocated slot as the main thread sees it — its thread, its attempts, and the
 * watchdog over it.
 *
 * Between the TaskManager's gateway and a slot's thread. A thread that runs out of memory, spins or
 * ends is reported once, with the operator that ran, and never used again. Invariant: after
 * `onLost` or `stopped` no message comes from the slot any more.
 */
import { type ErrorData, toErrorData } from '@millrace/core'
import type { Clock, ThreadExit, ThreadHandle } from '@millrace/platform'
import type { TaskDeployment } from '@millrace/protocol'
import { taskManagerError } from '../error-codes.ts'
import { LIVENESS_BYTES, SlotLiveness } from '../executor/slot-liveness.ts'
import type {
  FromSlot,
  OperatorName,
  SlotMetrics,
  SlotStart,
  ToSlot,
} from '../slot/slot-messages.ts'
import type { SlotProfile } from '../slot/slot-profile.ts'

export interface TaskSlotSettings {
  readonly index: number
  readonly allocationId: string
  readonly jobId: string
  /** Leader epoch that asked for the slot. */
  readonly epoch: number
  readonly taskManagerId: string
  readonly clock: Clock
  readonly livenessTimeoutMs: number
  /** How long a stopping slot may take to close its tasks. */
  readonly stopTimeoutMs: number
  readonly start: Omit<SlotStart, 'kind' | 'liveness'>
  readonly onMessage: (message: FromSlot) => void
  readonly onLost: (error: ErrorData) => void
}

const START_TIMEOUT_MS = 30_000
const METRICS_TIMEOUT_MS = 2000
/** Beyond the time for which it samples. */
const PROFILE_TIMEOUT_MS = 5000
/** Pings within one liveness timeout. */
const PINGS_PER_TIMEOUT = 4

export class TaskSlot {
  readonly settings: TaskSlotSettings
  /** What was deployed here, by attempt, until its final state is reported. */
  readonly attempts = new Map<string, TaskDeployment>()
  readonly #thread: ThreadHandle
  readonly #liveness = new SlotLiveness(new SharedArrayBuffer(LIVENESS_BYTES))
  readonly #names = new Map<number, OperatorName>()
  readonly #asked = new Map<number, (answer: unknown) => void>()
  #nextRequest = 1
  #ping = 0
  #answeredMs: number
  #cancelPing: () => void = () => {}
  #ended = false
  #onStarted: (result: { address: string } | { error: unknown }) => void = () => {}
  #onStopped: () => void = () => {}

  constructor(settings: TaskSlotSettings, thread: ThreadHandle) {
    this.settings = settings
    this.#thread = thread
    this.#answeredMs = settings.clock.monotonicMs()
    thread.onMessage((message) => this.#receive(message as FromSlot))
    thread.onExit((exit) => this.#exited(exit))
  }

  get isEnded(): boolean {
    return this.#ended
  }

  /** Resolves with the slot's data address. Rejects with SLOT_START_FAILED. */
  async start(): Promise<string> {
    const { clock, index } = this.settings
    const result = await new Promise<{ address: string } | { error: unknown }>((resolve) => {
      const cancelTimer = clock.setTimer(START_TIMEOUT_MS, () =>
        resolve({ error: new Error(`no answer within ${START_TIMEOUT_MS} ms`) }),
      )
      this.#onStarted = (started) => {
        cancelTimer()
        resolve(started)
      }
      this.post({ ...this.settings.start, kind: 'start', liveness: this.#sharedWords() })
    })
    if ('address' in result) {
      this.#watch()
      return result.address
    }
    this.#ended = true
    await this.#thread.terminate()
    throw taskManagerError('SLOT_START_FAILED', `Could not start slot ${index}.`, {
      cause: result.error,
      location: { taskManager: this.settings.taskManagerId },
    })
  }

  post(message: ToSlot, transfer?: readonly unknown[]): void {
    if (!this.#ended) this.#thread.post(message, transfer)
  }

  /** Null when the slot does not answer in time. */
  collectMetrics(): Promise<SlotMetrics | null> {
    const message = (requestId: number) => ({ kind: 'collect-metrics', requestId }) as const
    return this.#ask(message, METRICS_TIMEOUT_MS) as Promise<SlotMetrics | null>
  }

  /** Null when the slot does not answer in time, or has no profiler. */
  profile(durationMs: number, intervalMs: number): Promise<SlotProfile | null> {
    const settings = { durationMs, intervalMs }
    const message = (requestId: number) => ({ kind: 'profile', requestId, ...settings }) as const
    return this.#ask(message, durationMs + PROFILE_TIMEOUT_MS) as Promise<SlotProfile | null>
  }

  /** Resolves with null when no answer comes in time. */
  #ask(message: (requestId: number) => ToSlot, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve) => {
      if (this.#ended) {
        resolve(null)
        return
      }
      const requestId = this.#nextRequest++
      const cancelTimer = this.settings.clock.setTimer(timeoutMs, () => {
        this.#asked.delete(requestId)
        resolve(null)
      })
      this.#asked.set(requestId, (answer) => {
        cancelTimer()
        resolve(answer)
      })
      this.post(message(requestId))
    })
  }

  #answered(requestId: number, answer: unknown): void {
    this.#asked.get(requestId)?.(answer)
    this.#asked.delete(requestId)
  }

  /** Cancels what runs, within bounds, and ends the thread. Resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.#ended) return
    const { clock, stopTimeoutMs } = this.settings
    await new Promise<void>((resolve) => {
      const cancelTimer = clock.setTimer(stopTimeoutMs, resolve)
      this.#onStopped = () => {
        cancelTimer()
        resolve()
      }
      this.post({ kind: 'stop' })
    })
    await this.#terminate()
  }

  #sharedWords(): SharedArrayBuffer {
    return this.#liveness.words.buffer as SharedArrayBuffer
  }

  #receive(message: FromSlot): void {
    switch (message.kind) {
      case 'started':
        this.#onStarted({ address: message.dataAddress })
        return
      case 'start-failed':
        this.#onStarted({ error: message.error })
        return
      case 'operators':
        for (const name of message.names) this.#names.set(name.ordinal, name)
        return
      case 'metrics':
        this.#answered(message.requestId, message.metrics)
        return
      case 'profile':
        this.#answered(message.requestId, message.profile)
        return
      case 'stopped':
        this.#onStopped()
        return
      case 'fatal':
        this.#lose(message.error)
        return
      case 'state':
        if (message.state !== 'INITIALIZING' && message.state !== 'RUNNING') {
          this.attempts.delete(message.attemptId)
          this.#forget(message.attemptId)
        }
        if (!this.#ended) this.settings.onMessage(message)
        return
      default:
        if (!this.#ended) this.settings.onMessage(message)
    }
  }

  #watch(): void {
    const { clock, livenessTimeoutMs } = this.settings
    if (livenessTimeoutMs <= 0) return
    const check = (): void => {
      if (this.#ended) return
      const nowMs = clock.monotonicMs()
      if (this.#liveness.lastAnswered === this.#ping) {
        this.#answeredMs = nowMs
        this.#ping = (this.#ping + 1) | 0
        this.post({ kind: 'ping', number: this.#ping })
      } else if (nowMs - this.#answeredMs >= livenessTimeoutMs) {
        this.#lose(this.#unresponsive(livenessTimeoutMs))
        return
      }
      this.#cancelPing = clock.setTimer(livenessTimeoutMs / PINGS_PER_TIMEOUT, check, {
        unref: true,
      })
    }
    check()
  }

  #unresponsive(timeoutMs: number): ErrorData {
    const { operator, where, location } = this.#running()
    return toErrorData(
      taskManagerError(
        'SLOT_UNRESPONSIVE',
        `${where} did not answer for ${timeoutMs} ms; ${operator}.`,
        {
          hint: 'an operator loops or blocks its thread; if its work is only slow, raise taskmanager.slot.liveness-timeout',
          location,
        },
      ),
    )
  }

  #exited(exit: ThreadExit): void {
    this.#onStarted({ error: new Error(`the thread ended: ${describe(exit)}`) })
    this.#onStopped()
    if (this.#ended) return
    const { operator, where, location } = this.#running()
    const error =
      exit.reason === 'out-of-memory'
        ? taskManagerError(
            'SLOT_OUT_OF_MEMORY',
            `${where} ran out of memory (its heap is ${Math.round(this.settings.start.totalMaxBytes / 1048576)} MB); ${operator}.`,
            {
              hint: 'raise taskmanager.memory.process.size, or spread the job over more slots',
              location,
            },
          )
        : taskManagerError('SLOT_TERMINATED', `${where} ended: ${describe(exit)}; ${operator}.`, {
            location,
          })
    this.#lose(toErrorData(error))
  }

  #running(): {
    operator: string
    where: string
    location: { operator?: string; subtask?: string; taskManager: string }
  } {
    const { taskManagerId, index } = this.settings
    const name = this.#names.get(this.#liveness.operator)
    const subtask = name && `${name.vertexName} (${name.subtaskIndex + 1})`
    return {
      where: `Slot ${index} of TaskManager ${taskManagerId}`,
      operator:
        name === undefined
          ? 'no operator was being run'
          : `operator '${name.operatorName}' of subtask ${subtask} was being run`,
      location: {
        ...(name === undefined ? {} : { operator: name.operatorName }),
        ...(subtask === undefined ? {} : { subtask }),
        taskManager: taskManagerId,
      },
    }
  }

  #lose(error: ErrorData): void {
    if (this.#ended) return
    void this.#terminate()
    this.settings.onLost(error)
  }

  async #terminate(): Promise<void> {
    this.#ended = true
    this.#cancelPing()
    for (const resolve of this.#asked.values()) resolve(null)
    this.#asked.clear()
    await this.#thread.terminate()
  }

  #forget(attemptId: string): void {
    for (const [ordinal, name] of this.#names) {
      if (name.attemptId === attemptId) this.#names.delete(ordinal)
    }
  }
}

function describe(exit: ThreadExit): string {
  return 'message' in exit ? exit.message : exit.reason
}
