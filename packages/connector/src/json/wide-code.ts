/**
 * Generates wide scanners: records of one shape, sixteen bytes at a time, as WebAssembly.
 *
 * What `shape-scanner.ts` does, in vectors: a scanner goes over a record without asking byte by
 * byte, gathers in `wrong` and `differs` whatever did not fit, and looks at both once, at the
 * record's end. Places only grow, and the last literal has to end where the record does, so
 * whatever was read stands within it. A record that does not fit is left to the other scanner.
 * The one loop-carried chain is the place in the record, so that a processor works on several
 * records at once.
 *
 * Invariant: the module depends on the shape, the fields and the capacity alone, so that V8 keeps
 * one compiled copy for all slots of a process.
 */
import type { Field } from '@millrace/core'
import { WasmFunction } from '../wasm/wasm-function.ts'
import {
  f64,
  f64x2,
  type I32,
  i8x16,
  i16x8,
  i32,
  i32x4,
  i64,
  i64x2,
  type V128,
  v128,
} from '../wasm/wasm-values.ts'
import {
  type ColumnPlaces,
  DATE_MULTIPLIED_AT,
  DATE_MULTIPLIER,
  DATE_PLACE_BITS,
  FORM_BYTES,
  FORM_EXTENT_AT,
  FORM_LEAST_AT,
  FORM_MARKS_AT,
  FORM_POINT_BITS,
  FORM_POWER_AT,
  MISS_WORDS,
  PLACE_BYTES,
  type ScanMemory,
  TEXT_PLACE_BITS,
} from './scan-memory.ts'
import type { RecordShape } from './shape-scanner.ts'
import { timeTextBytes, type ValueKind } from './wide-kinds.ts'

/** The memory that the records lie in: the function's second. */
const RECORDS = 1
const SPACE = 32
const QUOTE = 34
const BACKSLASH = 92
const LETTER_E = 101
const LETTER_Z = 90
const MINUS = 45
const POINT = 46
const ZERO = 48
const WORD_TRUE = 0x65757274
const WORD_FALS = 0x736c6166
/** `HH:MM:SS.mmm`: what stands between digits is zero after the exclusive or. */
const TIME_PATTERN = [...Buffer.from('00:00:00.000'), 0, 0, 0, 0]
const TIME_MASK = TIME_PATTERN.map((byte) => (byte === 0 ? 0 : 0xff))
/** The largest value of each byte after that. */
const TIME_LIMITS = [2, 9, 0, 5, 9, 0, 5, 9, 0, 9, 9, 9, 0, 0, 0, 0]
/** Digits side by side: hours, minutes, seconds, tenths and hundredths, thousandths. */
const TIME_DIGITS = [0, 1, 3, 4, 6, 7, 9, 10, 12, 11, 12, 12, 12, 12, 12, 12]
const DATE_MASK = [...new Array<number>(11).fill(0xff), 0, 0, 0, 0, 0]

/** What `#numberText` found. */
interface NumberText {
  /** ASCII digits at their places in sixteen bytes, zeros elsewhere. */
  readonly digits: V128
  /** The number's form in the memory (`ScanMemory.formsAt`). */
  readonly form: I32
  /** A bit for each byte that is no digit; the lowest is the sign's. */
  readonly others: I32
}

export class WideCode {
  readonly #f = new WasmFunction(5, 2)
  readonly #fields: readonly Field[]
  readonly #memory: ScanMemory
  /** Of each column: it is of texts, and they have codes. */
  readonly #hasCodes: readonly boolean[]
  readonly #row4 = this.#f.local('i32')
  readonly #row8 = this.#f.local('i32')
  readonly #row = this.#f.local('i32')
  /** The place in the record, and its end. */
  readonly #p = this.#f.local('i32')
  readonly #end = this.#f.local('i32')
  /** Not zero once something did not fit. */
  readonly #wrong = this.#f.local('i32')
  readonly #differs = this.#f.local('v128')
  /** Where the next text without a known code is noted. */
  readonly #miss = this.#f.local('i32')
  /** Bytes that have to stand at the place, and are not compared yet. */
  #expected: number[] = []
  /** There was no room for a constant. */
  #isFull = false
  /** Of a timestamp's text, by column. */
  readonly #timeBytes = new Map<number, number>()

  constructor(fields: readonly Field[], memory: ScanMemory, hasCodes: readonly boolean[]) {
    this.#fields = fields
    this.#memory = memory
    this.#hasCodes = hasCodes
  }

  /**
   * The module. Its function takes the first record and the number of all, the address that their
   * starts count from, the one at which their bytes end, and the first row; it returns the first
   * record that it did not read. Null when the memory has no room for the shape's constants.
   */
  build(shape: RecordShape, kinds: readonly ValueKind[]): WebAssembly.Module | null {
    const f = this.#f
    const memory = this.#memory
    const i = f.parameter(0)
    const [count, base, limit] = [f.parameter(1), f.parameter(2), f.parameter(3)]
    const missAtRecord = f.local('i32')
    f.set(this.#row, f.parameter(4))
    f.set(this.#miss, i32.const(memory.missesAt))
    f.block((done) => {
      f.loop((again) => {
        f.set(missAtRecord, this.#miss)
        f.jumpIf(done, i32.geU(i, count))
        const i4 = f.keep(i32.shl(i, i32.const(2)))
        const length = f.keep(i32.load(i4, memory.lengthsAt))
        f.set(this.#p, i32.add(i32.load(i4, memory.startsAt), base))
        f.jumpIf(done, i32.gtU(this.#p, limit))
        // A null value has length -1: more than there is.
        f.jumpIf(done, i32.gtU(length, i32.sub(limit, this.#p)))
        f.set(this.#end, i32.add(this.#p, length))
        f.set(this.#row4, i32.shl(this.#row, i32.const(2)))
        f.set(this.#row8, i32.shl(this.#row, i32.const(3)))
        f.set(this.#wrong, i32.const(0))
        f.set(this.#differs, this.#splat(0))
        this.#record(shape, kinds, base)
        f.jumpIf(done, i32.or(this.#wrong, v128.anyTrue(this.#differs)))
        f.set(i, i32.add(i, i32.const(1)))
        f.set(this.#row, i32.add(this.#row, i32.const(1)))
        f.jump(again)
      })
    })
    f.storeI32(i32.const(memory.missesEndAt), missAtRecord)
    return this.#isFull ? null : f.module(i)
  }

  #record(
    { literals, columns, samples }: RecordShape,
    kinds: readonly ValueKind[],
    base: I32,
  ): void {
    for (const [i, kind] of kinds.entries()) {
      const column = columns[i] as number
      if (kind === 'time') {
        const field = this.#fields[column] as Field
        this.#timeBytes.set(column, timeTextBytes(field, samples[i] as Uint8Array))
      }
      this.#expected.push(...(literals[i] as Uint8Array))
      if (kind === 'text' || kind === 'time') this.#expected.push(QUOTE)
      this.#compareExpected()
      this.#value(column, kind, base)
    }
    this.#expected.push(...(literals[kinds.length] as Uint8Array))
    this.#compareExpected()
    this.#wrongIf(i32.xor(this.#p, this.#end))
  }

  #wrongIf(condition: I32): void {
    this.#f.set(this.#wrong, i32.or(this.#wrong, condition))
  }

  #advance(bytes: I32): void {
    this.#f.set(this.#p, i32.add(this.#p, bytes))
  }

  /** Sixteen bytes of the record, from so far behind the place on. */
  #vector(offset = 0): V128 {
    return v128.load(this.#p, offset, RECORDS)
  }

  #constant(bytes: readonly number[]): V128 {
    const at = this.#memory.constant(bytes)
    if (at === null) this.#isFull = true
    return v128.load(i32.const(at ?? 0))
  }

  #splat(byte: number): V128 {
    return this.#constant(new Array<number>(16).fill(byte & 0xff))
  }

  /** Lanes of sixteen bits, repeated. */
  #lanes16(lanes: readonly number[]): V128 {
    return this.#constant(
      Array.from({ length: 16 }, (_, i) => {
        const lane = lanes[(i >> 1) % lanes.length] as number
        return i % 2 === 0 ? lane & 0xff : lane >> 8
      }),
    )
  }

  #doubles(first: number, second: number): V128 {
    return this.#constant([...new Uint8Array(Float64Array.of(first, second).buffer)])
  }

  #compareExpected(): void {
    const bytes = this.#expected
    this.#expected = []
    const { length } = bytes
    if (length >= 16) {
      for (let i = 0; i < length; i += 16) {
        const at = Math.min(i, length - 16)
        const wanted = this.#constant(bytes.slice(at, at + 16))
        this.#differsIf(v128.xor(this.#vector(at), wanted))
      }
    } else {
      const behind = new Array<number>(16 - length).fill(0)
      const mask = this.#constant([...bytes.map(() => 0xff), ...behind])
      const wanted = this.#constant([...bytes, ...behind])
      this.#differsIf(v128.xor(v128.and(this.#vector(), mask), wanted))
    }
    this.#advance(i32.const(length))
  }

  #differsIf(bits: V128): void {
    this.#f.set(this.#differs, v128.or(this.#differs, bits))
  }

  #value(column: number, kind: ValueKind, base: I32): void {
    switch (kind) {
      case 'text':
        this.#text(column, base)
        this.#expected.push(QUOTE)
        break
      case 'number':
        this.#number(column)
        break
      case 'integer':
      case 'long':
        this.#integer(column, kind)
        break
      case 'boolean':
        this.#boolean(column)
        break
      case 'time':
        this.#time(column)
        break
    }
  }

  /** From behind a quote to a byte that ends or spoils a text; the next compare tells which. */
  #text(column: number, base: I32): void {
    const f = this.#f
    const start = f.keep(this.#p)
    const bytes = f.keep(this.#vector())
    const stops = f.keep(this.#stopsIn(bytes))
    f.if(i32.eqz(stops), () => {
      f.block((found) => {
        f.loop((again) => {
          this.#advance(i32.const(16))
          f.set(stops, this.#stopsIn(this.#vector()))
          f.jumpIf(found, stops)
          f.jumpIf(again, i32.ltU(this.#p, this.#end))
        })
        this.#wrongIf(i32.const(1))
      })
    })
    this.#advance(i32.ctz(stops))
    if (column < 0) return
    const length = f.keep(i32.sub(this.#p, start))
    const places = this.#memory.columns[column] as ColumnPlaces
    if (this.#hasCodes[column] === true) {
      this.#codeOf(column, places, bytes, start, length)
      return
    }
    f.storeI32(this.#row4, i32.sub(start, base), places.valuesAt)
    f.storeI32(this.#row4, length, places.lengthsAt)
  }

  /** Quotes, backslashes, control characters and bytes that are not ASCII, whose sign is set. */
  #stopsIn(bytes: V128): I32 {
    const f = this.#f
    const kept = f.keep(bytes)
    const ends = v128.or(i8x16.eq(kept, this.#splat(QUOTE)), i8x16.eq(kept, this.#splat(BACKSLASH)))
    return i8x16.bitmask(v128.or(ends, i8x16.ltS(kept, this.#splat(SPACE))))
  }

  #codeOf(column: number, places: ColumnPlaces, bytes: V128, start: I32, length: I32): void {
    const f = this.#f
    const place = f.keep(i32.const(-1))
    f.block((known) => {
      f.if(i32.ltU(length, i32.const(16)), () => {
        const mask = v128.load(i32.shl(length, i32.const(4)), this.#memory.masksAt)
        const key = f.keep(v128.and(bytes, mask))
        const mixed = i64.add(
          i64.mul(i64x2.lane(key, 0), i64.const(0x9e3779b97f4a7c15n)),
          i64.mul(i64x2.lane(key, 1), i64.const(0xc2b2ae3d27d4eb4fn)),
        )
        const number = i32.wrap(i64.shrU(mixed, i64.const(BigInt(65 - TEXT_PLACE_BITS))))
        f.set(place, i32.mul(number, i32.const(2 * PLACE_BYTES)))
        for (const at of [places.placesAt, places.placesAt + PLACE_BYTES]) {
          const isOther = v128.anyTrue(v128.xor(key, v128.load(place, at)))
          f.if(i32.eqz(isOther), () => {
            const code = f.keep(i32.load(place, at + 16))
            f.storeI32(this.#row4, i32.sub(code, i32.const(1)), places.valuesAt)
            f.jumpIf(known, code)
          })
        }
      })
      const miss = this.#miss
      f.storeI32(miss, i32.const(column), 0)
      f.storeI32(miss, this.#row, 4)
      f.storeI32(miss, start, 8)
      f.storeI32(miss, length, 12)
      f.storeI32(miss, place, 16)
      f.set(miss, i32.add(miss, i32.const(MISS_WORDS * 4)))
    })
  }

  /**
   * Up to 15 digits with the sign, a point among them; no exponent. The place goes on behind all
   * digits, points and a sign in front; whether that was a number is found out beside it.
   */
  #numberText(): NumberText {
    const f = this.#f
    const bytes = f.keep(this.#vector())
    // Digits become the ten least of signed bytes.
    const lowered = i8x16.add(bytes, this.#splat(0x80 - ZERO))
    const digits = f.keep(i8x16.ltS(lowered, this.#splat(0x80 + 10)))
    const others = f.keep(i32.xor(i8x16.bitmask(digits), i32.const(-1)))
    const minusAndPoints = [MINUS, ...new Array<number>(15).fill(POINT)]
    const marks = i8x16.bitmask(i8x16.eq(bytes, this.#constant(minusAndPoints)))
    const extent = f.keep(i32.ctz(i32.and(others, i32.xor(marks, i32.const(-1)))))
    const sign = i32.and(others, i32.const(1))
    const point = i32.ctz(i32.and(others, i32.const(-2)))
    const number = i32.add(
      i32.shl(extent, i32.const(FORM_POINT_BITS + 1)),
      i32.add(i32.shl(point, i32.const(1)), sign),
    )
    const form = f.keep(i32.mul(number, i32.const(FORM_BYTES)))
    const { formsAt } = this.#memory
    const within = i32.and(others, i32.load(form, formsAt + FORM_EXTENT_AT))
    const marked = f.keep(i32.load(form, formsAt + FORM_MARKS_AT))
    this.#wrongIf(i32.xor(within, marked))
    this.#advance(extent)
    return { digits: v128.and(bytes, digits), form, others }
  }

  /** Numbers of the first and the last eight of its digits, as 32-bit lanes; a sign is a zero. */
  #eightsOf({ digits, form }: NumberText): V128 {
    const f = this.#f
    const source = v128.load(form, this.#memory.formsAt)
    const right = v128.and(i8x16.relaxedSwizzle(digits, source), this.#splat(0x0f))
    const fours = f.keep(i32x4.dotI16x8(this.#pairsOf(right), this.#lanes16([100, 1])))
    return i32x4.dotI16x8(i16x8.narrowI32x4(fours, fours), this.#lanes16([10_000, 1]))
  }

  /** Two digits in each sixteen bits → the number of them. */
  #pairsOf(digits: V128): V128 {
    return i16x8.relaxedDotI8x16(digits, this.#lanes16([0x010a]))
  }

  #number(column: number): void {
    const f = this.#f
    const { formsAt } = this.#memory
    const text = this.#numberText()
    const scaled = f.keep(
      f64x2.mul(f64x2.convertLowI32x4(this.#eightsOf(text)), this.#doubles(1e8, 1)),
    )
    const digits = f.keep(f64.add(f64x2.lane(scaled, 0), f64x2.lane(scaled, 1)))
    // Smaller: it begins with a zero that it must not have.
    this.#wrongIf(f64.lt(digits, f64.load(text.form, formsAt + FORM_LEAST_AT)))
    if (column < 0) return
    const number = f64.div(digits, f64.load(text.form, formsAt + FORM_POWER_AT))
    const isFloat = (this.#fields[column] as Field).type.kind === 'FLOAT'
    const { valuesAt } = this.#memory.columns[column] as ColumnPlaces
    f.storeF64(this.#row8, isFloat ? f64.fround(number) : number, valuesAt)
  }

  #integer(column: number, kind: 'integer' | 'long'): void {
    const f = this.#f
    const { formsAt, columns } = this.#memory
    const text = this.#numberText()
    const eights = f.keep(this.#eightsOf(text))
    const upper = f.keep(i32x4.lane(eights, 0))
    const positive = f.keep(
      i64.add(
        i64.mul(i64.extendU(upper), i64.const(100_000_000n)),
        i64.extendU(i32x4.lane(eights, 1)),
      ),
    )
    // A point, or a zero that it must not begin with.
    const power = f64.load(text.form, formsAt + FORM_POWER_AT)
    this.#wrongIf(f64.ne(f64.abs(power), f64.const(1)))
    const least = f64.load(text.form, formsAt + FORM_LEAST_AT)
    this.#wrongIf(f64.lt(f64.convertI64S(positive), least))
    // x or -x: all bits turned and one added, when there is a sign.
    const sign = f.keep(i64.extendU(i32.and(text.others, i32.const(1))))
    const turned = i64.xor(positive, i64.sub(i64.const(0n), sign))
    const number = i64.add(turned, sign)
    const { valuesAt } = columns[column] as ColumnPlaces
    if (kind === 'integer') {
      this.#wrongIf(i32.gtU(upper, i32.const(9)))
      f.storeI32(this.#row4, i32.wrap(number), valuesAt)
    } else f.storeI64(this.#row8, number, valuesAt)
  }

  #boolean(column: number): void {
    const f = this.#f
    const word = f.keep(i32.load(this.#p, 0, RECORDS))
    const isTrue = f.keep(i32.eq(word, i32.const(WORD_TRUE)))
    const isFalse = i32.and(
      i32.eq(word, i32.const(WORD_FALS)),
      i32.eq(i32.load8U(this.#p, 4, RECORDS), i32.const(LETTER_E)),
    )
    this.#wrongIf(i32.eqz(i32.or(isTrue, isFalse)))
    this.#advance(i32.sub(i32.const(5), isTrue))
    if (column < 0) return
    f.storeI8(this.#row, isTrue, (this.#memory.columns[column] as ColumnPlaces).valuesAt)
  }

  /** `YYYY-MM-DDTHH:MM:SS[.mmm]` on a date that is remembered. */
  #time(column: number): void {
    const f = this.#f
    const { type } = this.#fields[column] as Field
    const places = this.#memory.columns[column] as ColumnPlaces
    const date = f.keep(v128.and(this.#vector(), this.#constant(DATE_MASK)))
    const spread = i64.mul(
      i64.load(this.#p, DATE_MULTIPLIED_AT, RECORDS),
      i64.const(DATE_MULTIPLIER),
    )
    const number = i32.wrap(i64.shrU(spread, i64.const(BigInt(64 - DATE_PLACE_BITS))))
    const place = f.keep(i32.mul(number, i32.const(PLACE_BYTES)))
    f.if(v128.anyTrue(v128.xor(date, v128.load(place, places.placesAt))), () => {
      this.#wrongIf(i32.const(1))
      f.storeI32(i32.const(places.unknownDateAt), this.#p)
    })
    const bytes = this.#timeBytes.get(column) as number
    const mask = TIME_MASK.map((byte, i) => (i < bytes - 11 ? byte : 0))
    const time = v128.and(this.#vector(11), this.#constant(mask))
    const pattern = TIME_PATTERN.map((byte, i) => (i < bytes - 11 ? byte : 0))
    const digits = f.keep(v128.xor(time, this.#constant(pattern)))
    this.#wrongIf(v128.anyTrue(i8x16.gtU(digits, this.#constant(TIME_LIMITS))))
    const pairs = this.#pairsOf(f.keep(i8x16.shuffle(digits, TIME_DIGITS)))
    const parts = f.keep(i32x4.dotI16x8(pairs, this.#lanes16([60, 1, 100, 1, 1, 0, 0, 0])))
    const minutes = f.keep(i32x4.lane(parts, 0))
    this.#wrongIf(i32.geU(minutes, i32.const(24 * 60)))
    const ms = i32.add(
      i32.mul(minutes, i32.const(60_000)),
      i32.add(i32.mul(i32x4.lane(parts, 1), i32.const(10)), i32x4.lane(parts, 2)),
    )
    const midnight = f64.load(place, places.placesAt + 16)
    f.storeF64(this.#row8, f64.add(midnight, f64.convertI32S(ms)), places.valuesAt)
    this.#advance(i32.const(bytes))
    if (type.kind === 'TIMESTAMP_LTZ') this.#expected.push(LETTER_Z)
    this.#expected.push(QUOTE)
  }
}
