/** What aggregates call their state; written and restored by the operators, read by `readAggregateState`. */
import type { Field } from '@millrace/core'

/** Keyed table: one row a group. */
export const GROUPS = 'groups'
/** Union state of a window aggregate: the watermark of each subtask. */
export const WATERMARK = 'watermark'
/** Which group of its key a row of a window aggregate is: its slice's end, or its window's. */
export const SLICE_END: Field = {
  name: '$slice_end',
  type: { kind: 'TIMESTAMP', precision: 3, nullable: false },
}
/** When an unbounded group changed last, processing time; 0 without a time to live. */
export const CHANGED: Field = { name: '$changed', type: { kind: 'DOUBLE', nullable: false } }
