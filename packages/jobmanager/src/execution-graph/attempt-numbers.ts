/**
 * Numbers of attempts, which go on through all rounds of a job: a subtask that comes back after
 * rounds without it counts on from where it was.
 *
 * Invariant: no two attempts of a subtask that a TaskManager may have heard of have one number.
 */
import type { ExecutionAttempt } from './execution-attempt.ts'

export class AttemptNumbers {
  readonly #next = new Map<string, number>()

  next(vertexId: string, subtaskIndex: number): number {
    return this.#next.get(`${vertexId} ${subtaskIndex}`) ?? 0
  }

  /** The attempt's round is over; one that was never scheduled leaves its number to the next. */
  retire({ vertexId, subtaskIndex, number, state }: ExecutionAttempt): void {
    if (state !== 'CREATED') this.#next.set(`${vertexId} ${subtaskIndex}`, number + 1)
  }
}
