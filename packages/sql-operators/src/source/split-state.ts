/**
 * A source's splits in a checkpoint, with how far their event time had come: a restored source goes
 * on from there, though no further row may come, and judges rows as late that were late before.
 */
import type { SourceSplit } from '@millrace/connector'
import { encodeUtf8, type OperatorSnapshot, type RestoredOperatorState } from '@millrace/core'
import type { SplitEventTime } from './split-watermarks.ts'

const SPLITS = 'splits'

export interface SnapshottedSplit extends SourceSplit {
  /** Null: it has delivered no event time. */
  readonly eventTime?: SplitEventTime | null
  /** The watermark that its reader had sent; null: none. */
  readonly sentMs?: number | null
}

export function snapshotSplits(splits: readonly SnapshottedSplit[]): OperatorSnapshot {
  return { list: { [SPLITS]: splits.map((split) => encodeUtf8(JSON.stringify(split))) } }
}

export function readSplits(restored: RestoredOperatorState): SnapshottedSplit[] {
  const decoder = new TextDecoder()
  return restored
    .readList(SPLITS)
    .map((bytes) => JSON.parse(decoder.decode(bytes)) as SnapshottedSplit)
}
