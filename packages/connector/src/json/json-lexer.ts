/**
 * Strict JSON lexing over bytes, without building values.
 *
 * Stands under both decode paths: the general parser walks records with it, and the generated
 * scanners call it for the fields that a query does not use. Invariant: what it accepts is exactly
 * RFC 8259 in valid UTF-8 (the set that `JSON.parse` accepts), so a skipped field is as well
 * checked as a read one.
 *
 * Every function takes the position of the token's first byte and the record's end, and returns the
 * position after the token, or `~position` (negative) of the first byte that does not fit.
 */

const QUOTE = 34
const BACKSLASH = 92

/** Position of the first byte at or after `p` that is no JSON white space. */
export function skipSpace(b: Uint8Array, p: number, e: number): number {
  while (p < e) {
    const c = b[p] as number
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) break
    p++
  }
  return p
}

const isHex = (c: number): boolean => (c >= 48 && c <= 57) || ((c | 32) >= 97 && (c | 32) <= 102)

/** Checks one UTF-8 sequence of more than one byte. */
export function skipMultiByte(b: Uint8Array, p: number, e: number): number {
  const c = b[p] as number
  let extra = 0
  let low = 0x80
  let high = 0xbf
  if (c >= 0xc2 && c <= 0xdf) extra = 1
  else if (c >= 0xe0 && c <= 0xef) {
    extra = 2
    if (c === 0xe0) low = 0xa0
    else if (c === 0xed) high = 0x9f
  } else if (c >= 0xf0 && c <= 0xf4) {
    extra = 3
    if (c === 0xf0) low = 0x90
    else if (c === 0xf4) high = 0x8f
  } else return ~p
  if (p + extra >= e) return ~p
  const second = b[p + 1] as number
  if (second < low || second > high) return ~p
  for (let i = 2; i <= extra; i++) if (((b[p + i] as number) & 0xc0) !== 0x80) return ~p
  return p + extra + 1
}

/** `p` is at the opening quote. */
export function skipString(b: Uint8Array, p: number, e: number): number {
  p++
  while (p < e) {
    const c = b[p] as number
    if (c === QUOTE) return p + 1
    if (c < 32) return ~p
    if (c === BACKSLASH) {
      if (p + 1 >= e) return ~p
      const escaped = b[p + 1] as number
      if (escaped === 117) {
        if (p + 6 > e) return ~p
        for (let i = 2; i < 6; i++) if (!isHex(b[p + i] as number)) return ~p
        p += 6
      } else if (
        escaped === QUOTE ||
        escaped === BACKSLASH ||
        escaped === 47 ||
        escaped === 98 ||
        escaped === 102 ||
        escaped === 110 ||
        escaped === 114 ||
        escaped === 116
      ) {
        p += 2
      } else return ~p
    } else if (c < 0x80) p++
    else {
      p = skipMultiByte(b, p, e)
      if (p < 0) return p
    }
  }
  return ~p
}

/** `p` is at `-` or a digit. */
export function skipNumber(b: Uint8Array, p: number, e: number): number {
  if (b[p] === 45) p++
  if (p >= e) return ~p
  let c = b[p] as number
  if (c === 48) p++
  else if (c >= 49 && c <= 57) p = skipDigits(b, p, e)
  else return ~p
  if (p < e && b[p] === 46) {
    const start = p + 1
    p = skipDigits(b, start, e)
    if (p === start) return ~p
  }
  if (p < e && ((b[p] as number) | 32) === 101) {
    p++
    if (p < e) {
      c = b[p] as number
      if (c === 43 || c === 45) p++
    }
    const start = p
    p = skipDigits(b, start, e)
    if (p === start) return ~p
  }
  return p
}

function skipDigits(b: Uint8Array, p: number, e: number): number {
  while (p < e) {
    const c = b[p] as number
    if (c < 48 || c > 57) break
    p++
  }
  return p
}

/** A string, number, `true`, `false` or `null`. */
function skipScalar(b: Uint8Array, p: number, e: number): number {
  if (p >= e) return ~p
  const c = b[p] as number
  if (c === QUOTE) return skipString(b, p, e)
  if (c === 45 || (c >= 48 && c <= 57)) return skipNumber(b, p, e)
  if (c === 116) return skipWord(b, p, e, 116, 114, 117, 101)
  if (c === 110) return skipWord(b, p, e, 110, 117, 108, 108)
  if (c === 102 && p + 5 <= e && b[p + 4] === 101) {
    const end = skipWord(b, p, e, 102, 97, 108, 115)
    return end < 0 ? end : end + 1
  }
  return ~p
}

function skipWord(
  b: Uint8Array,
  p: number,
  e: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
): number {
  if (p + 4 > e) return ~p
  if (b[p] !== c0 || b[p + 1] !== c1 || b[p + 2] !== c2 || b[p + 3] !== c3) return ~p
  return p + 4
}

/** `p` is at the key's quote; returns the position of the value. */
export function skipKey(b: Uint8Array, p: number, e: number): number {
  if (p >= e || b[p] !== QUOTE) return ~p
  const afterKey = skipString(b, p, e)
  return afterKey < 0 ? afterKey : skipColon(b, afterKey, e)
}

/** `p` is after a key; returns the position of the value. */
export function skipColon(b: Uint8Array, p: number, e: number): number {
  const colon = skipSpace(b, p, e)
  if (colon >= e || b[colon] !== 58) return ~colon
  return skipSpace(b, colon + 1, e)
}

/**
 * Open containers, 1 = object; grows with the nesting, so depth is bounded by the
 * record's length alone.
 */
let nesting = new Uint8Array(64)

/** Any value, scalar or nested, without recursion. */
export function skipValue(b: Uint8Array, p: number, e: number): number {
  let depth = 0
  for (;;) {
    const c = p < e ? (b[p] as number) : -1
    if (c === 123 || c === 91) {
      const isObject = c === 123
      p = skipSpace(b, p + 1, e)
      if (p < e && b[p] === (isObject ? 125 : 93)) p++
      else {
        if (depth === nesting.length) {
          const grown = new Uint8Array(depth * 2)
          grown.set(nesting)
          nesting = grown
        }
        nesting[depth++] = isObject ? 1 : 0
        if (isObject) {
          p = skipKey(b, p, e)
          if (p < 0) return p
        }
        continue
      }
    } else {
      p = skipScalar(b, p, e)
      if (p < 0) return p
    }
    for (;;) {
      if (depth === 0) return p
      p = skipSpace(b, p, e)
      const isObject = nesting[depth - 1] === 1
      const next = p < e ? (b[p] as number) : -1
      if (next === (isObject ? 125 : 93)) {
        p++
        depth--
        continue
      }
      if (next !== 44) return ~p
      p = skipSpace(b, p + 1, e)
      if (isObject) {
        p = skipKey(b, p, e)
        if (p < 0) return p
      }
      break
    }
  }
}
