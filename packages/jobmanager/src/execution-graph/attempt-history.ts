/**
 * Attempts of earlier rounds, as REST shows them: of each subtask the newest few.
 *
 * For people alone: nothing is decided by it.
 */
import type { ExecutionAttempt } from './execution-attempt.ts'

export class AttemptHistory {
  readonly #sizeMax: number
  readonly #attempts = new Map<string, ExecutionAttempt[]>()

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  /** Its round is over; one that was never scheduled does not count. */
  add(attempt: ExecutionAttempt): void {
    if (attempt.state === 'CREATED' || this.#sizeMax === 0) return
    const key = `${attempt.vertexId} ${attempt.subtaskIndex}`
    const known = this.#attempts.get(key) ?? []
    this.#attempts.set(key, [...known, attempt].slice(-this.#sizeMax))
  }

  /** Oldest first. */
  of(vertexId: string, subtaskIndex: number): readonly ExecutionAttempt[] {
    return this.#attempts.get(`${vertexId} ${subtaskIndex}`) ?? []
  }
}
