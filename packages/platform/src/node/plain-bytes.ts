/**
 * Buffers leave this package as plain Uint8Arrays: `Buffer.slice` is a view where
 * `Uint8Array.slice` is a copy.
 */

/** The same bytes; no copy. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
}
