/**
 * Channel state: what was under way between subtasks when a barrier overtook it, as plain JSON
 * handles.
 *
 * Beside the handles of operators' state in an acknowledgement, in the checkpoint's metadata and in
 * deployments. Behind a handle are stream elements as they lie in a channel (package `network`);
 * which key groups their rows are of, nobody knows before they are read. Invariant: of one channel
 * the consumer's part ends where the producer's begins, maybe inside an element.
 */
import type { KeyGroupRange } from '../id/key-group.ts'
import { faultInHandle, isCount, isRange, isRecord, shown } from './handle-fault.ts'
import type { StateHandle } from './state-handle.ts'

/** Of the elements' form; a handle of a later one is refused. */
export const CHANNEL_STATE_VERSION = 1

/** Where a piece of channel state was found, by the numbers of the subtask that wrote it. */
export type ChannelPlace =
  /** Received and not read. */
  | { readonly from: 'input'; readonly gate: number; readonly channel: number }
  /**
   * Restored and not read: a stream of its own, whole. `channel`: the first one of its edge in
   * the gate. `keyGroups`: of the rows that were left for this subtask, others have the rest; null:
   * all were.
   */
  | {
      readonly from: 'restored'
      readonly gate: number
      readonly channel: number
      readonly keyGroups: KeyGroupRange | null
    }
  /** Written and not sent. `edge`: number of the output in its vertex. */
  | { readonly from: 'output'; readonly edge: number; readonly subpartition: number }

/** `name`: of the list in the segment that holds the bytes. */
export type ChannelPart = ChannelPlace & { readonly name: string; readonly size: number }

/** What one subtask wrote: one segment. */
export interface ChannelStateHandle {
  readonly version: number
  readonly handle: StateHandle
  readonly parts: readonly ChannelPart[]
}

/** A stream of elements that a subtask reads before anything new. */
export interface RestoredChannel {
  readonly gate: number
  /** The first one of its edge in the gate. */
  readonly channel: number
  /** Null: all rows are the subtask's. Else those in the range, by key. */
  readonly keyed: {
    readonly columns: readonly number[]
    readonly maxParallelism: number
    readonly keyGroups: KeyGroupRange
  } | null
  /** One behind the other they are whole elements, but for a last one that may be cut off. */
  readonly pieces: readonly { readonly handle: StateHandle; readonly name: string }[]
}

/** What keeps `value` from being a `ChannelStateHandle`; null when it is one. */
export function faultInChannelState(value: unknown): string | null {
  if (!isRecord(value)) return `it is ${shown(value)}, not an object`
  const { version, handle, parts } = value
  if (version !== CHANNEL_STATE_VERSION) return `its version is ${shown(version)}`
  const fault = faultInHandle(handle)
  if (fault !== null) return fault
  if (!Array.isArray(parts)) return `its parts are ${shown(parts)}`
  const wrong = parts.find((part) => !isPart(part))
  return wrong === undefined ? null : `a part is ${shown(wrong)}`
}

function isPart(part: unknown): boolean {
  if (!isRecord(part) || typeof part.name !== 'string' || !isCount(part.size)) return false
  if (part.from === 'output') return isCount(part.edge) && isCount(part.subpartition)
  if (!isCount(part.gate) || !isCount(part.channel)) return false
  if (part.from === 'input') return true
  return part.from === 'restored' && (part.keyGroups === null || isRange(part.keyGroups))
}
