/** The items of one list or union state as a block: `(length u32 · bytes)*`. */

export function encodeItems(items: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const item of items) size += 4 + item.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const item of items) {
    view.setUint32(at, item.length, true)
    bytes.set(item, at + 4)
    at += 4 + item.length
  }
  return bytes
}

/** The items, as views; null when the block does not hold exactly `count`. */
export function decodeItems(bytes: Uint8Array, count: number): Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const items: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < 4) return null
    const length = view.getUint32(at, true)
    at += 4
    if (length > bytes.length - at) return null
    items.push(bytes.subarray(at, at + length))
    at += length
  }
  return items.length === count ? items : null
}
