/**
 * Metrics as TaskManagers report them with `ReportMetrics` (periodically) and with a checkpoint's
 * acknowledgement.
 */
import type { WatermarkHold } from '@millrace/core'

/** One operator in one subtask: the fields of core's `OperatorMetrics`. */
export interface OperatorMetricsReport {
  readonly operatorId: string
  readonly operatorName: string
  /**
   * Counter and gauge name → value, as in `OperatorMetrics` (`numRecordsIn`,
   * `currentOutputWatermark`, `gauges` merged in).
   */
  readonly values: Readonly<Record<string, number>>
  readonly watermarkHold: WatermarkHold | null
}

export interface HoldingChannel {
  readonly producerAttemptId: string
  /** Its rows are not read, because a checkpoint aligns: since when, epoch ms; null: it is read. */
  readonly pausedSinceMs: number | null
}

export interface TaskMetricsReport {
  readonly attemptId: string
  readonly numRecordsIn: number
  readonly numRecordsOut: number
  readonly numBytesIn: number
  readonly numBytesOut: number
  readonly numRecordsInPerSecond: number
  readonly numRecordsOutPerSecond: number
  readonly busyTimeMsPerSecond: number
  readonly idleTimeMsPerSecond: number
  readonly backPressuredTimeMsPerSecond: number
  /**
   * Combined watermark over the task's inputs (a source: its output
   * watermark); -Infinity when none.
   */
  readonly currentInputWatermark: number
  /** The channel that holds the watermark back; null: none does, or the task is a source. */
  readonly heldBy: HoldingChannel | null
  readonly operators: readonly OperatorMetricsReport[]
  /**
   * Further task metrics by the reference's names (`mailboxQueueSize`,
   * `Shuffle.Netty.Input.Buffers.inPoolUsage`, …).
   */
  readonly values?: Readonly<Record<string, number>>
}

export interface TaskManagerMetricsReport {
  /**
   * Process-wide values by the reference's names (`Status.JVM.Memory.Heap.Used`,
   * `Status.JVM.CPU.Load`, …).
   */
  readonly process: Readonly<Record<string, number>>
  readonly tasks: readonly TaskMetricsReport[]
}

/** Sent with an acknowledgement; durations in ms, sizes in bytes. */
export interface CheckpointTaskMetrics {
  /** Bytes that this checkpoint newly wrote. */
  readonly checkpointedBytes: number
  /** Bytes of the whole state that it refers to. */
  readonly stateBytes: number
  readonly syncDurationMs: number
  readonly asyncDurationMs: number
  /** From the first barrier to the last; 0 for sources. */
  readonly alignmentDurationMs: number
  /** From the trigger's timestamp to the first barrier. */
  readonly startDelayMs: number
  /** Whether the barrier overtook something, and was not waited for on every channel. */
  readonly unaligned: boolean
  /** Of elements under way, written. */
  readonly persistedBytes: number
  /** Read between the first barrier and the last. */
  readonly processedBytes: number
}
