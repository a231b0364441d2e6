/**
 * One operator coordinator (a split enumerator, a collector) in its job: calls it one method at a
 * time and carries its events.
 *
 * `replace` swaps the instance after a failure, `fit` where its vertex runs at another parallelism;
 * client requests made meanwhile wait for the new one. A failure of the coordinator is a failure
 * of the job.
 */
import type { CoordinatorFactory, OperatorCoordinator } from '@millrace/connector'
import type { OperatorDescriptor } from '@millrace/graph'
import type { Platform } from '@millrace/platform'
import { jobManagerError } from '../error-codes.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { SubtaskEventQueue } from './subtask-event-queue.ts'

export interface CoordinatorHost {
  readonly platform: Platform
  readonly jobId: string
  readonly jobName: string
  readonly checkpointingEnabled: boolean
  deliver(vertexId: string, subtaskIndex: number, operatorId: string, event: unknown): Promise<void>
  /** The subtask missed an event: its attempt cannot go on. */
  eventLost(vertexId: string, subtaskIndex: number, error: unknown): void
  failJob(error: unknown): void
}

export class HostedCoordinator {
  readonly vertexId: string
  readonly operatorId: string
  readonly #host: CoordinatorHost
  readonly #operator: OperatorDescriptor
  #parallelism: number
  readonly #factory: CoordinatorFactory
  #coordinator: OperatorCoordinator
  #queues: SubtaskEventQueue[] = []
  #timers = new Set<() => void>()
  /** The steps of the coordinator, one after another. */
  #chain: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(
    host: CoordinatorHost,
    vertexId: string,
    operator: OperatorDescriptor,
    parallelism: number,
    factory: CoordinatorFactory,
  ) {
    this.vertexId = vertexId
    this.operatorId = operator.id
    this.#host = host
    this.#operator = operator
    this.#parallelism = parallelism
    this.#factory = factory
    this.#coordinator = this.#create()
  }

  #create(): OperatorCoordinator {
    const { platform, jobId, jobName, checkpointingEnabled, failJob } = this.#host
    const queues = Array.from({ length: this.#parallelism }, (_, subtaskIndex) => {
      return new SubtaskEventQueue(
        (event) => this.#host.deliver(this.vertexId, subtaskIndex, this.operatorId, event),
        (error) => this.#host.eventLost(this.vertexId, subtaskIndex, error),
      )
    })
    const timers = new Set<() => void>()
    this.#queues = queues
    this.#timers = timers
    const current = () => this.#queues === queues && !this.#closed
    return this.#factory(this.#operator.coordinator?.config, {
      platform,
      jobId,
      jobName,
      operatorName: this.#operator.name,
      parallelism: this.#parallelism,
      checkpointingEnabled,
      sendEvent: (subtaskIndex, event) => queues[subtaskIndex]?.send(event),
      schedule: (delayMs, action) => {
        const cancelTimer = platform.clock.setTimer(delayMs, () => {
          timers.delete(cancel)
          this.#step(() => {
            if (current()) action()
          })
        })
        const cancel = () => {
          timers.delete(cancel)
          cancelTimer()
        }
        timers.add(cancel)
        return cancel
      },
      failJob: (error) => {
        if (current()) failJob(error)
      },
    })
  }

  /**
   * Runs `action` after the steps before it; an exception fails the job (once the instance is
   * replaced: nothing).
   */
  #step(action: () => unknown): Promise<unknown> {
    const queues = this.#queues
    const run = this.#chain.then(action)
    this.#chain = run.catch((error) => {
      if (this.#queues === queues && !this.#closed) this.#host.failJob(error)
    })
    return run
  }

  start(restored: unknown): void {
    const coordinator = this.#coordinator
    this.#step(() => coordinator.start(restored)).catch(() => {})
  }

  /** Closes the instance and starts a new one from `restored`. */
  replace(restored: unknown): void {
    const old = this.#coordinator
    this.#endInstance()
    this.#coordinator = this.#create()
    this.#chain = this.#chain.then(() => old.close()).catch(() => {})
    this.start(restored)
  }

  /** At another parallelism splits are dealt anew, by a new instance. */
  fit(parallelism: number, restored: unknown): void {
    if (parallelism === this.#parallelism) return
    this.#parallelism = parallelism
    this.replace(restored)
  }

  #endInstance(): void {
    for (const queue of this.#queues) queue.close()
    for (const cancel of this.#timers) cancel()
  }

  subtaskReady(subtaskIndex: number): void {
    const coordinator = this.#coordinator
    this.#queues[subtaskIndex]?.open()
    this.#step(() => coordinator.subtaskReady(subtaskIndex)).catch(() => {})
  }

  subtaskFailed(subtaskIndex: number): void {
    const coordinator = this.#coordinator
    this.#step(() => coordinator.subtaskFailed(subtaskIndex)).catch(() => {})
  }

  handleEvent(subtaskIndex: number, event: unknown): Promise<unknown> {
    const coordinator = this.#coordinator
    return this.#step(() => coordinator.handleEvent(subtaskIndex, event))
  }

  /** The state, and from this moment on new events are held back until `release`. */
  snapshotAndHold(checkpointId: number): Promise<unknown> {
    const coordinator = this.#coordinator
    const queues = this.#queues
    return this.#step(() => {
      for (const queue of queues) queue.hold()
      const state = this.#snapshotOrRelease(coordinator, checkpointId, queues)
      return {
        state,
        release: () => {
          for (const queue of queues) queue.release()
        },
      }
    })
  }

  #snapshotOrRelease(
    coordinator: OperatorCoordinator,
    checkpointId: number,
    queues: readonly SubtaskEventQueue[],
  ): unknown {
    try {
      return coordinator.snapshot(checkpointId)
    } catch (error) {
      for (const queue of queues) queue.release()
      throw error
    }
  }

  async drained(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.drained()))
  }

  notifyCheckpointComplete(checkpointId: number): void {
    const coordinator = this.#coordinator
    this.#step(() => coordinator.notifyCheckpointComplete?.(checkpointId)).catch(() => {})
  }

  /** A client's request; it may take long, so that later steps do not wait for its answer. */
  async clientRequest(request: unknown): Promise<unknown> {
    await this.#chain
    const coordinator = this.#coordinator
    if (this.#closed || coordinator.handleClientRequest === undefined) {
      const why = this.#closed ? ' any more: its job ended' : ''
      throw jobManagerError(
        'COORDINATOR_NOT_FOUND',
        `Operator '${this.#operator.name}' of job ${this.#host.jobId} takes no requests${why}.`,
      )
    }
    return coordinator.handleClientRequest(request)
  }

  /** Whether clients may still want something after the end of the job. */
  get takesRequests(): boolean {
    return this.#coordinator.handleClientRequest !== undefined
  }

  waitsFor(): string | null {
    return this.#closed ? null : (this.#coordinator.waitsFor?.() ?? null)
  }

  jobEnded(state: TerminalJobStatus): void {
    const coordinator = this.#coordinator
    this.#step(() => coordinator.jobEnded?.(state)).catch(() => {})
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#endInstance()
    this.#closed = true
    const coordinator = this.#coordinator
    await this.#chain
    await coordinator.close()
  }
}
