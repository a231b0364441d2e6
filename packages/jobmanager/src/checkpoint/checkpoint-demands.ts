/**
 * CheckpointDemands: who waits for a checkpoint that was asked for from outside the schedule.
 *
 * All that ask before one is triggered get the same. Invariant: everybody hears how theirs ended,
 * exactly once.
 */
import type { MillraceError } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'

interface Demand {
  /** All state is to be written anew. */
  readonly isFull: boolean
  resolve(checkpointId: number): void
  reject(error: Error): void
}

export class CheckpointDemands {
  #waiting: Demand[] = []
  readonly #underWay = new Map<number, readonly Demand[]>()

  /** Resolves with the id of a checkpoint that counts. Rejects with CHECKPOINT_FAILED. */
  add(isFull: boolean): Promise<number> {
    const { promise, ...demand } = Promise.withResolvers<number>()
    this.#waiting.push({ isFull, ...demand })
    // Whoever asked may be gone.
    promise.catch(() => {})
    return promise
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  get isFullWanted(): boolean {
    return this.#waiting.some(({ isFull }) => isFull)
  }

  /** A checkpoint begins: it is what all wait for. */
  triggered(checkpointId: number): void {
    if (this.#waiting.length === 0) return
    this.#underWay.set(checkpointId, this.#waiting)
    this.#waiting = []
  }

  /** It counts. */
  completed(checkpointId: number): void {
    for (const demand of this.#taken(checkpointId)) demand.resolve(checkpointId)
  }

  failed(checkpointId: number, cause: MillraceError): void {
    for (const demand of this.#taken(checkpointId)) demand.reject(failure(cause))
  }

  /** None will be triggered. */
  giveUp(reason: string): void {
    const cause = jobManagerError('CHECKPOINT_DECLINED', `It had not begun: ${reason}.`)
    for (const demand of this.#waiting.splice(0)) demand.reject(failure(cause))
  }

  #taken(checkpointId: number): readonly Demand[] {
    const demands = this.#underWay.get(checkpointId) ?? []
    this.#underWay.delete(checkpointId)
    return demands
  }
}

function failure(cause: MillraceError): MillraceError {
  return jobManagerError(
    'CHECKPOINT_FAILED',
    'Ask for the checkpoint again: the one that was asked for was not completed.',
    { cause },
  )
}
