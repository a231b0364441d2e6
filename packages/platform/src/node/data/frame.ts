/**
 * Framing of the data plane: `length (u32, little endian) | bytes`.
 *
 * A connection ends with the length `GOODBYE` in place of a frame: a stream that ends without it
 * was cut (the peer's process died), even when it was cut between two frames.
 */
import { platformError } from '../../error-codes.ts'

export const FRAME_HEADER_BYTES = 4
export const GOODBYE = 0xffffffff
/** Default limit; a frame is a network buffer (32 KiB) or one oversized batch. */
export const FRAME_MAX_BYTES = 64 * 1024 * 1024

export function writeFrameHeader(into: Uint8Array, at: number, length: number): void {
  into[at] = length
  into[at + 1] = length >>> 8
  into[at + 2] = length >>> 16
  into[at + 3] = length >>> 24
}

export function readFrameHeader(from: Uint8Array, at: number): number {
  return (from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24)) >>> 0
}

/** The length of a frame of these parts. Throws DATA_FRAME_TOO_LARGE. */
export function frameLength(parts: readonly Uint8Array[], bytesMax: number): number {
  let length = 0
  for (const part of parts) length += part.length
  if (length <= bytesMax) return length
  throw platformError(
    'DATA_FRAME_TOO_LARGE',
    `Send frames of at most ${bytesMax} bytes; this one has ${length}.`,
  )
}
