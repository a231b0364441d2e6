/**
 * FailureTolerance: how many checkpoints may fail in a row before the job does
 * (`execution.checkpointing.tolerable-failed-checkpoints`).
 *
 * One owner of the count. What counts is the checkpoint's own trouble: a task that declines it,
 * time that runs out, a manifest that is not written. A checkpoint that could not even be started
 * says nothing about checkpoints: the process that was not reached is noticed as lost, and that has
 * an answer of its own (the reference engine does the same).
 */

/** At which step a checkpoint came to grief. */
export type CheckpointFailure = 'not-started' | 'declined' | 'expired' | 'not-written'

export class FailureTolerance {
  readonly tolerated: number
  #inRow = 0

  constructor(tolerated: number) {
    this.tolerated = tolerated
  }

  /** True: it was one too many, and the job is to fail; the count begins anew. */
  failed(failure: CheckpointFailure): boolean {
    if (failure === 'not-started') return false
    this.#inRow++
    if (this.#inRow <= this.tolerated) return false
    this.#inRow = 0
    return true
  }

  completed(): void {
    this.#inRow = 0
  }
}
