/**
 * AsyncOperations: what a client triggered and asks for later, by the trigger's id.
 *
 * Lives with this JobManager: another leader knows nothing of them. An outcome is kept for
 * `rest.async.store-duration`. Invariant: the same id never begins a second operation, so a client
 * that did not hear the answer to its trigger may send it again.
 */
import { type ErrorData, toErrorData } from '@millrace/core'
import type { Clock } from '@millrace/platform'

/** More than this many that have ended are not kept. */
const ENDED_MAX = 1000

export type OperationState =
  | { readonly status: 'IN_PROGRESS' }
  | { readonly status: 'COMPLETED'; readonly result: unknown }
  | { readonly status: 'COMPLETED'; readonly error: ErrorData }

export class AsyncOperations {
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #operations = new Map<string, OperationState>()

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock
    this.#keepMs = keepMs
  }

  /** Begins `action` unless one of that key is known. */
  trigger(key: string, action: () => Promise<unknown>): void {
    if (this.#operations.has(key)) return
    this.#operations.set(key, { status: 'IN_PROGRESS' })
    action().then(
      (result) => this.#ended(key, { status: 'COMPLETED', result }),
      (error) => this.#ended(key, { status: 'COMPLETED', error: toErrorData(error) }),
    )
  }

  get(key: string): OperationState | null {
    return this.#operations.get(key) ?? null
  }

  #ended(key: string, state: OperationState): void {
    this.#operations.set(key, state)
    this.#clock.setTimer(this.#keepMs, () => this.#operations.delete(key), { unref: true })
    const ended = [...this.#operations].filter(([, { status }]) => status === 'COMPLETED')
    for (const [old] of ended.slice(0, Math.max(0, ended.length - ENDED_MAX))) {
      this.#operations.delete(old)
    }
  }
}
