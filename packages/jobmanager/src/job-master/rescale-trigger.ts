/**
 * RescaleTrigger: what a rescale of a job that adapts itself waits for — the next checkpoint that
 * completes, so that nothing is read again; without one, checkpoints that failed in a row, or the
 * end of the longest delay.
 *
 * It decides when, not whether: the job may have failed, or be ending, meanwhile.
 */
import type { Clock } from '@millrace/platform'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import type { RescaleTriggerSettings } from '../scheduler/adaptive-settings.ts'

export type RescaleGround =
  | { readonly kind: 'completed'; readonly checkpointId: number }
  | { readonly kind: 'failed'; readonly failures: number }
  | { readonly kind: 'delayed'; readonly delayMs: number }
  /** Nobody waits any more. */
  | { readonly kind: 'cancelled' }

export class RescaleTrigger {
  readonly ground: Promise<RescaleGround>
  readonly #clock: Clock
  readonly #deadlineMs: number
  readonly #resolve: (ground: RescaleGround) => void
  readonly #unwatch: () => void
  readonly #cancelTimer: () => void
  #isWaiting = true
  #failures = 0

  constructor(
    checkpoints: Pick<CheckpointCoordinator, 'watchers' | 'takeSoon'>,
    { failuresMax, delayMs, takesOne }: RescaleTriggerSettings,
    clock: Clock,
  ) {
    const { promise, resolve } = Promise.withResolvers<RescaleGround>()
    this.ground = promise
    this.#resolve = resolve
    this.#clock = clock
    this.#deadlineMs = clock.monotonicMs() + delayMs
    this.#unwatch = checkpoints.watchers.watch({
      completed: (checkpointId) => this.#end({ kind: 'completed', checkpointId }),
      failed: () => {
        this.#failures++
        if (this.#failures >= failuresMax) this.#end({ kind: 'failed', failures: this.#failures })
        else if (takesOne) checkpoints.takeSoon()
      },
    })
    this.#cancelTimer = clock.setTimer(delayMs, () => this.#end({ kind: 'delayed', delayMs }), {
      unref: true,
    })
    if (takesOne && delayMs > 0) checkpoints.takeSoon()
  }

  cancel(): void {
    this.#end({ kind: 'cancelled' })
  }

  /** Ms until it waits no longer; null: it does not wait. */
  leftMs(): number | null {
    return this.#isWaiting ? Math.max(0, this.#deadlineMs - this.#clock.monotonicMs()) : null
  }

  #end(ground: RescaleGround): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#unwatch()
    this.#cancelTimer()
    this.#resolve(ground)
  }
}

/** Why a rescale goes back to an earlier checkpoint; null: it does not. */
export function describeGround(ground: RescaleGround): string | null {
  if (ground.kind === 'failed') return `${ground.failures} checkpoints in a row failed`
  return ground.kind === 'delayed' ? `none was complete after ${ground.delayMs} ms` : null
}
