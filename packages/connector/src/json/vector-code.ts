/**
 * What scanners in vectors have in common, as WebAssembly: constants, digits → numbers and times,
 * texts and dates → what is remembered of them.
 *
 * `wide-code.ts` uses it at places that it finds, `template-code.ts` at places that it knows.
 */
import type { Field } from '@millrace/core'
import type { Label, Local, WasmFunction } from '../wasm/wasm-function.ts'
import {
  type F64,
  f64,
  f64x2,
  type I32,
  type I64,
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
  PLACE_BYTES,
  type ScanMemory,
  TEXT_PLACE_BITS,
} from './scan-memory.ts'

/** The memory that the records lie in: the function's second. */
export const RECORDS = 1
const DATE_MASK = [...new Array<number>(11).fill(0xff), 0, 0, 0, 0, 0]
/** Digits side by side: hours, minutes, seconds, tenths and hundredths, thousandths. */
const TIME_DIGITS = [0, 1, 3, 4, 6, 7, 9, 10, 12, 11, 12, 12, 12, 12, 12, 12]
const MINUTES_A_DAY = 24 * 60

/** A date's place among those that are remembered, and whether it is another date. */
interface DatePlace {
  readonly place: Local<'i32'>
  readonly isOther: I32
}

export class VectorCode {
  readonly f: WasmFunction
  readonly memory: ScanMemory
  readonly fields: readonly Field[]
  /** The row, and the bytes that so many rows of four and of eight take. */
  readonly row: Local<'i32'>
  readonly row4: Local<'i32'>
  readonly row8: Local<'i32'>
  /** There was no room for a constant. */
  isFull = false

  constructor(f: WasmFunction, memory: ScanMemory, fields: readonly Field[]) {
    this.f = f
    this.memory = memory
    this.fields = fields
    this.row = f.local('i32')
    this.row4 = f.local('i32')
    this.row8 = f.local('i32')
  }

  places(column: number): ColumnPlaces {
    return this.memory.columns[column] as ColumnPlaces
  }

  constant(bytes: readonly number[]): V128 {
    const at = this.memory.constant(bytes)
    if (at === null) this.isFull = true
    return v128.load(i32.const(at ?? 0))
  }

  splat(byte: number): V128 {
    return this.constant(new Array<number>(16).fill(byte & 0xff))
  }

  /** Lanes of sixteen bits, repeated. */
  #lanes16(lanes: readonly number[]): V128 {
    return this.constant(
      Array.from({ length: 16 }, (_, i) => {
        const lane = lanes[(i >> 1) % lanes.length] as number
        return i % 2 === 0 ? lane & 0xff : lane >> 8
      }),
    )
  }

  #doubles(first: number, second: number): V128 {
    return this.constant([...new Uint8Array(Float64Array.of(first, second).buffer)])
  }

  /** Sixteen digits, of values 0 … 9 → the first and the last eight as 32-bit lanes. */
  eightsOf(digits: V128): Local<'v128'> {
    const f = this.f
    const fours = f.keep(i32x4.dotI16x8(this.#pairsOf(digits), this.#lanes16([100, 1])))
    return f.keep(i32x4.dotI16x8(i16x8.narrowI32x4(fours, fours), this.#lanes16([10_000, 1])))
  }

  /** Two digits in each sixteen bits → the number of them. */
  #pairsOf(digits: V128): V128 {
    return i16x8.relaxedDotI8x16(digits, this.#lanes16([0x010a]))
  }

  doubleOf(eights: V128): Local<'f64'> {
    const f = this.f
    const scaled = f.keep(f64x2.mul(f64x2.convertLowI32x4(eights), this.#doubles(1e8, 1)))
    return f.keep(f64.add(f64x2.lane(scaled, 0), f64x2.lane(scaled, 1)))
  }

  longOf(eights: V128): I64 {
    return i64.add(
      i64.mul(i64.extendU(i32x4.lane(eights, 0)), i64.const(100_000_000n)),
      i64.extendU(i32x4.lane(eights, 1)),
    )
  }

  /**
   * Jumps to `known`, with its code stored, when the text of at most 15 bytes that `key` is, zeros
   * behind it, is remembered. Else its place is in `place`.
   */
  storeKnownCode(
    key: Local<'v128'>,
    places: ColumnPlaces,
    place: Local<'i32'>,
    known: Label,
  ): void {
    const f = this.f
    const mixed = i64.add(
      i64.mul(i64x2.lane(key, 0), i64.const(0x9e3779b97f4a7c15n)),
      i64.mul(i64x2.lane(key, 1), i64.const(0xc2b2ae3d27d4eb4fn)),
    )
    const number = i32.wrap(i64.shrU(mixed, i64.const(BigInt(65 - TEXT_PLACE_BITS))))
    f.set(place, i32.mul(number, i32.const(2 * PLACE_BYTES)))
    for (const at of [places.placesAt, places.placesAt + PLACE_BYTES]) {
      f.if(i32.eqz(v128.anyTrue(v128.xor(key, v128.load(place, at)))), () => {
        const code = f.keep(i32.load(place, at + 16))
        f.storeI32(this.row4, i32.sub(code, i32.const(1)), places.valuesAt)
        f.jumpIf(known, code)
      })
    }
  }

  /** Of the date and the byte behind it that begin at `at`. */
  datePlaceOf(at: I32, { placesAt }: ColumnPlaces): DatePlace {
    const f = this.f
    const date = f.keep(v128.and(v128.load(at, 0, RECORDS), this.constant(DATE_MASK)))
    const multiplied = i64.load(at, DATE_MULTIPLIED_AT, RECORDS)
    const spread = i64.mul(multiplied, i64.const(DATE_MULTIPLIER))
    const number = i32.wrap(i64.shrU(spread, i64.const(BigInt(64 - DATE_PLACE_BITS))))
    const place = f.keep(i32.mul(number, i32.const(PLACE_BYTES)))
    return { place, isOther: v128.anyTrue(v128.xor(date, v128.load(place, placesAt))) }
  }

  /**
   * Stores the time of day whose digits, of values 0 … 9, are where `HH:MM:SS.mmm` has them, zeros
   * elsewhere, on the date at `place`. Gives whether it is no time of a day.
   */
  storeTime(digits: Local<'v128'>, place: I32, { placesAt, valuesAt }: ColumnPlaces): I32 {
    const f = this.f
    const pairs = this.#pairsOf(f.keep(i8x16.shuffle(digits, TIME_DIGITS)))
    const parts = f.keep(i32x4.dotI16x8(pairs, this.#lanes16([60, 1, 100, 1, 1, 0, 0, 0])))
    const minutes = f.keep(i32x4.lane(parts, 0))
    const ms = i32.add(
      i32.mul(minutes, i32.const(60_000)),
      i32.add(i32.mul(i32x4.lane(parts, 1), i32.const(10)), i32x4.lane(parts, 2)),
    )
    const midnight = f64.load(place, placesAt + 16)
    f.storeF64(this.row8, f64.add(midnight, f64.convertI32S(ms)), valuesAt)
    return i32.geU(minutes, i32.const(MINUTES_A_DAY))
  }

  storeDouble(column: number, number: F64): void {
    const isFloat = (this.fields[column] as Field).type.kind === 'FLOAT'
    this.f.storeF64(this.row8, isFloat ? f64.fround(number) : number, this.places(column).valuesAt)
  }

  storeWhole(column: number, kind: 'integer' | 'long', number: I64): void {
    const { valuesAt } = this.places(column)
    if (kind === 'integer') this.f.storeI32(this.row4, i32.wrap(number), valuesAt)
    else this.f.storeI64(this.row8, number, valuesAt)
  }
}
