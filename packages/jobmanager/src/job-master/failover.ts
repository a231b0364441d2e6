/**
 * What happens when something fails, is cancelled or ends: carries out what `decideFailover` says.
 *
 * Down: tasks are cancelled, and those that do not confirm it in time lose their slot. Then, once every one of them
 * has ended: new attempts
 * from the latest checkpoint, or the end of the job.
 */
import { fromErrorData, type MillraceError, toErrorData } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { isDeployed, type TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { JobManagerOptions } from '../jobmanager-options.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { decideFailover } from './decide-failover.ts'
import type { JobCoordinators } from './job-coordinators.ts'
import type { JobState } from './job-state.ts'
import { NO_RESTARTS, type RestartSettings } from './restart-strategy.ts'
import type { TaskCalls } from './task-calls.ts'
import type { TaskDeployer } from './task-deployer.ts'

/** Vertices on their way from a failure to new attempts. */
interface PendingRestart {
  readonly vertices: Set<string>
  /** Monotonic; not before. */
  dueMs: number
  /** Coordinators that wait to be replaced: nobody knows yet from which checkpoint. */
  settling: number
  cancelTimer: () => void
}

export interface JobEndListener {
  /** Null: there is nothing to wait for. Rejects when this JobManager leads no more. */
  recordEnd(state: TerminalJobStatus): Promise<void> | null
  ended(state: TerminalJobStatus): void
}

export class Failover {
  readonly #job: JobState
  readonly #settings: RestartSettings
  readonly #deployer: TaskDeployer
  readonly #coordinators: JobCoordinators
  readonly #calls: TaskCalls
  readonly #end: JobEndListener
  #restart: PendingRestart | null = null
  #history = NO_RESTARTS
  #cancelForceTimer: () => void = () => {}

  constructor(
    job: JobState,
    settings: RestartSettings,
    parts: {
      readonly deployer: TaskDeployer
      readonly coordinators: JobCoordinators
      readonly calls: TaskCalls
    },
    end: JobEndListener,
  ) {
    this.#job = job
    this.#settings = settings
    this.#deployer = parts.deployer
    this.#coordinators = parts.coordinators
    this.#calls = parts.calls
    this.#end = end
  }

  /** Ms until the next restart; null when none is pending. */
  restartInMs(): number | null {
    if (this.#restart === null) return null
    return this.#restart.dueMs - this.#job.platform.clock.monotonicMs()
  }

  /** A failure of the whole job (a coordinator, its checkpoints, its slots). */
  fail(thrown: unknown): void {
    this.#handle(fromErrorData(toErrorData(thrown)), [])
  }

  /** Attempts failed together, for one reason. */
  attemptsFailed(attempts: readonly ExecutionAttempt[], error: MillraceError): void {
    const failed: ExecutionAttempt[] = []
    for (const attempt of attempts) {
      attempt.error = toErrorData(error)
      const wasCanceling = attempt.state === 'CANCELING'
      if (!this.#job.move(attempt, wasCanceling ? 'CANCELED' : 'FAILED')) continue
      this.#coordinators.subtaskFailed(attempt.vertexId, attempt.subtaskIndex)
      if (!wasCanceling) failed.push(attempt)
      else if (this.#job.graph.state !== 'CANCELLING') this.#job.note(error, attempt, 'concurrent')
    }
    if (failed.length > 0) this.#handle(error, failed)
    else this.taskEnded()
  }

  #handle(error: MillraceError, attempts: readonly ExecutionAttempt[]): void {
    const job = this.#job
    const { state } = job.graph
    if (job.hasEnded || job.ending || state === 'SUSPENDED') return
    if (state === 'CANCELLING' || state === 'FAILING') {
      this.taskEnded()
      return
    }
    job.note(error, attempts[0] ?? null, 'root')
    const [attempt] = attempts
    if (attempt === undefined) job.logger.warn('The job failed.', { error })
    else job.logger.warn('A task failed.', { task: job.taskName(attempt), error })
    job.checkpoints?.stop('the job failed')
    const { clock, random } = job.platform
    const decision = decideFailover({
      error: toErrorData(error),
      // Part of the tasks may have finished already; they do not come back alone.
      failedVertices: job.finishing ? [] : attempts.map(({ vertexId }) => vertexId),
      regions: job.graph.regions,
      strategy: job.configuration.get(JobManagerOptions.failoverStrategy),
      settings: this.#settings,
      history: this.#history,
      nowMs: clock.monotonicMs(),
      random: random.next(),
    })
    if (decision.kind === 'restart' && state !== 'INITIALIZING') {
      this.#history = decision.history
      this.#beginRestart(decision.vertices, decision.delayMs)
      return
    }
    const reason = decision.kind === 'fail' ? decision.reason : null
    const wrap = reason !== null && this.#settings.kind !== 'none'
    this.#goDown('FAILING', wrap ? exhausted(reason, error) : error)
  }

  #beginRestart(vertices: ReadonlySet<string>, delayMs: number): void {
    const job = this.#job
    const { clock } = job.platform
    job.setState('RESTARTING')
    job.restarts++
    job.finishing = false
    const restart = this.#restart ?? {
      vertices: new Set(),
      dueMs: 0,
      settling: 0,
      cancelTimer: () => {},
    }
    this.#restart = restart
    // Vertices of an earlier failure that still waited for slots come along.
    for (const { vertexId, state } of job.graph.attempts()) {
      if (state === 'SCHEDULED') restart.vertices.add(vertexId)
    }
    this.#deployer.abandon()
    for (const id of vertices) restart.vertices.add(id)
    restart.dueMs = Math.max(restart.dueMs, clock.monotonicMs() + delayMs)
    this.#replaceCoordinators(restart, vertices)
    this.#cancelTasks(restart.vertices)
    restart.cancelTimer()
    const delayLeftMs = restart.dueMs - clock.monotonicMs()
    restart.cancelTimer = clock.setTimer(delayLeftMs, () => this.#tryRestart())
    this.#tryRestart()
  }

  /** At once, unless a checkpoint is just being made to count: it may be the one to start from. */
  #replaceCoordinators(restart: PendingRestart, vertices: ReadonlySet<string>): void {
    const settling = this.#job.checkpoints?.settling() ?? null
    if (settling === null) {
      this.#coordinators.replace(vertices, this.#job.restoredCoordinators())
      return
    }
    restart.settling++
    void settling.then(() => {
      restart.settling--
      if (this.#restart !== restart) return
      this.#replaceCoordinators(restart, vertices)
      this.#tryRestart()
    })
  }

  /** Goes on once every task of the restart has ended and the delay is over. */
  #tryRestart(): void {
    const restart = this.#restart
    const { graph, platform } = this.#job
    if (restart === null || graph.state !== 'RESTARTING') return
    if (restart.settling > 0) return
    if (!graph.every(({ isTerminal }) => isTerminal, restart.vertices)) return
    const leftMs = restart.dueMs - platform.clock.monotonicMs()
    restart.cancelTimer()
    if (leftMs > 0) {
      restart.cancelTimer = platform.clock.setTimer(leftMs, () => this.#tryRestart())
      return
    }
    this.#restart = null
    this.#cancelForceTimer()
    this.#releaseBrokenSlots(restart.vertices)
    graph.newAttempts(restart.vertices, platform.clock.nowMs())
    this.#deployer.deploy(restart.vertices)
  }

  /** A slot in which a task failed gets a new thread, unless other tasks still run in it. */
  #releaseBrokenSlots(vertices: ReadonlySet<string>): void {
    const broken = new Set<AllocatedSlot>()
    const used = new Set<AllocatedSlot>()
    for (const attempt of this.#job.graph.attempts()) {
      if (attempt.slot === null) continue
      if (!vertices.has(attempt.vertexId) && isDeployed(attempt.state)) used.add(attempt.slot)
      else if (attempt.state === 'FAILED') broken.add(attempt.slot)
    }
    this.#deployer.releaseSlots(
      (slot) => broken.has(slot) && !used.has(slot),
      'a task failed in it',
    )
  }

  /** Throws JOB_ALREADY_ENDED. */
  cancel(): void {
    const { state } = this.#job.graph
    if (this.#job.hasEnded || this.#job.ending) {
      throw jobManagerError(
        'JOB_ALREADY_ENDED',
        `Job ${this.#job.jobId} has ended: it is ${state}.`,
      )
    }
    if (state === 'CANCELLING' || state === 'SUSPENDED') return
    this.#job.checkpoints?.stop('the job is cancelled')
    this.#goDown('CANCELLING', null)
  }

  /** Forgets what is pending, without touching tasks. */
  abandon(): void {
    this.#deployer.abandon()
    this.#restart?.cancelTimer()
    this.#restart = null
    this.#cancelForceTimer()
  }

  #goDown(state: 'CANCELLING' | 'FAILING', error: MillraceError | null): void {
    if (error !== null) this.#job.failureCause = toErrorData(error)
    this.#job.setState(state)
    this.abandon()
    this.#cancelTasks(new Set(this.#job.graph.vertices.keys()))
    this.taskEnded()
  }

  #cancelTasks(vertices: ReadonlySet<string>): void {
    const deployed: ExecutionAttempt[] = []
    for (const attempt of this.#job.graph.attempts(vertices)) {
      const next = isDeployed(attempt.state) ? 'CANCELING' : 'CANCELED'
      if (this.#job.move(attempt, next) && next === 'CANCELING') deployed.push(attempt)
    }
    void this.#calls.cancel(deployed)
    this.#cancelForceTimer()
    this.#cancelForceTimer = this.#job.platform.clock.setTimer(
      this.#job.configuration.get(JobManagerOptions.cancellationTimeout),
      () => this.#forceCancellation(),
      { unref: true },
    )
  }

  /** Tasks that do not end lose their slot: its thread is ended, and other tasks in it with it. */
  #forceCancellation(): void {
    const job = this.#job
    const stuck = job.attemptsIn(
      () => true,
      ({ state }) => state === 'CANCELING',
    )
    if (stuck.length === 0) return
    const held = new Set(stuck.map(({ slot }) => slot))
    const hit = job.attemptsIn((slot) => held.has(slot))
    const reason = 'tasks in it did not confirm their cancellation'
    for (const slot of this.#deployer.releaseSlots((candidate) => held.has(candidate), reason)) {
      job.logger.warn(`Ended a slot: ${reason}`, {
        taskManager: slot.taskManager.id,
        slot: slot.slotIndex,
      })
    }
    const error = jobManagerError('SLOT_LOST', `Ended the slot: ${reason}.`)
    this.attemptsFailed(hit, error)
  }

  /** An attempt has ended: perhaps the restart or the end of the job was waiting for it. */
  taskEnded(): void {
    const { graph } = this.#job
    if (graph.state === 'RESTARTING') {
      this.#tryRestart()
      return
    }
    if (this.#job.hasEnded || this.#job.ending) return
    if (!graph.every(({ isTerminal }) => isTerminal)) return
    if (graph.state === 'CANCELLING') this.#reachEnd('CANCELED')
    else if (graph.state === 'FAILING') this.#reachEnd('FAILED')
    else if (graph.every(({ state }) => state === 'FINISHED')) this.#reachEnd('FINISHED')
  }

  /** The end shows only once it is durable: what somebody has seen is never taken back. */
  #reachEnd(state: TerminalJobStatus): void {
    this.abandon()
    this.#job.ending = true
    // A checkpoint that is just being made to count is part of what the job leaves.
    const settling = this.#job.checkpoints?.settling() ?? null
    if (settling === null) this.#recordEnd(state)
    else void settling.then(() => this.#recordEnd(state))
  }

  #recordEnd(state: TerminalJobStatus): void {
    if (this.#job.graph.state === 'SUSPENDED') return
    const recorded = this.#end.recordEnd(state)
    if (recorded === null) this.#conclude(state)
    else {
      recorded.then(
        () => this.#conclude(state),
        (error) => this.#job.logger.warn('The end of a job is left to the next leader', { error }),
      )
    }
  }

  #conclude(state: TerminalJobStatus): void {
    if (this.#job.graph.state === 'SUSPENDED') return
    this.#job.setState(state)
    this.#job.logger.info(`Job ${state}`)
    this.#end.ended(state)
  }
}

function exhausted(reason: string, cause: MillraceError): MillraceError {
  return jobManagerError('RESTARTS_EXHAUSTED', `${cause.message} No restart: ${reason}.`, {
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    ...(cause.location === undefined ? {} : { location: cause.location }),
    cause,
  })
}
