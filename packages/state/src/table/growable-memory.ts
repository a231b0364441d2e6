/**
 * GrowableMemory: one flat memory that grows, seen as doubles, 64-bit and 32-bit integers.
 *
 * Under every table of keyed state. Up to 1 MiB it doubles; beyond that each step takes four times
 * the addresses, and the machine gives pages only to those that are written to, so little is copied
 * and nothing is taken ahead. Large blocks come from the C library, which asks for huge pages where
 * it is told to (`spawn-process.ts`): a look-up among ten million records took half as long with
 * them as in WebAssembly's memory, which grows in place but has small pages. Writing to views of a
 * resizable ArrayBuffer took ten times as long. Invariant: after `grow` the old views are empty;
 * who works on them takes the new ones.
 */
import type { RecordMemory } from '@millrace/core'

const SMALL_BYTES_MAX = 1024 * 1024
const LARGE_STEP = 4
/** When addresses are short. */
const SMALL_STEP = 1.25

export class GrowableMemory {
  readonly #stride: number
  views: RecordMemory

  /** With room for `slots` records of `stride` 8-byte words, zeroed. */
  constructor(stride: number, slots: number) {
    this.#stride = stride
    this.views = viewsOf(new ArrayBuffer(slots * stride * 8), stride)
  }

  /** What there are addresses for. */
  get reservedBytes(): number {
    return this.views.words.byteLength
  }

  /**
   * Makes room for at least `slots` records; returns for how many there is. What is added is zero.
   */
  grow(slots: number): number {
    const needed = slots * this.#stride * 8
    const old = this.views.ints
    const step = needed > SMALL_BYTES_MAX ? LARGE_STEP : 2
    const views = viewsOf(allocate(needed, old.byteLength * step), this.#stride)
    views.ints.set(old)
    // Its pages go back now, not when garbage is collected.
    ;(old.buffer as ArrayBuffer).transfer(0)
    this.views = views
    return Math.floor(views.words.length / this.#stride)
  }
}

function allocate(needed: number, wanted: number): ArrayBuffer {
  try {
    return new ArrayBuffer(Math.max(needed, wanted))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return new ArrayBuffer(Math.ceil((needed * SMALL_STEP) / 8) * 8)
  }
}

function viewsOf(buffer: ArrayBuffer, stride: number): RecordMemory {
  return {
    stride,
    words: new Float64Array(buffer),
    longs: new BigInt64Array(buffer),
    ints: new Int32Array(buffer),
  }
}
