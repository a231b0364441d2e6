/**
 * OutputFlusher: when what a task has written into open buffers goes out.
 *
 * Between the task's loop and its result partitions. A busy task flushes every
 * `execution.buffer-timeout`, one with nothing to do at once, for rows shall not wait for more.
 * Watermarks alone do wait, as long as rows may: a source makes one with almost every batch, and a
 * message to every consumer for each costs more than the batch. Invariant: nothing stays in an open
 * buffer longer than the timeout, unless the timeout is negative.
 */
import type { Clock } from '@millrace/platform'

/** What it needs of a `ResultPartition`. */
export interface FlushedPartition {
  readonly hasOpenData: boolean
  readonly hasUrgentData: boolean
  flush(): void
}

export interface OutputFlusherSettings {
  readonly clock: Clock
  /** 0: after every batch; negative: only what is full. */
  readonly bufferTimeoutMs: number
  readonly wake: () => void
}

export class OutputFlusher {
  readonly #partitions: readonly FlushedPartition[]
  readonly #settings: OutputFlusherSettings
  #lastFlushMs: number
  #timer: (() => void) | null = null

  constructor(partitions: readonly FlushedPartition[], settings: OutputFlusherSettings) {
    this.#partitions = partitions
    this.#settings = settings
    this.#lastFlushMs = settings.clock.monotonicMs()
  }

  /** The task goes on working; `nowMs` is monotonic. */
  flushIfDue(nowMs: number): void {
    const { bufferTimeoutMs } = this.#settings
    if (bufferTimeoutMs < 0 || nowMs - this.#lastFlushMs < bufferTimeoutMs) return
    this.flush(nowMs)
  }

  /** The task has nothing to do. */
  flushWhenIdle(nowMs: number): void {
    const partitions = this.#partitions
    let urgent = nowMs >= this.#lastFlushMs + this.#settings.bufferTimeoutMs
    let open = false
    for (let i = 0; i < partitions.length; i++) {
      const partition = partitions[i] as FlushedPartition
      if (partition.hasUrgentData) urgent = true
      if (partition.hasOpenData) open = true
    }
    if (!open) return
    if (urgent) this.flush(nowMs)
    else this.#wakeWhenDue(nowMs)
  }

  flush(nowMs: number): void {
    this.#lastFlushMs = nowMs
    const partitions = this.#partitions
    for (let i = 0; i < partitions.length; i++) (partitions[i] as FlushedPartition).flush()
  }

  #wakeWhenDue(nowMs: number): void {
    const { clock, bufferTimeoutMs, wake } = this.#settings
    const delayMs = this.#lastFlushMs + bufferTimeoutMs - nowMs
    this.#timer ??= clock.setTimer(delayMs, () => {
      this.#timer = null
      wake()
    })
  }
}
