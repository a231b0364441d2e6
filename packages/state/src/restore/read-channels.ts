/**
 * The elements that a subtask reads before anything new: the pieces of each stream, from whichever
 * segments, put together.
 */
import type { RestoredChannel, StateHandle } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import type { SegmentIndex } from '../segment/segment-format.ts'
import { SegmentReader } from '../segment/segment-reader.ts'

/**
 * The bytes of each stream, in an array of its own. Rejects with STATE_CORRUPTED,
 * STATE_UNREADABLE.
 */
export async function readChannels(
  channels: readonly RestoredChannel[],
  filesystem: Filesystem,
): Promise<Uint8Array[]> {
  const opened = new Map<string, { reader: SegmentReader; index: SegmentIndex }>()
  const streams: Uint8Array[] = []
  try {
    for (const { pieces } of channels) {
      const bytes: Uint8Array[] = []
      for (const { handle, name } of pieces) {
        const key = keyOf(handle)
        let segment = opened.get(key)
        if (segment === undefined) {
          const reader = new SegmentReader(handle, filesystem)
          opened.set(key, { reader, index: { items: [] } as unknown as SegmentIndex })
          segment = { reader, index: await reader.readIndex() }
          opened.set(key, segment)
        }
        const { reader, index } = segment
        const entry = index.items.find((item) => item.kind === 'list' && item.name === name)
        if (entry === undefined) throw reader.corrupted(`it has no elements '${name}'`)
        bytes.push(...(await reader.readItems(entry)))
      }
      streams.push(joined(bytes))
    }
    return streams
  } finally {
    for (const { reader } of opened.values()) await reader.close()
  }
}

function keyOf(handle: StateHandle): string {
  return handle.kind === 'file' ? handle.path : `inline ${handle.crc32} ${handle.bytes}`
}

/** Not of a pool: elements are read in place, as arrays that start on multiples of 8. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
