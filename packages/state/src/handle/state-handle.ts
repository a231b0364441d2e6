/**
 * Handles: where a subtask's written state is, as plain JSON.
 *
 * They travel from slot to JobManager in the acknowledgement, stand in the checkpoint's metadata,
 * and go back to slots in task deployments, narrowed by `reassignState` to what the new subtask
 * shall read.
 */
import type { KeyGroupRange } from '@millrace/core'

/**
 * One segment (see `segment/segment-format.ts`). `crc32` is that of its index, which in turn has
 * those of all blocks.
 */
export type StateHandle =
  | {
      readonly kind: 'inline'
      /** Base64. */
      readonly bytes: string
      readonly size: number
      readonly crc32: number
    }
  | {
      readonly kind: 'file'
      /** Absolute; in a metadata file relative to it when the segment stands beside it. */
      readonly path: string
      readonly size: number
      readonly crc32: number
    }

/**
 * Which items of a list state are meant: those with `index % stride === offset`. As written: all,
 * stride 1.
 */
export interface ListShare {
  /** Items in the segment. */
  readonly count: number
  readonly offset: number
  readonly stride: number
}

/** What one subtask wrote of one operator. */
export interface StatePart {
  readonly handle: StateHandle
  /**
   * Key groups to read from it; as written, those that the writer owned. Null: it has no keyed
   * state, or none is to be read.
   */
  readonly keyGroups: KeyGroupRange | null
  readonly lists: Readonly<Record<string, ListShare>>
  readonly unions: readonly string[]
}

/**
 * State of one operator: as written by one subtask (one part or none), or to be restored to one
 * (any number).
 */
export interface OperatorStateHandles {
  readonly parts: readonly StatePart[]
}

/** What a subtask acknowledges: operator id → handles. Operators without state are absent. */
export type SubtaskStateHandles = Readonly<Record<string, OperatorStateHandles>>

/** Bytes behind the handles: what REST shows as checkpointed size. */
export function stateSizeOf(handles: OperatorStateHandles): number {
  let size = 0
  for (const part of handles.parts) size += part.handle.size
  return size
}
