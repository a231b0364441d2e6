/**
 * UTF-8 to and from JavaScript strings, for the few places where a value must become one.
 *
 * Short ASCII texts, the common case for keys and codes, are decoded without a call
 * into the runtime.
 */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** The string in `bytes[start … start + length)`; invalid sequences become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, start: number, length: number): string {
  if (length > 24) return decoder.decode(bytes.subarray(start, start + length))
  let text = ''
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i] as number
    if (byte > 127) return decoder.decode(bytes.subarray(start, start + length))
    text += String.fromCharCode(byte)
  }
  return text
}

/**
 * Writes `text` at `at` and returns the number of bytes; `into` must have room for 3 bytes
 * a UTF-16 unit.
 */
export function encodeUtf8Into(text: string, into: Uint8Array, at: number): number {
  const length = text.length
  if (length <= 24) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) break
      into[at + i] = unit
    }
    if (i === length) return length
  }
  return encoder.encodeInto(text, into.subarray(at)).written
}

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}
