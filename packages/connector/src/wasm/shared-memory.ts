/**
 * Memories of WebAssembly that several functions read: who receives bytes into one says so here,
 * and who is given such bytes can have a function read them where they lie.
 *
 * Invariant: behind the bytes that are handed out of such a memory there are `READ_AHEAD_BYTES`
 * more.
 */
import './webassembly.ts'

/** A function may look so far past the end of the bytes that it was given. */
export const READ_AHEAD_BYTES = 16 << 10

const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>()

export function shareMemory(memory: WebAssembly.Memory): void {
  memories.set(memory.buffer, memory)
}

/** The shared memory that `bytes` lie in; undefined: they lie elsewhere. */
export function sharedMemoryOf(bytes: Uint8Array): WebAssembly.Memory | undefined {
  return memories.get(bytes.buffer)
}
