/**
 * Writes what a subtask has of elements under way, as a segment of lists: each of its parts is one.
 *
 * Beside the segments of operators' state, in the same form, so that damage is found in the same
 * way and small ones travel in the acknowledgement.
 */
import {
  CHANNEL_STATE_VERSION,
  type ChannelPart,
  type ChannelPlace,
  type ChannelStateHandle,
} from '@millrace/core'
import { type SnapshotTarget, writeOperatorSnapshot } from './write-operator-snapshot.ts'

export interface UnwrittenChannelPart {
  readonly place: ChannelPlace
  /** Empty: there is nothing to write. */
  readonly bytes: readonly Uint8Array[]
}

/** Null: there is nothing. Rejects with STATE_WRITE_FAILED. */
export async function writeChannelState(
  parts: readonly UnwrittenChannelPart[],
  target: Omit<SnapshotTarget, 'operatorId' | 'isShared'> & { readonly vertexId: string },
): Promise<ChannelStateHandle | null> {
  const list: Record<string, Uint8Array[]> = {}
  const written: ChannelPart[] = []
  for (const { place, bytes } of parts) {
    const whole = Buffer.concat(bytes)
    if (whole.length === 0) continue
    const name = `${written.length}`
    list[name] = [whole]
    written.push({ ...place, name, size: whole.length })
  }
  const { vertexId } = target
  const operatorId = `channels-${vertexId}`
  const { parts: segments } = await writeOperatorSnapshot({ list }, { ...target, operatorId })
  const [segment] = segments
  if (segment === undefined) return null
  return { version: CHANNEL_STATE_VERSION, handle: segment.handle, parts: written }
}
