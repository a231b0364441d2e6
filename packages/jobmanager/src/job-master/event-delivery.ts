/**
 * EventDelivery: an operator coordinator's events to the present attempt of a subtask, and what
 * follows when one does not get there.
 */
import { isMillraceError } from '@millrace/core'
import type { Fence } from '@millrace/protocol'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { Failover } from './failover.ts'
import type { JobState } from './job-state.ts'

/** For the report of a task that its TaskManager no longer has. */
const REPORT_MS = 2000

export class EventDelivery {
  readonly #job: JobState
  readonly #fence: Fence
  readonly #failover: () => Failover

  constructor(job: JobState, fence: Fence, failover: () => Failover) {
    this.#job = job
    this.#fence = fence
    this.#failover = failover
  }

  #attempt(vertexId: string, subtaskIndex: number): ExecutionAttempt | undefined {
    return this.#job.round.graph.vertices.get(vertexId)?.subtasks[subtaskIndex]?.current
  }

  async deliver(
    vertexId: string,
    subtaskIndex: number,
    operatorId: string,
    event: unknown,
  ): Promise<void> {
    const attempt = this.#attempt(vertexId, subtaskIndex)
    if (attempt?.slot == null || attempt.state !== 'RUNNING') return
    await attempt.slot.taskManager.gateway.operatorEvent({
      fence: this.#fence,
      attemptId: attempt.id,
      operatorId,
      event,
    })
  }

  /** The subtask missed an event: its attempt cannot go on. */
  lost(vertexId: string, subtaskIndex: number, cause: unknown): void {
    const attempt = this.#attempt(vertexId, subtaskIndex)
    if (attempt === undefined) return
    const fail = () => this.#failUnreached(attempt, cause)
    // A task that has ended says why, if a little later: the first failure is the one that people
    // get to see.
    if (isMillraceError(cause, 'STALE_ATTEMPT')) {
      this.#job.platform.clock.setTimer(REPORT_MS, fail, { unref: true })
    } else fail()
  }

  #failUnreached(attempt: ExecutionAttempt, cause: unknown): void {
    const isCurrent = this.#job.round.graph.attempt(attempt.id) === attempt
    if (!isCurrent || attempt.slot === null || attempt.state !== 'RUNNING') return
    const message = `An event for ${attempt.taskName} could not be delivered.`
    const error = jobManagerError('OPERATOR_EVENT_LOST', message, { cause })
    this.#failover().attemptsFailed([attempt], error)
  }
}
