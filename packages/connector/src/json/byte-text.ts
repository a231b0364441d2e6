/**
 * JSON string bodies and nested values → plain bytes, on the general decode path only.
 *
 * Input has passed the lexer, so nothing is checked again here.
 */

const decoder = new TextDecoder()

/** UTF-8 bytes as text. */
export function textOf(b: Uint8Array, start: number, end: number): string {
  return decoder.decode(b.subarray(start, end))
}

/** The text for an error message: at most 60 characters. */
export function shortTextOf(b: Uint8Array, start: number, end: number): string {
  const text = textOf(b, start, Math.min(end, start + 240))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

export function hasEscape(b: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (b[i] === 92) return true
  return false
}

function hexAt(b: Uint8Array, p: number): number {
  let value = 0
  for (let i = 0; i < 4; i++) {
    const c = b[p + i] as number
    value = value * 16 + (c <= 57 ? c - 48 : (c | 32) - 87)
  }
  return value
}

function putCodePoint(into: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    into[at++] = point
  } else if (point < 0x800) {
    into[at++] = 0xc0 | (point >> 6)
    into[at++] = 0x80 | (point & 63)
  } else if (point < 0x10000) {
    into[at++] = 0xe0 | (point >> 12)
    into[at++] = 0x80 | ((point >> 6) & 63)
    into[at++] = 0x80 | (point & 63)
  } else {
    into[at++] = 0xf0 | (point >> 18)
    into[at++] = 0x80 | ((point >> 12) & 63)
    into[at++] = 0x80 | ((point >> 6) & 63)
    into[at++] = 0x80 | (point & 63)
  }
  return at
}

/**
 * Writes the string body `b[start … end)` without its escapes to `into` (at least `end − start`
 * bytes, since an escape is never shorter than what it stands for); returns the number of bytes. A
 * lone surrogate becomes U+FFFD.
 */
export function unescapeInto(
  b: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at = 0,
): number {
  const first = at
  for (let p = start; p < end; ) {
    const c = b[p] as number
    if (c !== 92) {
      into[at++] = c
      p++
      continue
    }
    const kind = b[p + 1] as number
    p += 2
    if (kind === 117) {
      let point = hexAt(b, p)
      p += 4
      if (point >= 0xd800 && point <= 0xdfff) {
        const low = b[p] === 92 && b[p + 1] === 117 && p + 6 <= end ? hexAt(b, p + 2) : 0
        if (point <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
          p += 6
        } else point = 0xfffd
      }
      at = putCodePoint(into, at, point)
    } else if (kind === 110) into[at++] = 10
    else if (kind === 116) into[at++] = 9
    else if (kind === 114) into[at++] = 13
    else if (kind === 98) into[at++] = 8
    else if (kind === 102) into[at++] = 12
    else into[at++] = kind
  }
  return at - first
}

/**
 * Copies a nested value without the white space between its tokens; returns the number of bytes.
 */
export function compactInto(
  b: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at = 0,
): number {
  const first = at
  let inString = false
  for (let p = start; p < end; p++) {
    const c = b[p] as number
    if (inString) {
      into[at++] = c
      if (c === 92) into[at++] = b[++p] as number
      else if (c === 34) inString = false
    } else if (c > 32) {
      into[at++] = c
      if (c === 34) inString = true
    }
  }
  return at - first
}
