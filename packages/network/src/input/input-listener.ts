/**
 * What a subtask hears of its input, and what it may have of it for a checkpoint.
 *
 * Between `SubtaskInput` and the subtask's loop.
 */
import type { CheckpointBarrier, KeyGroupRange, RecordBatch } from '@millrace/core'

/**
 * What the subtask does with its input; `gate` is the gate's position in
 * `SubtaskInputSettings.gates`.
 */
export interface InputListener {
  onBatch(gate: number, batch: RecordBatch): void
  onWatermark(gate: number, timestampMs: number): void
  onWatermarkStatus(gate: number, idle: boolean): void
  /** Every channel of the gate has sent end-of-data. */
  onEndOfData(gate: number): void
  /**
   * All channels have delivered the barrier, or it has overtaken what one of them holds: take the
   * checkpoint before the next `poll`.
   */
  onBarrier(barrier: CheckpointBarrier, alignment: AlignmentTimes): void
  /** A newer barrier overtook the alignment of `checkpointId`. */
  onAlignmentCancelled(checkpointId: number): void
}

export interface AlignmentTimes {
  /** First to last barrier. */
  readonly alignmentMs: number
  /** From the trigger (wall clock of the JobManager) to the first barrier. */
  readonly startDelayMs: number
  /** Read from the first barrier to the last. */
  readonly processedBytes: number
}

/** What lay in the channels when a checkpoint was taken. */
export interface InputRecording {
  readonly parts: readonly RecordedChannel[]
  /** True: every channel's barrier is here, and `parts` are whole. False: it was given up. */
  readonly whole: Promise<boolean>
}

/** Every barrier was waited for. */
export const NOTHING_RECORDED: InputRecording = { parts: [], whole: Promise.resolve(true) }

export interface RecordedChannel {
  /** Place in `SubtaskInputSettings.gates`. */
  readonly gate: number
  /** Of the gate. */
  readonly channel: number
  /**
   * It was being replayed, rows of these key groups (null: all); `channel` is then the first one of
   * its edge.
   */
  readonly restored?: { readonly keyGroups: KeyGroupRange | null }
  readonly bytes: readonly Uint8Array[]
}
