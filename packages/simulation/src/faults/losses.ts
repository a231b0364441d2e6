/**
 * Losses: what the faults of the family `loss` have taken from a job. Such a job may end, but only
 * FAILED and with the error that names that very loss: the offset that is gone, the topic that is
 * another one, or the transaction that was aborted.
 */
import type { ErrorData } from '@millrace/core'

export class Losses {
  /** `topic-partition` → the first offset that was left. */
  readonly #firstLeft = new Map<string, number>()
  readonly #transactions = new Set<string>()
  readonly #topicsMadeAnew = new Set<string>()

  recordsGone(topic: string, partition: number, firstLeft: number): void {
    const key = `${topic}-${partition}`
    this.#firstLeft.set(key, Math.max(firstLeft, this.#firstLeft.get(key) ?? 0))
  }

  transactionGone(transactionalId: string): void {
    this.#transactions.add(transactionalId)
  }

  topicMadeAnew(topic: string): void {
    this.#topicsMadeAnew.add(topic)
  }

  /** Whether the error names something that was taken. */
  explain({ code, message, location }: Pick<ErrorData, 'code' | 'message' | 'location'>): boolean {
    if (code === 'KAFKA_OFFSET_OUT_OF_RANGE') {
      const firstLeft = this.#firstLeft.get(`${location?.topic}-${location?.partition}`)
      return firstLeft !== undefined && Number(location?.offset) < firstLeft
    }
    if (code === 'KAFKA_TOPIC_MADE_ANEW') return this.#topicsMadeAnew.has(location?.topic ?? '')
    if (code !== 'KAFKA_TRANSACTION_LOST') return false
    return [...this.#transactions].some((id) => message.includes(` ${id} `))
  }
}
