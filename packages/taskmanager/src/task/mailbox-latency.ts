/**
 * MailboxLatency: how long an action waits in a subtask's mailbox, measured by one that is posted
 * at each report; over the last 60 of them, under the reference engine's names.
 */
import type { Clock } from '@millrace/platform'
import type { TaskMailbox } from './task-mailbox.ts'

const SAMPLES_MAX = 60
const QUANTILES = [
  ['median', 0.5],
  ['p75', 0.75],
  ['p90', 0.9],
  ['p95', 0.95],
  ['p98', 0.98],
  ['p99', 0.99],
  ['p999', 0.999],
] as const

export class MailboxLatency {
  readonly #mailbox: TaskMailbox
  readonly #clock: Clock
  #samples: number[] = []
  #isWaiting = false

  constructor(mailbox: TaskMailbox, clock: Clock) {
    this.#mailbox = mailbox
    this.#clock = clock
  }

  /** One more, unless the last one waits still. */
  sample(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const postedMs = this.#clock.monotonicMs()
    this.#mailbox.post(() => {
      this.#isWaiting = false
      this.#samples = [...this.#samples, this.#clock.monotonicMs() - postedMs].slice(-SAMPLES_MAX)
    })
  }

  values(): Record<string, number> {
    const sorted = [...this.#samples].sort((a, b) => a - b)
    const count = Math.max(1, sorted.length)
    const mean = sorted.reduce((sum, ms) => sum + ms, 0) / count
    const variance = sorted.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / count
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
    return {
      mailboxLatencyMs_min: at(0),
      mailboxLatencyMs_max: at(1),
      mailboxLatencyMs_mean: mean,
      mailboxLatencyMs_stddev: Math.sqrt(variance),
      ...Object.fromEntries(
        QUANTILES.map(([name, share]) => [`mailboxLatencyMs_${name}`, at(share)]),
      ),
    }
  }
}
