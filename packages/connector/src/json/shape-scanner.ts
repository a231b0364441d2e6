/**
 * Generates the fast decode path: a loop over records of one shape.
 *
 * A **shape** is what stands between a record's values, byte for byte: keys, order, spacing. A
 * record of the same shape is verified with 32-bit compares of those bytes; only values are looked
 * at one by one, and of these only the projected ones are kept. The loop stops at the first record
 * that differs in anything (shape, an escape it does not do, a value that does not fit), which the
 * general parser then reads or refuses; so it may be strict and incomplete, but whatever it accepts
 * is valid JSON, read as the general parser would.
 *
 * Measured by json-decoder.bench.ts.
 */
import type { Field } from '@millrace/core'
import { CodeBuilder } from './code-builder.ts'
import type { DecodeTarget } from './decode-target.ts'
import { skipMultiByte, skipString, skipValue } from './json-lexer.ts'
import type { JsonDecodeOptions, JsonRecordParser } from './json-record-parser.ts'
import { POWERS_OF_TEN, writeInteger64 } from './number-text.ts'
import { plainTextEnd } from './plain-text-end.ts'
import { PREDICTIONS, type StringDictionary } from './string-dictionary.ts'
import { scanDate, TimestampScanner } from './timestamp-scanner.ts'

/**
 * Decodes records from `from` into rows from `row`; returns the first record that it did not
 * decode, or `to`.
 */
export type ShapeScanner = (
  target: DecodeTarget,
  b: Uint8Array,
  v: DataView,
  starts: Int32Array,
  lengths: Int32Array,
  from: number,
  to: number,
  row: number,
) => number

export interface RecordShape {
  /** The bytes before value 0, between values, and after the last. */
  readonly literals: readonly Uint8Array[]
  /** The projected column of each value, or -1. */
  readonly columns: readonly number[]
  /** The values of the record that the shape was learned from. */
  readonly samples: readonly Uint8Array[]
}

/** More fields would make a function too large for the optimizing compiler. */
export const SHAPE_FIELDS_MAX = 96

/**
 * The shape of the record that `parser` has just read, or null when scanners are not generated
 * for such records.
 */
export function shapeOf(
  parser: JsonRecordParser,
  b: Uint8Array,
  start: number,
  end: number,
): RecordShape | null {
  const fields = parser.traceLength / 3
  if (fields === 0 || fields > SHAPE_FIELDS_MAX) return null
  const literals: Uint8Array[] = []
  const columns: number[] = []
  const samples: Uint8Array[] = []
  let from = start
  for (let i = 0; i < fields; i++) {
    const valueAt = parser.trace[3 * i] as number
    literals.push(b.slice(from, valueAt))
    from = parser.trace[3 * i + 1] as number
    samples.push(b.slice(valueAt, from))
    const column = parser.trace[3 * i + 2] as number
    if (column >= 0 && columns.includes(column)) return null
    columns.push(column)
  }
  literals.push(b.slice(from, end))
  return { literals, columns, samples }
}

/** Equal for equal shapes. */
export function shapeKey(shape: RecordShape): string {
  let key = ''
  for (const literal of shape.literals) {
    for (const byte of literal) key += String.fromCharCode(byte)
    key += '\0'
  }
  return key
}

const STRING_STOP = Uint8Array.from({ length: 256 }, (_, c) =>
  c < 32 || c > 127 || c === 34 || c === 92 ? 1 : 0,
)
/**
 * Fewer fixed bytes behind a text, and the sixteen that predict it would mostly hold
 * another value too.
 */
const PREDICTED_BYTES_BEHIND_MIN = 12
const WORD_NULL = 0x6c6c756e
const WORD_TRUE = 0x65757274
const WORD_FALS = 0x736c6166

class ShapeCode {
  readonly code = new CodeBuilder()
  readonly #fields: readonly Field[]
  readonly #target: DecodeTarget
  readonly #parser: JsonRecordParser
  readonly #options: JsonDecodeOptions

  constructor(target: DecodeTarget, parser: JsonRecordParser, options: JsonDecodeOptions) {
    this.#target = target
    this.#fields = target.fields
    this.#parser = parser
    this.#options = options
  }

  build(shape: RecordShape): ShapeScanner {
    const { code } = this
    code.line('const h = t.hasNull;')
    for (let k = 0; k < this.#fields.length; k++) {
      code.line(`const x${k} = t.values[${k}], n${k} = t.nulls[${k}], w${k} = t.words[${k}];`)
      code.line(`let a${k} = NaN, b${k} = NaN, m${k} = NaN, l${k} = 0;`)
    }
    const bytesMin = shape.literals.reduce((sum, l) => sum + l.length, 0) + shape.columns.length
    const tail = shape.literals[shape.literals.length - 1] as Uint8Array
    code.line(
      'let i = from, c = 0, s = 0, m = 0, d = 0, q = 0, f = 0.0, neg = false, g = 0, h0 = 0;',
    )
    code.line('rows: for (; i < to; i++) {')
    code.line(`const n = lengths[i]; if (n < ${code.int(bytesMin)}) break;`)
    code.line('let p = starts[i]; const e = p + n;')
    // The last byte is no digit, so digit loops below need no bound of their own.
    code.line(`if (b[e - 1] !== ${code.int(tail[tail.length - 1] as number)}) break;`)
    for (let k = 0; k < shape.columns.length; k++) {
      this.#literal(shape.literals[k] as Uint8Array, false)
      const column = shape.columns[k] as number
      if (column < 0) this.#skip()
      else this.#value(column, shape.literals[k + 1] as Uint8Array)
    }
    this.#literal(tail, true)
    for (let k = 0; k < this.#fields.length; k++) {
      if (!shape.columns.includes(k)) code.line(`n${k}[row] = 1; h[${k}] = 1;`)
    }
    code.line('row++; }')
    code.line('return i;')
    return code.compile<ShapeScanner>(['t', 'b', 'v', 'starts', 'lengths', 'from', 'to', 'row'])
  }

  #literal(bytes: Uint8Array, isTail: boolean): void {
    const length = bytes.length
    const view = new DataView(bytes.buffer, bytes.byteOffset, length)
    // A value follows each literal but the last, and has at least one byte.
    const tests = [isTail ? `p + ${length} !== e` : `p + ${length} >= e`]
    if (length < 4) {
      for (let i = 0; i < length; i++) tests.push(`b[p + ${i}] !== ${bytes[i]}`)
    } else {
      let i = 0
      for (; i + 8 <= length; i += 8) tests.push(this.#eightBytes(view, i))
      if (length - i > 4 && length >= 8) tests.push(this.#eightBytes(view, length - 8))
      else if (length > i) tests.push(this.#fourBytes(view, Math.min(i, length - 4)))
      if (length > 4 && length < 8) tests.push(this.#fourBytes(view, length - 4))
    }
    this.code.line(`if (${tests.join(' || ')}) break;`)
    if (!isTail) this.code.line(`p += ${length};`)
  }

  #fourBytes(view: DataView, i: number): string {
    return `v.getInt32(p + ${i}, true) !== ${this.code.int(view.getInt32(i, true))}`
  }

  /**
   * Eight bytes in one compare: as doubles, equal means the same bits unless they are a NaN or
   * zero, which text hardly ever is.
   */
  #eightBytes(view: DataView, i: number): string {
    const value = view.getFloat64(i, true)
    if (value === 0 || !Number.isFinite(value)) {
      return `${this.#fourBytes(view, i)} || ${this.#fourBytes(view, i + 4)}`
    }
    return `v.getFloat64(p + ${i}, true) !== ${this.code.double(value)}`
  }

  #skip(): void {
    const { code } = this
    code.line('if (b[p] === 34) { s = p++;')
    this.#plainText()
    code.line(`if (p < e && b[p] === 34) p++;`)
    code.line(`else { p = ${code.constant(skipString)}(b, s, e); if (p < 0) break; }`)
    // Numbers in place; exponents, words and nested values by the lexer.
    code.line('} else { q = p; if (b[p] === 45) p++; s = p; c = b[p];')
    code.line('while (c >= 48 && c <= 57) c = b[++p];')
    code.line('if (p > s && c === 46) { m = ++p; c = b[p];')
    code.line('while (c >= 48 && c <= 57) c = b[++p]; if (p === m) break; }')
    code.line(
      'if (p === s || (c | 32) === 101 || (b[s] === 48 && b[s + 1] >= 48 && b[s + 1] <= 57)) {',
    )
    code.line(`p = ${code.constant(skipValue)}(b, q, e); if (p < 0) break; } }`)
  }

  /**
   * Moves `p` to the first byte that is a quote, a backslash, a control character or not ASCII, or
   * to `e`; four bytes at a time. Of the high bits left in `m` the lowest one is true (a borrow
   * only reaches the bytes above it).
   */
  #plainText(): void {
    const { code } = this
    code.line('for (;;) {')
    code.line(
      `if (p + 4 > e) { while (p < e && ${code.constant(STRING_STOP)}[b[p]] === 0) p++; break; }`,
    )
    code.line('q = v.getInt32(p, true);')
    code.line('m = (((q ^ 0x22222222) - 0x01010101) | ((q ^ 0x5c5c5c5c) - 0x01010101)')
    code.line('| (q - 0x20202020) | q) & 0x80808080;')
    code.line('if (m !== 0) { p += (31 - Math.clz32(m & -m)) >> 3; break; }')
    code.line('p += 4; }')
  }

  /** `next`: the bytes behind the value. */
  #value(k: number, next: Uint8Array): void {
    const { code } = this
    const { type } = this.#fields[k] as Field
    if (type.nullable) {
      code.line(`if (b[p] === 110 && p + 4 <= e && v.getInt32(p, true) === ${WORD_NULL}) {`)
      code.line(`n${k}[row] = 1; h[${k}] = 1; p += 4;`)
      code.line('} else {')
    }
    switch (type.kind) {
      case 'STRING':
        this.#string(k, next.length)
        break
      case 'FLOAT':
      case 'DOUBLE':
        this.#number()
        code.line(`f = d === 0 ? m : m / ${code.constant(POWERS_OF_TEN)}[d];`)
        code.line(
          `x${k}[row] = ${type.kind === 'FLOAT' ? 'Math.fround(neg ? -f : f)' : 'neg ? -f : f'};`,
        )
        break
      case 'DECIMAL':
        this.#number()
        code.line(`q = ${code.int(type.scale)} - d;`)
        code.line('if (q < 0 || p - s + q > 15) break;')
        code.line(`m *= ${code.constant(POWERS_OF_TEN)}[q];`)
        code.line(`if (m >= ${code.int(10 ** Math.min(15, type.precision))}) break;`)
        code.line('if (neg) m = -m;')
        code.line(`q = Math.floor(m / 4294967296);`)
        code.line(`w${k}[2 * row] = m - q * 4294967296 | 0; w${k}[2 * row + 1] = q;`)
        break
      case 'INT':
        this.#digits(9)
        code.line(`x${k}[row] = neg ? -m : m;`)
        break
      case 'BIGINT':
        this.#long(k)
        break
      case 'BOOLEAN':
        code.line(`if (p + 5 > e) break;`)
        code.line(`m = v.getInt32(p, true);`)
        code.line(`if (m === ${WORD_TRUE}) { x${k}[row] = 1; p += 4; }`)
        code.line(`else if (m === ${WORD_FALS} && b[p + 4] === 101) { x${k}[row] = 0; p += 5; }`)
        code.line('else break;')
        break
      case 'TIMESTAMP':
      case 'TIMESTAMP_LTZ':
        this.#timestamp(k, type.kind === 'TIMESTAMP_LTZ', type.precision)
        break
      case 'DATE':
        code.line('if (p + 12 > e || b[p] !== 34 || b[p + 11] !== 34) break;')
        code.line(`f = +${code.constant(scanDate)}(b, p + 1); if (f !== f) break;`)
        code.line(`x${k}[row] = f; p += 12;`)
        break
      default:
        code.line(`q = ${code.constant(skipValue)}(b, p, e);`)
        code.line(`if (q < 0 || !${code.constant(this.#parser)}.put(${k}, row, b, v, p, q)) break;`)
        code.line('p = q;')
    }
    if (type.nullable) code.line('}')
  }

  #string(k: number, bytesBehind: number): void {
    const { code } = this
    const strings = this.#target.strings[k]
    const dictionary = strings?.dictionary ?? null
    const predicts = dictionary !== null && bytesBehind >= PREDICTED_BYTES_BEHIND_MIN
    code.line('if (b[p] !== 34) break;')
    code.line('s = ++p; g = -1;')
    if (predicts) this.#predictedString(k, dictionary)
    if (predicts) {
      code.line(`p = ${code.constant(plainTextEnd)}(b, v, p, e); if (p < 0 || p >= e) break;`)
      code.line('c = b[p];')
    } else {
      code.line('for (;;) {')
      this.#plainText()
      code.line('if (p >= e) break rows;')
      code.line('c = b[p]; if (c === 34) break;')
      // Control characters and escapes: the general parser's. Others are UTF-8 to check.
      code.line('if (c < 128) break;')
      code.line(`p = ${code.constant(skipMultiByte)}(b, p, e); if (p < 0) break rows;`)
      code.line('}')
    }
    if (dictionary !== null) {
      const name = code.constant(dictionary)
      code.line(`if (c === 34) { m = x${k}[row] = ${name}.code(b, v, s, p - s);`)
      if (predicts) code.line(`if (g >= 0 && p - s < 16) ${name}.predict(g, v, s, p - s, m);`)
      code.line('p++; }')
    } else {
      const target = code.constant(strings)
      code.line(`if (c === 34) { x${k}[row] = s; ${target}.lengths[row] = p - s; p++; }`)
    }
    code.line(`else { q = ${code.constant(skipString)}(b, s - 1, e); if (q < 0) break;`)
    code.line(`${code.constant(this.#parser)}.put(${k}, row, b, v, s - 1, q); p = q; }`)
    if (predicts) code.line('}')
  }

  /**
   * A text seen before, its closing quote and what follows are sixteen known bytes: one probe gives
   * length and code. Leaves the place to remember a new one at in `g`, and an `else` open.
   */
  #predictedString(k: number, dictionary: StringDictionary): void {
    const { code } = this
    const name = code.constant(dictionary)
    code.line('if (p + 16 <= e) {')
    code.line('m = v.getInt32(p, true); q = v.getInt32(p + 4, true);')
    code.line('c = v.getInt32(p + 8, true); d = v.getInt32(p + 12, true);')
    code.line('g = Math.imul(m, 0x9e3779b1) + Math.imul(q, 0x85ebca77);')
    code.line('g = (g + Math.imul(c, 0xc2b2ae3d) + Math.imul(d, 0x27d4eb2f)) | 0;')
    code.line(`g = (g ^ (g >>> 15)) & ${code.int(PREDICTIONS - 1)};`)
    code.line(`const y = ${name}.predictions; s = g * 5;`)
    code.line('if (((y[s] ^ m) | (y[s + 1] ^ q) | (y[s + 2] ^ c) | (y[s + 3] ^ d)) === 0) {')
    // Never zero for a text that was remembered.
    code.line('h0 = y[s + 4]; } else h0 = 0; s = p; } else h0 = 0;')
    code.line(`if (h0 !== 0) { x${k}[row] = (h0 >> 4) - 1; q = (h0 & 15) + 1;`)
    // The processor goes on speculatively with the last length, instead of waiting for this one.
    code.line(`if (q === l${k}) p += l${k}; else { l${k} = q; p += q; } } else {`)
  }

  /**
   * Leaves the digits in `m`, the sign in `neg`, the first digit's place in `s`; up to `max` (9: in
   * 32-bit integers) digits.
   */
  #digits(max: number): void {
    const { code } = this
    code.line('neg = b[p] === 45; if (neg) p++;')
    code.line('s = p; m = 0;')
    code.line('while ((c = b[p] ^ 48) <= 9) { m = (m * 10 + c) | 0; p++; }')
    code.line(`q = p - s; if (q === 0 || q > ${max} || (q > 1 && b[s] === 48)) break;`)
  }

  /** A number of at most 15 digits without exponent: digits in `m`, fraction digits in `d`. */
  #number(): void {
    const { code } = this
    code.line('neg = b[p] === 45; if (neg) p++;')
    code.line('s = p; m = 0; d = 0;')
    code.line('while ((c = b[p] ^ 48) <= 9) { m = (m * 10 + c) | 0; p++; }')
    code.line('q = p - s; if (q === 0 || (q > 1 && b[s] === 48)) break;')
    code.line('if (c === 30) { p++; d = p;')
    code.line('while ((c = b[p] ^ 48) <= 9) { m = (m * 10 + c) | 0; p++; }')
    code.line('d = p - d; if (d === 0) break; q += d; }')
    code.line('if (c === 117 || c === 85) break;')
    // 32-bit arithmetic wrapped: once more in doubles.
    code.line('if (q > 9) { if (q > 15) break; m = 0;')
    code.line('for (q = s; q < p; q++) { c = b[q] - 48; if (c >= 0) m = m * 10 + c; } }')
  }

  #long(k: number): void {
    const { code } = this
    this.#digits(18)
    code.line(`if (q <= 9) { m = neg ? -m : m;`)
    code.line(`w${k}[2 * row] = m; w${k}[2 * row + 1] = m >> 31; }`)
    code.line(`else ${code.constant(writeInteger64)}(w${k}, row, b, neg ? s - 1 : s, p);`)
  }

  #timestamp(k: number, withZone: boolean, precision: number): void {
    const { code } = this
    const standard = this.#options.timestampStandard
    const scanner = code.constant(new TimestampScanner({ standard, withZone, precision }))
    code.line('if (b[p] !== 34) break;')
    if (precision >= 3) this.#timestampOfMinute(k, withZone)
    // The plus says that it is a number: a value of any kind would be boxed for each record.
    code.line(`f = +${scanner}.scan(b, v, p + 1, e); if (f !== f) break;`)
    code.line(`p = ${scanner}.end; if (p >= e || b[p] !== 34) break;`)
    code.line('p++;')
    if (precision >= 3) {
      code.line(
        `a${k} = +${scanner}.minute0; b${k} = +${scanner}.minute1; m${k} = +${scanner}.minuteMs; }`,
      )
    }
    code.line(`x${k}[row] = f;`)
  }

  /** `:SS.mmm` behind the minute that the scanner read last: two words. Leaves an `else` open. */
  #timestampOfMinute(k: number, withZone: boolean): void {
    const { code } = this
    const end = withZone ? 26 : 25
    code.line(`if (p + ${end} <= e && v.getFloat64(p + 1, true) === a${k}`)
    code.line(`&& v.getFloat64(p + 9, true) === b${k}`)
    // After the exclusive or, digits are 0–9 and the other bytes 0.
    code.line('&& ((q = v.getInt32(p + 17, true) ^ 0x2e30303a) & 0xff0000ff) === 0')
    code.line(
      `&& ((m = v.getInt32(p + 21, true) ^ ${withZone ? 0x5a303030 : 0x22303030}) >>> 24) === 0`,
    )
    code.line('&& (((q + 0x767600) | q | (m + 0x767676) | m) & 0x80808080) === 0')
    code.line(`&& (q & 0xff00) <= 0x500${withZone ? ' && b[p + 25] === 34' : ''}) {`)
    code.line(`f = m${k} + ((q >> 8 & 15) * 10000 + (q >> 16 & 15) * 1000`)
    code.line('+ (m & 15) * 100 + (m >> 8 & 15) * 10 + (m >> 16 & 15));')
    code.line(`p += ${end}; } else {`)
  }
}

/** Compiles the scanner of `shape`; stale once a column gives up its dictionary. */
export function compileShapeScanner(
  shape: RecordShape,
  target: DecodeTarget,
  parser: JsonRecordParser,
  options: JsonDecodeOptions,
): ShapeScanner {
  return new ShapeCode(target, parser, options).build(shape)
}
