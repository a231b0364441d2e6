/**
 * Commits the offsets of completed checkpoints to the consumer group, for monitoring only: recovery
 * uses the checkpoint.
 *
 * In the background, one commit at a time, the newest wins; a failure is counted and logged and
 * never fails the job.
 */
import type { OperatorMetrics } from '@millrace/core'
import type { Logger } from '@millrace/platform'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSplitPosition } from './kafka-split.ts'

/** Checkpoints whose offsets are kept until they complete. */
const REMEMBERED_MAX = 64

export class OffsetCommitter {
  readonly #client: KafkaClient
  readonly #groupId: string
  readonly #metrics: OperatorMetrics
  readonly #logger: Logger
  readonly #remembered = new Map<number, readonly KafkaSplitPosition[]>()
  #next: readonly KafkaSplitPosition[] | null = null
  #running: Promise<void> | null = null
  #succeeded = 0
  #failed = 0

  constructor(client: KafkaClient, groupId: string, metrics: OperatorMetrics, logger: Logger) {
    this.#client = client
    this.#groupId = groupId
    this.#metrics = metrics
    this.#logger = logger
    metrics.gauges.set('KafkaSourceReader.commitsSucceeded', 0)
    metrics.gauges.set('KafkaSourceReader.commitsFailed', 0)
  }

  remember(checkpointId: number, positions: readonly KafkaSplitPosition[]): void {
    this.#remembered.set(checkpointId, positions)
    if (this.#remembered.size > REMEMBERED_MAX) {
      this.#remembered.delete(Math.min(...this.#remembered.keys()))
    }
  }

  commit(checkpointId: number): void {
    const positions = this.#remembered.get(checkpointId)
    for (const id of [...this.#remembered.keys()]) {
      if (id <= checkpointId) this.#remembered.delete(id)
    }
    if (positions === undefined || positions.length === 0) return
    this.#next = positions
    this.#running ??= this.#run()
  }

  /** Resolves when no commit is under way. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#next !== null) {
      const positions = this.#next
      this.#next = null
      try {
        await this.#client.commitOffsets(this.#groupId, positions)
        this.#succeeded++
        for (const { topic, partition, offset } of positions) {
          const name = `KafkaSourceReader.topic.${topic}.partition.${partition}.committedOffset`
          this.#metrics.gauges.set(name, offset)
        }
      } catch (error) {
        this.#failed++
        this.#logger.warn('Committing offsets to the consumer group failed', {
          group: this.#groupId,
          reason: error instanceof Error ? error.message : String(error),
        })
      }
      this.#metrics.gauges.set('KafkaSourceReader.commitsSucceeded', this.#succeeded)
      this.#metrics.gauges.set('KafkaSourceReader.commitsFailed', this.#failed)
    }
    this.#running = null
  }
}
