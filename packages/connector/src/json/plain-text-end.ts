/**
 * Where a JSON string's plain part ends: the general case behind the generated
 * scanners' predictions.
 *
 * A function of its own keeps a scanner small, which is compiled anew for each shape of record.
 */
import { skipMultiByte } from './json-lexer.ts'

/**
 * The first quote, backslash or control character in `b[p … e)`, or `e`; -1 where the
 * bytes are no UTF-8.
 */
export function plainTextEnd(b: Uint8Array, v: DataView, p: number, e: number): number {
  for (;;) {
    while (p + 4 <= e) {
      const q = v.getInt32(p, true)
      // Of the high bits the lowest one is true: a borrow only reaches the bytes above it.
      const stops =
        (((q ^ 0x22222222) - 0x01010101) | ((q ^ 0x5c5c5c5c) - 0x01010101) | (q - 0x20202020) | q) &
        0x80808080
      if (stops !== 0) {
        p += (31 - Math.clz32(stops & -stops)) >> 3
        break
      }
      p += 4
    }
    for (; p < e; p++) {
      const c = b[p] as number
      if (c < 32 || c === 34 || c === 92) return p
      if (c > 127) break
    }
    if (p >= e) return e
    p = skipMultiByte(b, p, e)
    if (p < 0) return -1
  }
}
