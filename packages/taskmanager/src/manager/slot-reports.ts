/**
 * SlotReports: what a TaskManager's slots say, on its way to the JobManager — states of tasks,
 * parts of checkpoints, questions to operator coordinators.
 *
 * Reports of one attempt arrive in their order (`JobManagerLink.report`). Invariants: every attempt
 * that was deployed gets exactly one final report; nothing is reported of work under an earlier
 * leader. What a failure means is for the JobManager to say: all are reported at once, as they are.
 */
import { type ErrorData, toErrorData } from '@millrace/core'
import type { Logger } from '@millrace/platform'
import type { FromSlot } from '../slot/slot-messages.ts'
import type { JobManagerLink } from './job-manager-link.ts'
import type { TaskSlot } from './task-slot.ts'

/** Of a slot's messages those that concern the JobManager. */
export type TaskReport = Extract<
  FromSlot,
  { kind: 'state' | 'acknowledge' | 'decline' | 'operator-event' }
>

/** The way to the JobManager. */
export type ReportingLink = Pick<JobManagerLink, 'epoch' | 'report' | 'gateway' | 'fence'>

export class SlotReports {
  readonly #link: ReportingLink
  readonly #logger: Logger
  readonly #inputEnded: () => void

  /** `inputEnded`: a task has processed all its input; its metrics are its last. */
  constructor(link: ReportingLink, logger: Logger, inputEnded: () => void) {
    this.#link = link
    this.#logger = logger
    this.#inputEnded = inputEnded
  }

  received(slot: TaskSlot, message: TaskReport): void {
    if (message.kind === 'operator-event') {
      void this.#askCoordinator(slot, message)
      return
    }
    if (this.#isStale(slot)) return
    const { attemptId } = message
    if (message.kind === 'state') {
      this.#taskState(attemptId, message.state, message.ended, message.error)
    } else if (message.kind === 'acknowledge') {
      const { checkpointId, state, channels, metrics } = message
      this.#link.report(attemptId, (gateway, fence) =>
        gateway.acknowledgeCheckpoint({
          ...{ fence, attemptId, checkpointId, state, metrics },
          ...(channels === null ? {} : { channels }),
        }),
      )
    } else {
      const { checkpointId, error } = message
      this.#link.report(attemptId, (gateway, fence) =>
        gateway.declineCheckpoint({ fence, attemptId, checkpointId, error }),
      )
    }
  }

  /** The last word on all that ran in the slot, whose thread has ended. */
  slotEnded(slot: TaskSlot, state: 'FAILED' | 'CANCELED', error?: ErrorData): void {
    const ended = [...slot.attempts.keys()]
    slot.attempts.clear()
    if (this.#isStale(slot)) return
    for (const attemptId of ended) this.#taskState(attemptId, state, false, error)
  }

  /** Nobody waits to hear of work under an earlier leader. */
  #isStale(slot: TaskSlot): boolean {
    return slot.settings.epoch < this.#link.epoch
  }

  #taskState(
    attemptId: string,
    state: Extract<FromSlot, { kind: 'state' }>['state'],
    ended: boolean,
    error: ErrorData | undefined,
  ): void {
    if (error !== undefined) this.#logger.warn('A task failed.', { attemptId, error })
    if (ended) this.#inputEnded()
    this.#link.report(attemptId, (gateway, fence) =>
      gateway.updateTaskState({
        fence,
        attemptId,
        state,
        ended,
        ...(error === undefined ? {} : { error }),
      }),
    )
  }

  async #askCoordinator(
    slot: TaskSlot,
    message: Extract<FromSlot, { kind: 'operator-event' }>,
  ): Promise<void> {
    const { requestId, attemptId, operatorId, event } = message
    const { gateway, fence } = this.#link
    try {
      const { answer } = await gateway.operatorEvent({ fence, attemptId, operatorId, event })
      slot.post({ kind: 'answer', requestId, answer })
    } catch (error) {
      slot.post({ kind: 'answer', requestId, error: toErrorData(error) })
    }
  }
}
