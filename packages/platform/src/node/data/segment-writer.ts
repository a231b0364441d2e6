/**
 * Gathers frames into reused segments and hands those to the socket, at most one write per turn of
 * the event loop and per full segment.
 *
 * While a write is under way, frames keep filling the open segment, so the busier the peer the
 * larger the writes. Frames are copied once; there is no allocation per frame.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from './frame.ts'

const SEGMENT_BYTES = 128 * 1024
/** Free segments kept for reuse by one connection. */
const FREE_SEGMENTS_MAX = 4

export class SegmentWriter {
  /** Takes over `bytes` until it calls `written`. */
  readonly #write: (bytes: Uint8Array, written: () => void) => void
  readonly #free: Uint8Array[] = []
  #open: Uint8Array | null = null
  #filled = 0
  #unwrittenBytes = 0
  #writesUnderWay = 0
  #flushScheduled = false

  constructor(write: (bytes: Uint8Array, written: () => void) => void) {
    this.#write = write
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes
  }

  /** Appends `frameLength | parts`; `frameLength` is their total or GOODBYE. */
  append(frameLength: number, parts: readonly Uint8Array[]): void {
    if (this.#open !== null && SEGMENT_BYTES - this.#filled < FRAME_HEADER_BYTES) this.#submit()
    this.#open ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_BYTES)
    writeFrameHeader(this.#open, this.#filled, frameLength)
    this.#filled += FRAME_HEADER_BYTES
    this.#unwrittenBytes += FRAME_HEADER_BYTES
    for (const part of parts) this.#copy(part)
    if (!this.#flushScheduled && this.#writesUnderWay === 0) {
      this.#flushScheduled = true
      process.nextTick(this.#scheduledFlush)
    }
  }

  /** Hands everything over now. */
  flush(): void {
    if (this.#filled > 0) this.#submit()
  }

  #scheduledFlush = (): void => {
    this.#flushScheduled = false
    this.flush()
  }

  #copy(part: Uint8Array): void {
    this.#unwrittenBytes += part.length
    let at = 0
    while (at < part.length) {
      if (this.#filled === SEGMENT_BYTES) this.#submit()
      this.#open ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_BYTES)
      const taken = Math.min(part.length - at, SEGMENT_BYTES - this.#filled)
      const whole = at === 0 && taken === part.length
      this.#open.set(whole ? part : part.subarray(at, at + taken), this.#filled)
      this.#filled += taken
      at += taken
    }
  }

  #submit(): void {
    const segment = this.#open as Uint8Array
    const length = this.#filled
    this.#open = null
    this.#filled = 0
    this.#writesUnderWay++
    this.#write(segment.subarray(0, length), () => {
      this.#writesUnderWay--
      this.#unwrittenBytes -= length
      if (this.#free.length < FREE_SEGMENTS_MAX) this.#free.push(segment)
      if (this.#writesUnderWay === 0) this.flush()
    })
  }
}
