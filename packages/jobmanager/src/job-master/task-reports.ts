/**
 * TaskReports: what TaskManagers say of a job's tasks — states, ends of input, acknowledgements,
 * events for coordinators, slots and TaskManagers that are gone — and what follows from it while
 * all goes well.
 *
 * Only the current attempts of the present round are listened to. What a failure leads to is
 * `Failover`'s. Owner of `finishing`: it sees when all input is read, and tells the tasks to finish
 * once that is durable.
 */
import { type ErrorData, type FinishBasis, fromErrorData, type MillraceError } from '@millrace/core'
import { protocolError, type TaskState } from '@millrace/protocol'
import type { AcknowledgedState } from '../checkpoint/pending-checkpoint.ts'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { isDeployed } from '../execution-graph/execution-state.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'
import type { Failover } from './failover.ts'
import type { JobCoordinators } from './job-coordinators.ts'
import type { JobState } from './job-state.ts'
import type { TaskCalls } from './task-calls.ts'
import type { TaskDeployer } from './task-deployer.ts'

export class TaskReports {
  readonly #job: JobState
  readonly #coordinators: JobCoordinators
  readonly #deployer: TaskDeployer
  readonly #failover: Failover
  readonly #calls: TaskCalls
  readonly #running: () => void

  constructor(
    job: JobState,
    parts: {
      readonly coordinators: JobCoordinators
      readonly deployer: TaskDeployer
      readonly failover: Failover
      readonly calls: TaskCalls
      /** Every task has come to run. */
      running(): void
    },
  ) {
    this.#job = job
    this.#coordinators = parts.coordinators
    this.#deployer = parts.deployer
    this.#failover = parts.failover
    this.#calls = parts.calls
    this.#running = parts.running
  }

  /** The current attempt of that id. Throws STALE_ATTEMPT. */
  #attempt(attemptId: string): ExecutionAttempt {
    const attempt = this.#job.round.graph.attempt(attemptId)
    if (attempt !== undefined) return attempt
    throw protocolError('STALE_ATTEMPT', `Attempt ${attemptId} is not the current one any more.`)
  }

  /** Throws STALE_ATTEMPT. */
  taskState(attemptId: string, state: TaskState, ended: boolean, error?: ErrorData): void {
    const attempt = this.#attempt(attemptId)
    if (state === 'FAILED') {
      const cause =
        error === undefined
          ? jobManagerError('SLOT_LOST', `${attempt.taskName} failed without a cause.`)
          : fromErrorData(error)
      this.#failover.attemptsFailed([attempt], cause)
      return
    }
    if (state === 'CANCELED' && isDeployed(attempt.state) && attempt.state !== 'CANCELING') {
      // Nobody here asked for that: its slot was given up, and the job would wait for it for ever.
      const message = `${attempt.taskName} was cancelled by its TaskManager.`
      this.#failover.attemptsFailed([attempt], jobManagerError('SLOT_LOST', message))
      return
    }
    const moved = this.#job.move(attempt, state)
    if (moved && state === 'RUNNING') this.#taskRuns(attempt)
    if (ended && !attempt.ended && attempt.state === 'RUNNING') {
      attempt.ended = true
      this.#checkAllEnded()
    }
    if (moved && attempt.isTerminal) this.#failover.taskEnded()
  }

  #taskRuns(attempt: ExecutionAttempt): void {
    const { round, lifecycle, logger, checkpoints, stoppedBy } = this.#job
    this.#coordinators.subtaskReady(attempt.vertexId, attempt.subtaskIndex)
    if (lifecycle.state !== 'CREATED' && lifecycle.state !== 'RESTARTING') return
    if (!round.graph.every(({ state }) => state === 'RUNNING')) return
    lifecycle.become('RUNNING')
    logger.info('Job runs', { tasks: [...round.graph.attempts()].length })
    if (stoppedBy !== null) {
      this.finish({ kind: 'checkpoint' })
      return
    }
    checkpoints?.start()
    this.#checkAllEnded()
    this.#running()
  }

  #checkAllEnded(): void {
    const { round, lifecycle, checkpoints, stoppedBy } = this.#job
    if (stoppedBy !== null) return
    if (lifecycle.state !== 'RUNNING' || round.finishing) return
    if (!round.graph.every(({ ended }) => !ended)) checkpoints?.taskFinishes()
    if (!round.graph.every(({ ended }) => ended)) return
    checkpoints?.requestFinal()
  }

  /** All input is processed: operators finish and close. */
  finish(basis: FinishBasis): void {
    const { round, lifecycle, checkpoints } = this.#job
    if (lifecycle.state !== 'RUNNING' || round.finishing) return
    round.finishing = true
    checkpoints?.stop('all input is processed')
    this.#calls.finish(round.graph.attempts(), basis).catch((error) => {
      // A lost TaskManager is noticed as such; anything else needs new attempts.
      const isSame = this.#job.round === round
      if (isSame && lifecycle.state === 'RUNNING') this.#failover.fail(error)
    })
  }

  /** Throws STALE_ATTEMPT and COORDINATOR_NOT_FOUND. */
  operatorEvent(attemptId: string, operatorId: string, event: unknown): Promise<unknown> {
    const attempt = this.#attempt(attemptId)
    // Its coordinator may be a new instance by now, which knows nothing of what it did.
    if (attempt.state === 'CANCELING' && this.#job.lifecycle.state === 'RESTARTING') {
      throw protocolError('STALE_ATTEMPT', `Attempt ${attemptId} is about to be replaced.`)
    }
    const coordinator = this.#coordinators.find(attempt.vertexId, operatorId)
    if (coordinator !== undefined) return coordinator.handleEvent(attempt.subtaskIndex, event)
    throw jobManagerError(
      'COORDINATOR_NOT_FOUND',
      `Operator ${operatorId} of ${attempt.taskName} has no coordinator.`,
    )
  }

  /** Throws STALE_ATTEMPT. */
  acknowledgeCheckpoint(
    attemptId: string,
    checkpointId: number,
    acknowledged: AcknowledgedState,
  ): void {
    const attempt = this.#attempt(attemptId)
    this.#job.checkpoints?.acknowledge(attempt, checkpointId, acknowledged)
  }

  /** Throws STALE_ATTEMPT. */
  declineCheckpoint(attemptId: string, checkpointId: number, error?: ErrorData): void {
    const { taskName } = this.#attempt(attemptId)
    const cause = error === undefined ? undefined : fromErrorData(error)
    this.#job.checkpoints?.decline(checkpointId, taskName, cause)
  }

  taskManagerLost(taskManager: RegisteredTaskManager, error: MillraceError): void {
    const hit = this.#job.attemptsIn((slot) => slot.taskManager === taskManager)
    this.#deployer.slotsGone((slot) => slot.taskManager === taskManager)
    if (hit.length > 0) this.#failover.attemptsFailed(hit, error)
  }

  slotLost(allocationId: string): void {
    const hit = this.#job.attemptsIn((slot) => slot.allocationId === allocationId)
    const [slot] = this.#deployer.slotsGone((held) => held.allocationId === allocationId)
    if (slot === undefined || hit.length === 0) return
    const error = jobManagerError(
      'SLOT_LOST',
      `TaskManager '${slot.taskManager.id}' no longer has slot ${slot.slotIndex} for the job.`,
      { location: { taskManager: slot.taskManager.id } },
    )
    this.#failover.attemptsFailed(hit, error)
  }
}
