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
import { type Label, type Local, WasmFunction } from '../wasm/wasm-function.ts'
import { f64, type I32, i8x16, i32, i32x4, i64, type V128, v128 } from '../wasm/wasm-values.ts'
import {
  FORM_BYTES,
  FORM_EXTENT_AT,
  FORM_LEAST_AT,
  FORM_MARKS_AT,
  FORM_POINT_BITS,
  FORM_POWER_AT,
  MISS_WORDS,
  type ScanMemory,
} from './scan-memory.ts'
import type { RecordShape } from './shape-scanner.ts'
import { TemplateCode } from './template-code.ts'
import type { TemplateLayout } from './template-layout.ts'
import { RECORDS, VectorCode } from './vector-code.ts'
import { TIME_LIMITS, TIME_PATTERN, timeTextBytes, type ValueKind } from './wide-kinds.ts'

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
const TIME_MASK = TIME_PATTERN.map((byte) => (byte === 0 ? 0 : 0xff))

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
  readonly #v: VectorCode
  /** Of each column: it is of texts, and they have codes. */
  readonly #hasCodes: readonly boolean[]
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
  /** Of a timestamp's text, by column. */
  readonly #timeBytes = new Map<number, number>()

  constructor(fields: readonly Field[], memory: ScanMemory, hasCodes: readonly boolean[]) {
    this.#fields = fields
    this.#memory = memory
    this.#v = new VectorCode(this.#f, memory, fields)
    this.#hasCodes = hasCodes
  }

  /**
   * The module. Its function takes the first record and the number of all, the address that their
   * starts count from, the one at which their bytes end, and the first row; it returns the first
   * record that it did not read. Null when the memory has no room for the shape's constants.
   * `templates`: what records are compared with first.
   */
  build(
    shape: RecordShape,
    kinds: readonly ValueKind[],
    templates: TemplateLayout | null = null,
  ): WebAssembly.Module | null {
    const f = this.#f
    const memory = this.#memory
    const { row, row4, row8 } = this.#v
    const i = f.parameter(0)
    const [count, base, limit] = [f.parameter(1), f.parameter(2), f.parameter(3)]
    const missAtRecord = f.local('i32')
    f.set(row, f.parameter(4))
    f.set(this.#miss, i32.const(memory.missesAt))
    const known = templates === null ? null : new TemplateCode(this.#v, templates)
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
        f.set(row4, i32.shl(row, i32.const(2)))
        f.set(row8, i32.shl(row, i32.const(3)))
        f.block((next) => {
          known?.compare(this.#p, length, base, next)
          this.#scan(shape, kinds, length, base, done)
          known?.noteUnknown(i, length)
        })
        f.set(i, i32.add(i, i32.const(1)))
        f.set(row, i32.add(row, i32.const(1)))
        f.jump(again)
      })
    })
    f.storeI32(i32.const(memory.missesEndAt), missAtRecord)
    return this.#v.isFull ? null : f.module(i)
  }

  /** Jumps to `misfit` when the record does not fit. */
  #scan(
    shape: RecordShape,
    kinds: readonly ValueKind[],
    length: Local<'i32'>,
    base: I32,
    misfit: Label,
  ): void {
    const f = this.#f
    f.set(this.#end, i32.add(this.#p, length))
    f.set(this.#wrong, i32.const(0))
    f.set(this.#differs, this.#v.splat(0))
    this.#record(shape, kinds, base)
    f.jumpIf(misfit, i32.or(this.#wrong, v128.anyTrue(this.#differs)))
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

  #compareExpected(): void {
    const bytes = this.#expected
    this.#expected = []
    const { length } = bytes
    if (length >= 16) {
      for (let i = 0; i < length; i += 16) {
        const at = Math.min(i, length - 16)
        const wanted = this.#v.constant(bytes.slice(at, at + 16))
        this.#differsIf(v128.xor(this.#vector(at), wanted))
      }
    } else {
      const behind = new Array<number>(16 - length).fill(0)
      const mask = this.#v.constant([...bytes.map(() => 0xff), ...behind])
      const wanted = this.#v.constant([...bytes, ...behind])
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
    if (this.#hasCodes[column] === true) {
      this.#codeOf(column, bytes, start, length)
      return
    }
    const places = this.#v.places(column)
    f.storeI32(this.#v.row4, i32.sub(start, base), places.valuesAt)
    f.storeI32(this.#v.row4, length, places.lengthsAt)
  }

  /** Quotes, backslashes, control characters and bytes that are not ASCII, whose sign is set. */
  #stopsIn(bytes: V128): I32 {
    const f = this.#f
    const kept = f.keep(bytes)
    const ends = v128.or(
      i8x16.eq(kept, this.#v.splat(QUOTE)),
      i8x16.eq(kept, this.#v.splat(BACKSLASH)),
    )
    return i8x16.bitmask(v128.or(ends, i8x16.ltS(kept, this.#v.splat(SPACE))))
  }

  #codeOf(column: number, bytes: V128, start: I32, length: I32): void {
    const f = this.#f
    const place = f.keep(i32.const(-1))
    f.block((known) => {
      f.if(i32.ltU(length, i32.const(16)), () => {
        const mask = v128.load(i32.shl(length, i32.const(4)), this.#memory.masksAt)
        const key = f.keep(v128.and(bytes, mask))
        this.#v.storeKnownCode(key, this.#v.places(column), place, known)
      })
      const miss = this.#miss
      f.storeI32(miss, i32.const(column), 0)
      f.storeI32(miss, this.#v.row, 4)
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
    const lowered = i8x16.add(bytes, this.#v.splat(0x80 - ZERO))
    const digits = f.keep(i8x16.ltS(lowered, this.#v.splat(0x80 + 10)))
    const others = f.keep(i32.xor(i8x16.bitmask(digits), i32.const(-1)))
    const minusAndPoints = [MINUS, ...new Array<number>(15).fill(POINT)]
    const marks = i8x16.bitmask(i8x16.eq(bytes, this.#v.constant(minusAndPoints)))
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

  /** The first and the last eight of its digits, as 32-bit lanes; a sign is a zero. */
  #eightsOf({ digits, form }: NumberText): Local<'v128'> {
    const source = v128.load(form, this.#memory.formsAt)
    const right = i8x16.relaxedSwizzle(digits, source)
    return this.#v.eightsOf(v128.and(right, this.#v.splat(0x0f)))
  }

  #number(column: number): void {
    const { formsAt } = this.#memory
    const text = this.#numberText()
    const digits = this.#v.doubleOf(this.#eightsOf(text))
    // Smaller: it begins with a zero that it must not have.
    this.#wrongIf(f64.lt(digits, f64.load(text.form, formsAt + FORM_LEAST_AT)))
    if (column < 0) return
    this.#v.storeDouble(column, f64.div(digits, f64.load(text.form, formsAt + FORM_POWER_AT)))
  }

  #integer(column: number, kind: 'integer' | 'long'): void {
    const f = this.#f
    const { formsAt } = this.#memory
    const text = this.#numberText()
    const eights = this.#eightsOf(text)
    const positive = f.keep(this.#v.longOf(eights))
    // A point, or a zero that it must not begin with.
    const power = f64.load(text.form, formsAt + FORM_POWER_AT)
    this.#wrongIf(f64.ne(f64.abs(power), f64.const(1)))
    const least = f64.load(text.form, formsAt + FORM_LEAST_AT)
    this.#wrongIf(f64.lt(f64.convertI64S(positive), least))
    if (kind === 'integer') this.#wrongIf(i32.gtU(i32x4.lane(eights, 0), i32.const(9)))
    // x or -x: all bits turned and one added, when there is a sign.
    const sign = f.keep(i64.extendU(i32.and(text.others, i32.const(1))))
    const turned = i64.xor(positive, i64.sub(i64.const(0n), sign))
    this.#v.storeWhole(column, kind, i64.add(turned, sign))
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
    f.storeI8(this.#v.row, isTrue, this.#v.places(column).valuesAt)
  }

  /** `YYYY-MM-DDTHH:MM:SS[.mmm]` on a date that is remembered. */
  #time(column: number): void {
    const f = this.#f
    const { type } = this.#fields[column] as Field
    const places = this.#v.places(column)
    const { place, isOther } = this.#v.datePlaceOf(this.#p, places)
    f.if(isOther, () => {
      this.#wrongIf(i32.const(1))
      f.storeI32(i32.const(places.unknownDateAt), this.#p)
    })
    const bytes = this.#timeBytes.get(column) as number
    const mask = TIME_MASK.map((byte, i) => (i < bytes - 11 ? byte : 0))
    const time = v128.and(this.#vector(11), this.#v.constant(mask))
    const pattern = TIME_PATTERN.map((byte, i) => (i < bytes - 11 ? byte : 0))
    const digits = f.keep(v128.xor(time, this.#v.constant(pattern)))
    this.#wrongIf(v128.anyTrue(i8x16.gtU(digits, this.#v.constant(TIME_LIMITS))))
    this.#wrongIf(this.#v.storeTime(digits, place, places))
    this.#advance(i32.const(bytes))
    if (type.kind === 'TIMESTAMP_LTZ') this.#expected.push(LETTER_Z)
    this.#expected.push(QUOTE)
  }
}
