/**
 * PendingSavepoint: what a savepoint under way has beyond a checkpoint — its own directory, and
 * somebody who waits for its outcome.
 */
import type { CheckpointOrder, MillraceError } from '@millrace/core'
import type { SavepointDirectory } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'

export type SavepointFormat = 'canonical' | 'native'

export interface SavepointOrder {
  readonly format: SavepointFormat
  /** What becomes of the job: it goes on, or is stopped, its windows fired first or not. */
  readonly after: CheckpointOrder['after']
}

export class PendingSavepoint {
  readonly directory: SavepointDirectory
  readonly order: SavepointOrder
  /** The directory, once the savepoint is complete. Rejects with SAVEPOINT_FAILED. */
  readonly outcome: Promise<string>
  readonly #settle: { resolve(path: string): void; reject(error: Error): void }

  constructor(directory: SavepointDirectory, order: SavepointOrder) {
    this.directory = directory
    this.order = order
    const { promise, ...settle } = Promise.withResolvers<string>()
    this.outcome = promise
    this.#settle = settle
    // Whoever asked may be gone.
    promise.catch(() => {})
  }

  get kind(): Exclude<CheckpointOrder['kind'], 'checkpoint'> {
    return { savepoint: this.directory.path, format: this.order.format }
  }

  get stopsJob(): boolean {
    return this.order.after !== 'go-on'
  }

  completed(): void {
    this.#settle.resolve(this.directory.path)
  }

  failed(cause: MillraceError): void {
    const { path } = this.directory
    this.#settle.reject(
      jobManagerError(
        'SAVEPOINT_FAILED',
        `Take the savepoint again: ${path} was not completed. The job is as if it had not been asked for.`,
        { cause, location: { file: path } },
      ),
    )
  }
}
