/**
 * Handles: where a subtask's written state is, as plain JSON.
 *
 * They travel from slot to JobManager in the acknowledgement, stand in the checkpoint's metadata,
 * and go back to slots in task deployments, narrowed by `reassignState` (package `state`, which
 * writes and reads what is behind them) to what the new subtask shall read. What comes in over a
 * border is checked first: `faultInStateHandles`.
 */
import type { KeyGroupRange } from '../id/key-group.ts'
import { faultInHandle, isCount, isRange, isRecord, shown } from './handle-fault.ts'

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
  /**
   * Keys are held otherwise now, so rows are not where they lay: each subtask reads all parts, and
   * takes the rows that lie in its own of so many key groups.
   */
  readonly rekeyedAmong?: number
}

/** What a subtask acknowledges: operator id → handles. Operators without state are absent. */
export type SubtaskStateHandles = Readonly<Record<string, OperatorStateHandles>>

/** Bytes behind the handles: what REST shows as checkpointed size. */
export function stateSizeOf(handles: OperatorStateHandles): number {
  let size = 0
  for (const part of handles.parts) size += part.handle.size
  return size
}

/** What keeps `value` from being `SubtaskStateHandles`, with its place; null when it is that. */
export function faultInStateHandles(value: unknown): string | null {
  if (!isRecord(value)) return `the state is ${shown(value)}, not an object`
  for (const [operatorId, handles] of Object.entries(value)) {
    const parts = isRecord(handles) ? handles.parts : undefined
    if (!Array.isArray(parts)) return `operator ${operatorId} has no list of parts`
    for (const [i, part] of parts.entries()) {
      const fault = faultInPart(part)
      if (fault !== null) return `part ${i} of operator ${operatorId}: ${fault}`
    }
  }
  return null
}

function faultInPart(part: unknown): string | null {
  if (!isRecord(part)) return `it is ${shown(part)}, not an object`
  const { handle, keyGroups, lists, unions } = part
  const fault = faultInHandle(handle)
  if (fault !== null) return fault
  if (keyGroups !== null && !isRange(keyGroups)) return `key groups are ${shown(keyGroups)}`
  if (!isRecord(lists)) return `lists are ${shown(lists)}`
  for (const [name, share] of Object.entries(lists)) {
    if (!isListShare(share)) return `list '${name}' is ${shown(share)}`
  }
  const named = Array.isArray(unions) && unions.every((name) => typeof name === 'string')
  return named ? null : `unions are ${shown(unions)}`
}

function isListShare(share: unknown): boolean {
  if (!isRecord(share)) return false
  const { count, offset, stride } = share
  return isCount(count) && isCount(offset) && isCount(stride) && stride > 0 && offset < stride
}
