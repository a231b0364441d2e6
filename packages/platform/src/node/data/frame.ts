/**
 * Framing of the data plane: `length (u32, little endian) | bytes`.
 *
 * A connection ends with the length `GOODBYE` in place of a frame: a stream that ends without it
 * was cut (the peer's process died), even when it was cut between two frames.
 */
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

export function totalBytes(parts: readonly Uint8Array[]): number {
  let total = 0
  for (const part of parts) total += part.length
  return total
}
