/**
 * What happens when something fails, is cancelled or ends: carries out what `decideFailover` says.
 *
 * What comes first is acted on; a cause that comes after its consequence takes its place.
 * Down: tasks are cancelled, and those that do not confirm it in time lose their slot. Then, once
 * every one of them has ended: new attempts from the latest checkpoint, or the end of the job.
 */
import { fromErrorData, type MillraceError, toErrorData } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { isDeployed, type TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { JobManagerOptions } from '../jobmanager-options.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { decideFailover, type FailoverDecision, neverRetry } from './decide-failover.ts'
import { type FailureRank, failureRank, isPeersFailure } from './failure-rank.ts'
import type { JobCoordinators } from './job-coordinators.ts'
import type { JobState } from './job-state.ts'
import { NO_RESTARTS, type RestartHistory, type RestartSettings } from './restart-strategy.ts'
import type { Rounds } from './rounds.ts'
import type { TaskCalls } from './task-calls.ts'
import { TaskCancellation } from './task-cancellation.ts'
import type { TaskDeployer } from './task-deployer.ts'

/** Vertices on their way from a failure to new attempts. */
interface PendingRestart {
  readonly vertices: Set<string>
  /** Monotonic; not before. */
  dueMs: number
  /** Coordinators that wait to be replaced: nobody knows yet from which checkpoint. */
  settling: number
  /** How often it was counted: once for each failure that came before it began. */
  counted: number
  /** No failure is among its reasons: the slots are those that there were. */
  atOnce: boolean
  cancelTimer: () => void
}

/** What the job goes down or restarts for at present. */
interface Incident {
  rank: FailureRank
  /** Empty: the failure is the whole job's. */
  readonly failedVertices: readonly string[]
  /** Restarts before it. */
  readonly before: RestartHistory
  noRestart: string | null
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
  readonly #cancellation: TaskCancellation
  readonly #rounds: Rounds
  readonly #end: JobEndListener
  #restart: PendingRestart | null = null
  #history = NO_RESTARTS
  #incident: Incident | null = null

  constructor(
    job: JobState,
    settings: RestartSettings,
    parts: {
      readonly deployer: TaskDeployer
      readonly coordinators: JobCoordinators
      readonly calls: TaskCalls
      readonly rounds: Rounds
    },
    end: JobEndListener,
  ) {
    this.#job = job
    this.#settings = settings
    this.#deployer = parts.deployer
    this.#coordinators = parts.coordinators
    const { deployer, calls } = parts
    this.#cancellation = new TaskCancellation(job, deployer, calls, (attempts, error) =>
      this.attemptsFailed(attempts, error, 'consequence'),
    )
    this.#rounds = parts.rounds
    this.#end = end
  }

  /** Ms until the next restart; null when none is pending. */
  restartInMs(): number | null {
    if (this.#restart === null) return null
    return this.#restart.dueMs - this.#job.platform.clock.monotonicMs()
  }

  /** A failure of the whole job (a coordinator, its checkpoints, its slots). */
  fail(thrown: unknown): void {
    const error = fromErrorData(toErrorData(thrown))
    this.#handle(error, [], failureRank(error))
  }

  /**
   * Every task of a job that runs goes down and comes back at once, at what the next round decides.
   * No failure: no restart strategy is asked.
   */
  rescale(): void {
    const { checkpoints, lifecycle, round } = this.#job
    checkpoints?.stop('the job is rescaled')
    lifecycle.rescales++
    this.#beginRestart(new Set(round.graph.vertices.keys()), 0, 0)
  }

  /** All tasks from the latest checkpoint, for a reason that is no failure. */
  startAnew(reason: MillraceError): void {
    const { lifecycle, round, checkpoints, logger } = this.#job
    if (lifecycle.state !== 'RUNNING' || lifecycle.ending) return
    logger.warn('The job starts anew.', { error: reason })
    checkpoints?.stop('the job starts anew')
    this.#beginRestart(new Set(round.graph.vertices.keys()), 0, 0)
  }

  /** Attempts failed together, for one reason. */
  attemptsFailed(
    attempts: readonly ExecutionAttempt[],
    error: MillraceError,
    rank: FailureRank = failureRank(error),
  ): void {
    const job = this.#job
    const failed: ExecutionAttempt[] = []
    const cancelled: ExecutionAttempt[] = []
    for (const attempt of attempts) {
      attempt.error = toErrorData(error)
      const wasCanceling = attempt.state === 'CANCELING'
      if (!job.move(attempt, wasCanceling ? 'CANCELED' : 'FAILED')) continue
      this.#coordinators.subtaskFailed(attempt.vertexId, attempt.subtaskIndex)
      if (wasCanceling) cancelled.push(attempt)
      else failed.push(attempt)
    }
    if (job.lifecycle.state !== 'CANCELLING') {
      for (const attempt of cancelled) job.note(error, attempt, 'concurrent', rank)
      if (cancelled.length > 0 && rank === 'cause') this.#causeFound(error)
    }
    if (failed.length > 0) this.#handle(error, failed, rank)
    else this.taskEnded()
  }

  /** `rank`: whether what caused it may still be to come. */
  #handle(error: MillraceError, attempts: readonly ExecutionAttempt[], rank: FailureRank): void {
    const job = this.#job
    const { lifecycle, round } = job
    const { state } = lifecycle
    if (lifecycle.hasEnded || lifecycle.ending || state === 'SUSPENDED') return
    if (state === 'CANCELLING' || state === 'FAILING') {
      this.taskEnded()
      return
    }
    job.note(error, attempts[0] ?? null, 'root', rank)
    const [attempt] = attempts
    if (attempt === undefined) job.logger.warn('The job failed.', { error })
    else job.logger.warn('A task failed.', { task: attempt.taskName, error })
    job.checkpoints?.stop('the job failed')
    // Part of the tasks may have finished already; they do not come back alone.
    const failedVertices = round.finishing ? [] : attempts.map(({ vertexId }) => vertexId)
    const incident = { rank, failedVertices, before: this.#history, noRestart: null }
    this.#incident = incident
    const decision = this.#decide(error, incident)
    if (decision.kind === 'restart' && state !== 'INITIALIZING') {
      this.#history = decision.history
      this.#beginRestart(decision.vertices, decision.delayMs, 1)
      return
    }
    this.#giveUp(error, incident, decision.kind === 'fail' ? decision.reason : null)
  }

  /** What began as a consequence has its cause: as if that had come first. */
  #causeFound(error: MillraceError): void {
    const incident = this.#incident
    const { lifecycle, logger } = this.#job
    if (incident === null || incident.rank === 'cause') return
    incident.rank = 'cause'
    logger.warn('What caused the failure.', { error })
    if (lifecycle.state === 'FAILING') {
      lifecycle.failureCause = toErrorData(this.#endOf(error, incident.noRestart))
    } else if (lifecycle.state === 'RESTARTING') {
      const decision = this.#decide(error, incident)
      if (decision.kind === 'restart') {
        this.#history = decision.history
        return
      }
      // What was begun for a consequence comes to nothing: it was no restart.
      lifecycle.restarts -= this.#restart?.counted ?? 0
      this.#giveUp(error, incident, decision.reason)
    }
  }

  #decide(error: MillraceError, incident: Incident): FailoverDecision {
    const { round, platform } = this.#job
    return decideFailover({
      error: toErrorData(error),
      failedVertices: incident.failedVertices,
      regions: round.graph.regions,
      strategy: this.#strategy(),
      settings: this.#settings,
      history: incident.before,
      nowMs: platform.clock.monotonicMs(),
      random: platform.random.next(),
    })
  }

  /** Where a round is of as many slots as there are, it is of all vertices. */
  #strategy(): 'region' | 'full' {
    if (this.#rounds.adaptive !== null) return 'full'
    return this.#job.configuration.get(JobManagerOptions.failoverStrategy)
  }

  /** `noRestart`: why there is none, unless the error itself forbids it. */
  #giveUp(error: MillraceError, incident: Incident, noRestart: string | null): void {
    incident.noRestart = noRestart
    this.#goDown('FAILING', this.#endOf(error, noRestart))
  }

  #endOf(error: MillraceError, noRestart: string | null): MillraceError {
    const isExhausted = noRestart !== null && this.#settings.kind !== 'none'
    return isExhausted && !neverRetry(toErrorData(error)) ? exhausted(noRestart, error) : error
  }

  /** `failures`: for how many it counts as a restart. */
  #beginRestart(vertices: ReadonlySet<string>, delayMs: number, failures: 0 | 1): void {
    const job = this.#job
    const { clock } = job.platform
    job.lifecycle.become('RESTARTING')
    const restart = this.#restart ?? {
      vertices: new Set(),
      dueMs: 0,
      settling: 0,
      counted: 0,
      atOnce: true,
      cancelTimer: () => {},
    }
    this.#restart = restart
    if (failures > 0) restart.atOnce = false
    job.lifecycle.restarts += failures
    restart.counted += failures
    // Vertices of an earlier failure that still waited for slots come along.
    for (const { vertexId, state } of job.round.graph.attempts()) {
      if (state === 'SCHEDULED') restart.vertices.add(vertexId)
    }
    this.#deployer.abandon()
    this.#rounds.abandon()
    for (const id of vertices) restart.vertices.add(id)
    restart.dueMs = Math.max(restart.dueMs, clock.monotonicMs() + delayMs)
    this.#replaceCoordinators(restart, vertices)
    this.#cancellation.cancel(restart.vertices)
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
    const { lifecycle, round, platform } = this.#job
    if (restart === null || lifecycle.state !== 'RESTARTING') return
    if (restart.settling > 0) return
    if (!round.graph.every(({ isTerminal }) => isTerminal, restart.vertices)) return
    const leftMs = restart.dueMs - platform.clock.monotonicMs()
    restart.cancelTimer()
    if (leftMs > 0) {
      restart.cancelTimer = platform.clock.setTimer(leftMs, () => this.#tryRestart())
      return
    }
    this.#restart = null
    this.#incident = null
    this.#cancellation.stop()
    this.#releaseBrokenSlots(restart.vertices)
    try {
      this.#rounds.begin(restart.vertices, restart.atOnce)
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * A slot in which a task failed gets a new thread, unless other tasks still run in it, or the
   * task only saw that a peer was gone: copies of its state files stay.
   */
  #releaseBrokenSlots(vertices: ReadonlySet<string>): void {
    const broken = new Set<AllocatedSlot>()
    const used = new Set<AllocatedSlot>()
    for (const attempt of this.#job.round.graph.attempts()) {
      if (attempt.slot === null) continue
      if (!vertices.has(attempt.vertexId) && isDeployed(attempt.state)) used.add(attempt.slot)
      else if (attempt.state === 'FAILED' && !isPeersFailure(attempt.error)) {
        broken.add(attempt.slot)
      }
    }
    this.#deployer.releaseSlots(
      (slot) => broken.has(slot) && !used.has(slot),
      'a task failed in it',
    )
  }

  /** Throws JOB_ALREADY_ENDED. */
  cancel(): void {
    const { state, hasEnded, ending } = this.#job.lifecycle
    if (!hasEnded && !ending && this.#job.stoppedBy !== null) throw this.#stopped()
    if (hasEnded || ending) {
      throw jobManagerError(
        'JOB_ALREADY_ENDED',
        `Job ${this.#job.jobId} has ended: it is ${state}.`,
      )
    }
    if (state === 'CANCELLING' || state === 'SUSPENDED') return
    this.#job.checkpoints?.stop('the job is cancelled')
    this.#goDown('CANCELLING', null)
  }

  /** To cancel its tasks now would leave uncommitted what the savepoint holds. */
  #stopped(): MillraceError {
    const { jobId, stoppedBy } = this.#job
    return jobManagerError(
      'JOB_ALREADY_ENDED',
      `Job ${jobId} is stopped: its savepoint ${stoppedBy} is complete, and its sinks commit what that holds.`,
    )
  }

  /** Forgets what is pending, without touching tasks. */
  abandon(): void {
    this.#deployer.abandon()
    this.#rounds.abandon()
    this.#restart?.cancelTimer()
    this.#restart = null
    this.#cancellation.stop()
  }

  #goDown(state: 'CANCELLING' | 'FAILING', error: MillraceError | null): void {
    const { lifecycle, round } = this.#job
    if (error !== null) lifecycle.failureCause = toErrorData(error)
    lifecycle.become(state)
    this.abandon()
    this.#cancellation.cancel(new Set(round.graph.vertices.keys()))
    this.taskEnded()
  }

  /** An attempt has ended: perhaps the restart or the end of the job was waiting for it. */
  taskEnded(): void {
    const { lifecycle, round } = this.#job
    const { graph } = round
    if (lifecycle.state === 'RESTARTING') {
      this.#tryRestart()
      return
    }
    if (lifecycle.hasEnded || lifecycle.ending) return
    if (!graph.every(({ isTerminal }) => isTerminal)) return
    if (lifecycle.state === 'CANCELLING') this.#reachEnd('CANCELED')
    else if (lifecycle.state === 'FAILING') this.#reachEnd('FAILED')
    else if (graph.every(({ state }) => state === 'FINISHED')) this.#reachEnd('FINISHED')
  }

  /** The end shows only once it is durable: what somebody has seen is never taken back. */
  #reachEnd(state: TerminalJobStatus): void {
    this.abandon()
    this.#job.lifecycle.ending = true
    // A checkpoint that is just being made to count is part of what the job leaves.
    const settling = this.#job.checkpoints?.settling() ?? null
    if (settling === null) this.#recordEnd(state)
    else void settling.then(() => this.#recordEnd(state))
  }

  #recordEnd(state: TerminalJobStatus): void {
    if (this.#job.lifecycle.state === 'SUSPENDED') return
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
    if (this.#job.lifecycle.state === 'SUSPENDED') return
    this.#job.lifecycle.become(state)
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
