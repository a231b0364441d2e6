/**
 * The part of a wide scanner that compares a record with the templates of its length first
 * (`template-layout.ts`), and reads its values where they have them.
 *
 * Half the instructions of looking for the places, and none of them waits for a place to be found.
 * What is not within the bounds of a template, has a text without a code or a date that is not
 * remembered, is left to the code behind. json-decoder.bench.ts measures both.
 */
import type { Label, Local } from '../wasm/wasm-function.ts'
import { f64, type I32, i8x16, i32, i64, v128 } from '../wasm/wasm-values.ts'
import {
  boundsAt,
  FACTOR_AT,
  LENGTH_AT,
  PLACE_AT,
  RANGE_AT,
  TEXT_MASK_AT,
  type TemplateLayout,
  type TemplateValue,
} from './template-layout.ts'
import { RECORDS, type VectorCode } from './vector-code.ts'
import { TIME_PATTERN } from './wide-kinds.ts'

const QUOTE = 34
const BACKSLASH = 92
const LOW_BITS = 0x0f

export class TemplateCode {
  readonly #v: VectorCode
  readonly #layout: TemplateLayout
  /** Records that no template took. */
  readonly #unknown: Local<'i32'>

  constructor(v: VectorCode, layout: TemplateLayout) {
    this.#v = v
    this.#layout = layout
    this.#unknown = v.f.local('i32')
  }

  /** The record at `p`: jumps to `next` when it was read, else goes on. */
  compare(p: Local<'i32'>, length: Local<'i32'>, base: I32, next: Label): void {
    const { f } = this.#v
    const { area, vectors, values } = this.#layout
    const template = f.local('i32')
    const bad = f.local('i32')
    f.block((unknown) => {
      f.jumpIf(unknown, i32.gtU(length, i32.const(vectors * 16)))
      f.set(template, i32.load(i32.shl(length, i32.const(2)), area.firstOfLengthAt))
      f.block((fits) => {
        f.loop((another) => {
          f.jumpIf(unknown, i32.eqz(template))
          f.jumpIf(fits, i32.eqz(v128.anyTrue(this.#differences(p, template))))
          f.set(template, i32.load(template))
          f.jump(another)
        })
      })
      f.set(bad, i32.const(0))
      for (const value of values) this.#value(value, p, template, base, bad, unknown)
      f.jumpIf(unknown, bad)
      f.jump(next)
    })
  }

  /** Record `i` of the run was read in another way. */
  noteUnknown(i: I32, length: Local<'i32'>): void {
    const { f } = this.#v
    const { area, vectors } = this.#layout
    f.set(this.#unknown, i32.add(this.#unknown, i32.const(1)))
    f.storeI32(i32.const(area.unknownAt), this.#unknown)
    f.if(i32.eqz(i32.gtU(length, i32.const(vectors * 16))), () => {
      const number = i32.add(i, i32.const(1))
      f.storeI32(i32.shl(length, i32.const(2)), number, area.lastUnknownAt)
    })
  }

  /** Not zero in any byte: one of the record is out of the template's bounds. */
  #differences(p: Local<'i32'>, template: Local<'i32'>): Local<'v128'> {
    const { f } = this.#v
    const layout = this.#layout
    const differs = f.local('v128')
    for (let k = 0; k < layout.vectors; k++) {
      const at = boundsAt(layout, k)
      const bytes = f.keep(v128.load(p, 16 * k, RECORDS))
      const above = i8x16.sub(bytes, v128.load(template, at))
      const beyond = i8x16.subSatU(above, v128.load(template, at + RANGE_AT))
      f.set(differs, k === 0 ? beyond : v128.or(differs, beyond))
      if (!layout.hasPlainTexts) continue
      const ends = v128.or(
        i8x16.eq(bytes, this.#v.splat(QUOTE)),
        i8x16.eq(bytes, this.#v.splat(BACKSLASH)),
      )
      const inText = v128.and(ends, v128.load(template, at + TEXT_MASK_AT))
      f.set(differs, v128.or(differs, inText))
    }
    return differs
  }

  #value(
    value: TemplateValue,
    p: Local<'i32'>,
    template: Local<'i32'>,
    base: I32,
    bad: Local<'i32'>,
    unknown: Label,
  ): void {
    const { column, kind, at } = value
    if (column < 0) return
    const v = this.#v
    const { f } = v
    if (kind === 'boolean') {
      f.storeI8(v.row, i32.load(template, at + LENGTH_AT), v.places(column).valuesAt)
      return
    }
    const place = f.keep(i32.add(p, i32.load(template, at + PLACE_AT)))
    switch (kind) {
      case 'text':
        this.#text(value, place, template, base, unknown)
        break
      case 'number': {
        const digits = v.doubleOf(this.#eightsOf(value, place, template))
        v.storeDouble(column, f64.div(digits, f64.load(template, at + FACTOR_AT)))
        break
      }
      case 'integer':
      case 'long': {
        const digits = v.longOf(this.#eightsOf(value, place, template))
        v.storeWhole(column, kind, i64.mul(digits, i64.load(template, at + FACTOR_AT)))
        break
      }
      case 'time':
        this.#time(value, place, bad)
        break
    }
  }

  #text(
    { column, hasCode, at }: TemplateValue,
    start: Local<'i32'>,
    template: Local<'i32'>,
    base: I32,
    unknown: Label,
  ): void {
    const v = this.#v
    const { f } = v
    const places = v.places(column)
    if (!hasCode) {
      f.storeI32(v.row4, i32.sub(start, base), places.valuesAt)
      f.storeI32(v.row4, i32.load(template, at + LENGTH_AT), places.lengthsAt)
      return
    }
    f.block((known) => {
      const key = f.keep(v128.and(v128.load(start, 0, RECORDS), v128.load(template, at)))
      v.storeKnownCode(key, places, f.local('i32'), known)
      f.jump(unknown)
    })
  }

  #eightsOf({ at }: TemplateValue, start: Local<'i32'>, template: Local<'i32'>): Local<'v128'> {
    const digits = v128.and(v128.load(start, 0, RECORDS), this.#v.splat(LOW_BITS))
    return this.#v.eightsOf(i8x16.relaxedSwizzle(digits, v128.load(template, at)))
  }

  #time({ column, timeBytes }: TemplateValue, start: Local<'i32'>, bad: Local<'i32'>): void {
    const v = this.#v
    const { f } = v
    const places = v.places(column)
    const { place, isOther } = v.datePlaceOf(start, places)
    // Between digits: zeros of the pattern's exclusive or, where the bounds let nothing else pass.
    const mask = TIME_PATTERN.map((byte, i) => (i < timeBytes - 11 && byte === 48 ? LOW_BITS : 0))
    const digits = f.keep(v128.and(v128.load(start, 11, RECORDS), v.constant(mask)))
    f.set(bad, i32.or(bad, isOther))
    f.set(bad, i32.or(bad, v.storeTime(digits, place, places)))
  }
}
