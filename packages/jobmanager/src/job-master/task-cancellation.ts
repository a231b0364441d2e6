/**
 * TaskCancellation: has tasks cancelled, and ends the slots of those that do not confirm it in
 * time.
 *
 * Owner of that time. A slot that is ended takes other tasks in it along; all of them count as
 * failed, by something that only followed.
 */
import type { MillraceError } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { isDeployed } from '../execution-graph/execution-state.ts'
import { JobManagerOptions } from '../jobmanager-options.ts'
import type { JobState } from './job-state.ts'
import type { TaskCalls } from './task-calls.ts'
import type { TaskDeployer } from './task-deployer.ts'

export class TaskCancellation {
  readonly #job: JobState
  readonly #deployer: TaskDeployer
  readonly #calls: TaskCalls
  readonly #ended: (attempts: readonly ExecutionAttempt[], error: MillraceError) => void
  #cancelTimer: () => void = () => {}

  /** `ended`: tasks whose slot was taken from them. */
  constructor(
    job: JobState,
    deployer: TaskDeployer,
    calls: TaskCalls,
    ended: (attempts: readonly ExecutionAttempt[], error: MillraceError) => void,
  ) {
    this.#job = job
    this.#deployer = deployer
    this.#calls = calls
    this.#ended = ended
  }

  cancel(vertices: ReadonlySet<string>): void {
    const { round, platform, configuration } = this.#job
    const deployed: ExecutionAttempt[] = []
    for (const attempt of round.graph.attempts(vertices)) {
      const next = isDeployed(attempt.state) ? 'CANCELING' : 'CANCELED'
      if (this.#job.move(attempt, next) && next === 'CANCELING') deployed.push(attempt)
    }
    void this.#calls.cancel(deployed)
    this.#cancelTimer()
    this.#cancelTimer = platform.clock.setTimer(
      configuration.get(JobManagerOptions.cancellationTimeout),
      () => this.#force(),
      { unref: true },
    )
  }

  /** All have confirmed it, or nobody waits any more. */
  stop(): void {
    this.#cancelTimer()
  }

  #force(): void {
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
    this.#ended(hit, jobManagerError('SLOT_LOST', `Ended the slot: ${reason}.`))
  }
}
