/**
 * PartitionRegistry: the result partitions of a slot, by attempt and edge, for the consumers that
 * ask.
 *
 * A consumer may be deployed, and ask, before its producer: the request then waits, at most
 * `taskmanager.network.partition-request-timeout`. Invariant: a request is answered once, with a
 * partition or an error.
 */
import type { Clock } from '@millrace/platform'
import { networkError } from '../error-codes.ts'
import type { ResultPartition } from '../partition/result-partition.ts'
import type { PartitionRequest } from '../wire/frame.ts'

interface Waiting {
  readonly resolve: (partition: ResultPartition) => void
  readonly cancelTimer: () => void
}

export class PartitionRegistry {
  readonly #clock: Clock
  readonly #requestTimeoutMs: number
  readonly #partitions = new Map<string, ResultPartition>()
  readonly #waiting = new Map<string, Set<Waiting>>()

  constructor(clock: Clock, requestTimeoutMs: number) {
    this.#clock = clock
    this.#requestTimeoutMs = requestTimeoutMs
  }

  /** Number of partitions that consumers may still read. */
  get size(): number {
    return this.#partitions.size
  }

  register(partition: ResultPartition): void {
    const key = keyOf(partition.settings.attemptId, partition.settings.edgeIndex)
    this.#partitions.set(key, partition)
    partition.onReleased(() => this.#partitions.delete(key))
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#waiting.delete(key)
    for (const { resolve, cancelTimer } of waiting) {
      cancelTimer()
      resolve(partition)
    }
  }

  /** Answers now or later; the returned function withdraws the request. */
  find(
    request: PartitionRequest,
    onFound: (partition: ResultPartition) => void,
    onMissing: (error: unknown) => void,
  ): () => void {
    const key = keyOf(request.attemptId, request.edgeIndex)
    const known = this.#partitions.get(key)
    if (known !== undefined) {
      onFound(known)
      return () => {}
    }
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    const withdraw = (): void => {
      entry.cancelTimer()
      waiting.delete(entry)
      if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key)
    }
    const entry: Waiting = {
      resolve: onFound,
      cancelTimer: this.#clock.setTimer(this.#requestTimeoutMs, () => {
        withdraw()
        onMissing(
          networkError(
            'NETWORK_PARTITION_NOT_FOUND',
            `No result partition ${request.edgeIndex} of ${request.attemptId} appeared within ${this.#requestTimeoutMs} ms.`,
            { hint: 'raise taskmanager.network.partition-request-timeout if deployment is slow' },
          ),
        )
      }),
    }
    waiting.add(entry)
    return withdraw
  }
}

function keyOf(attemptId: string, edgeIndex: number): string {
  return `${attemptId}#${edgeIndex}`
}
