/**
 * Repeats a request while it fails in a way that may pass, with growing pauses, until
 * `default.api.timeout.ms`.
 *
 * The one place that decides so for whole requests: what is final leaves as KAFKA_REQUEST_FAILED,
 * what did not pass in time as KAFKA_UNREACHABLE with the last reason.
 */
import { isMillraceError } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type { KafkaSettings } from './kafka-properties.ts'
import { BrokerRefusal, isRetriable, refusalError, unreachableError } from './protocol-errors.ts'

export class RequestRetries {
  readonly #settings: KafkaSettings
  readonly #clock: Clock
  readonly #description: string
  readonly #isClosed: () => boolean

  constructor(settings: KafkaSettings, clock: Clock, description: string, isClosed: () => boolean) {
    this.#settings = settings
    this.#clock = clock
    this.#description = description
    this.#isClosed = isClosed
  }

  /** `wrap` false lets a final refusal through as it is, for those who know what it means. */
  async run<T>(name: string, action: () => Promise<T>, wrap = true): Promise<T> {
    const { retryTimeoutMs, retryBackoffMs, retryBackoffMaxMs } = this.#settings
    const deadlineMs = this.#clock.monotonicMs() + retryTimeoutMs
    for (let attempt = 0; ; attempt++) {
      try {
        return await action()
      } catch (error) {
        if (isMillraceError(error) && error.code !== 'KAFKA_RESPONSE_MALFORMED') throw error
        const refusal = error instanceof BrokerRefusal ? error : null
        if (refusal !== null && !isRetriable(refusal.code))
          throw wrap ? refusalError(refusal) : refusal
        if (this.#isClosed()) throw error
        const backoffMs = Math.min(retryBackoffMs * 2 ** Math.min(attempt, 10), retryBackoffMaxMs)
        if (this.#clock.monotonicMs() + backoffMs > deadlineMs) {
          throw unreachableError(this.#description, name, error, retryTimeoutMs)
        }
        await new Promise<void>((done) => void this.#clock.setTimer(backoffMs, done))
      }
    }
  }
}
