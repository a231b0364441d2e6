/**
 * Where fetch responses land, and the CRC-32C of what lies there.
 *
 * A large response is received into a memory of WebAssembly, where its batches are folded in
 * vectors (`crc-folding.ts`), and its records scanned, without being copied first. Bytes from
 * anywhere else are left to the native function, with the same result.
 */
import { instantiateWasm, READ_AHEAD_BYTES, shareMemory } from '@millrace/connector/wasm'
import { crc32c } from '@node-rs/crc32'
import {
  compileFolding,
  FOLDED_BYTES,
  FOLDING_BYTES_MIN,
  type Fold,
  SCRATCH_BYTES,
} from './crc-folding.ts'

/** Smaller responses bring batches that are not worth it. */
const RESPONSE_BYTES_MIN = 256 << 10
/** So much is reserved at once, so that responses that grow find room; pages come when written. */
const RESERVED_BYTES_MAX = 8 << 20
const PAGE_BYTES = 65_536
const FOLDED_AT = SCRATCH_BYTES
/** Behind what is left of a message come its last bytes, less than a vector. */
const RESPONSE_AT = Math.ceil((FOLDED_AT + FOLDED_BYTES + 16) / 64) * 64
/** The checksum of nothing with the start value zero: what is folded has the start value in it. */
const WITHOUT_START = 0xffffffff

let foldingModule: WebAssembly.Module | null = null

class FoldingMemory {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #fold: Fold

  constructor(memory: WebAssembly.Memory) {
    this.bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
    foldingModule ??= compileFolding()
    this.#fold = instantiateWasm(foldingModule, memory)
  }

  /** Of the `length` bytes at `at`, at least `FOLDING_BYTES_MIN`. */
  crc32c(at: number, length: number): number {
    const first = this.#view.getInt32(at, true)
    this.#view.setInt32(at, ~first, true)
    this.#fold(at, length >>> 4, FOLDED_AT)
    this.#view.setInt32(at, first, true)
    const rest = length & 15
    const end = FOLDED_AT + FOLDED_BYTES
    this.bytes.copyWithin(end, at + length - rest, at + length)
    return crc32c(this.bytes.subarray(FOLDED_AT, end + rest), WITHOUT_START)
  }
}

const memories = new WeakMap<ArrayBufferLike, FoldingMemory>()

/** Room for a response of `bytes`, and for larger ones up to about `bytesMax`. */
export function allocateResponse(bytes: number, bytesMax: number): Uint8Array {
  if (bytes < RESPONSE_BYTES_MIN) return Buffer.allocUnsafeSlow(bytes)
  const room = Math.max(bytes, Math.min(bytesMax, RESERVED_BYTES_MAX))
  const capacity = RESPONSE_AT + room + READ_AHEAD_BYTES
  let memory: WebAssembly.Memory
  try {
    memory = new WebAssembly.Memory({ initial: Math.ceil(capacity / PAGE_BYTES) })
  } catch (thrown) {
    // Of addresses, each such memory takes gigabytes: there may be a limit.
    if (!(thrown instanceof RangeError)) throw thrown
    return Buffer.allocUnsafeSlow(bytes)
  }
  memories.set(memory.buffer, new FoldingMemory(memory))
  shareMemory(memory)
  const { byteLength } = memory.buffer
  return new Uint8Array(memory.buffer, RESPONSE_AT, byteLength - RESPONSE_AT - READ_AHEAD_BYTES)
}

/** The CRC-32C of `bytes[from … to)`. */
export function crc32cOf(bytes: Uint8Array, from: number, to: number): number {
  if (to - from >= FOLDING_BYTES_MIN) {
    const memory = memories.get(bytes.buffer)
    if (memory !== undefined) return memory.crc32c(bytes.byteOffset + from, to - from)
  }
  return crc32c(bytes.subarray(from, to))
}
