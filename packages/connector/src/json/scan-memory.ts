/**
 * The memory of one decoder's wide scanners (`wide-scanner.ts`), and what stands where in it.
 *
 * Records that lie elsewhere than in a shared memory are copied in, a run at a time; values are
 * written right into the arrays of the decoder's columns, which lie here. Beside them what scanners
 * remember: texts and their codes, dates and their milliseconds. Its size is fixed, so that no
 * array over it ever loses its bytes.
 */
import { type Field, type PhysicalType, physicalTypeOf } from '@millrace/core'
import { READ_AHEAD_BYTES } from '../wasm/shared-memory.ts'
import '../wasm/webassembly.ts'
import { POWERS_OF_TEN } from './number-text.ts'

export const RUN_RECORDS_MAX = 2048
/** Bytes that are copied in for a run: few enough to stay in the nearest caches. */
export const RUN_BYTES_MAX = 64 << 10

/** A text of at most 15 bytes, zeros behind it; its code + 1, or zero when the place is free. */
export const TEXT_PLACE_BITS = 12
/** A date and its separator, zeros behind those eleven bytes; milliseconds of its midnight. */
export const DATE_PLACE_BITS = 9
/** The place of a date: the highest of 64 bits of this times its last eight bytes. */
export const DATE_MULTIPLIER = 0x9e3779b97f4a7c15n
export const DATE_MULTIPLIED_AT = 3
/** Bytes of a place of either. */
export const PLACE_BYTES = 32
/** Column, row, start and length of a text whose code is not known; its place, or -1. */
export const MISS_WORDS = 5

/**
 * Of a number's form: how to bring its digits to the right end of a vector, what to divide them by
 * (less than zero when there is a sign), the least that they may be, bits for point and sign, and
 * for all that it takes.
 */
export const FORM_BYTES = 64
export const FORM_POWER_AT = 16
export const FORM_LEAST_AT = 24
export const FORM_MARKS_AT = 32
export const FORM_EXTENT_AT = 36
/** A form's number: what it takes, where its point is or would be, and whether it has a sign. */
export const FORM_POINT_BITS = 5
const EXTENT_MAX = 16
const DIGITS_MAX = 15

/** Records that are longer have no templates (`template-layout.ts`). */
export const TEMPLATE_RECORD_BYTES_MAX = 256
export const TEMPLATE_BYTES_MAX = 2048
/** Of one scanner. */
export const TEMPLATES_MAX = 32
/** Scanners that have templates: those of the first shapes that were seen. */
const TEMPLATE_AREAS = 2

const MASKS_AT = 64
const MISSES_END_AT = MASKS_AT + 256
const CONSTANTS_MAX = 2048
const PAGE_BYTES = 65_536

/** Of a row; a text's code or start. */
const BYTES_OF: Record<PhysicalType, number> = { bool: 1, i32: 4, f64: 8, i64: 8, str: 4 }

/** Where one scanner's templates stand. */
export interface TemplateArea {
  /** By the length of a record: the first of its templates, or zero. */
  readonly firstOfLengthAt: number
  /** By the length of a record: the last one in the run that had no template, its number + 1. */
  readonly lastUnknownAt: number
  /** The word that counts the records without a template. */
  readonly unknownAt: number
  readonly templatesAt: number
}

/** Where one column's things stand. */
export interface ColumnPlaces {
  /** The values; a text's code, or its start. */
  readonly valuesAt: number
  /** Texts that are references: their lengths. */
  readonly lengthsAt: number
  /** What is remembered: texts or dates. */
  readonly placesAt: number
  /** Of a timestamp: the address of a date that is not remembered, written by the scanner. */
  readonly unknownDateAt: number
}

export class ScanMemory {
  /** Entry n: 0xff in the first n of sixteen bytes. */
  readonly masksAt = MASKS_AT
  /** The word that says where the noted texts end. */
  readonly missesEndAt = MISSES_END_AT
  readonly formsAt: number
  readonly missesAt: number
  readonly startsAt: number
  readonly lengthsAt: number
  readonly recordsAt: number
  readonly columns: readonly ColumnPlaces[]
  readonly #templateAreas: TemplateArea[]
  readonly memory: WebAssembly.Memory
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly starts: Int32Array
  readonly lengths: Int32Array
  readonly words: Int32Array
  /** Address of each constant, by its bytes. */
  readonly #constants = new Map<string, number>()
  readonly #constantsAt: number

  /** Columns of `fields` with room for `capacity` rows. */
  constructor(fields: readonly Field[], capacity: number) {
    let at = MISSES_END_AT + 64
    const room = (bytes: number): number => {
      const place = at
      at += Math.ceil(bytes / 64) * 64
      return place
    }
    const texts = fields.filter(({ type }) => physicalTypeOf(type) === 'str').length
    this.#constantsAt = room(CONSTANTS_MAX * 16)
    this.formsAt = room(((EXTENT_MAX + 1) << (FORM_POINT_BITS + 1)) * FORM_BYTES)
    this.missesAt = room(texts * RUN_RECORDS_MAX * MISS_WORDS * 4)
    this.startsAt = room(RUN_RECORDS_MAX * 4)
    this.lengthsAt = room(RUN_RECORDS_MAX * 4)
    this.columns = fields.map(({ type }) => {
      const physical = physicalTypeOf(type)
      const isText = physical === 'str'
      const isTime = type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ'
      const places = isText ? 1 << TEXT_PLACE_BITS : isTime ? 1 << DATE_PLACE_BITS : 0
      return {
        valuesAt: room(capacity * BYTES_OF[physical]),
        lengthsAt: room(isText ? capacity * 4 : 0),
        placesAt: room(places * PLACE_BYTES),
        unknownDateAt: room(isTime ? 4 : 0),
      }
    })
    this.#templateAreas = Array.from({ length: TEMPLATE_AREAS }, () => ({
      firstOfLengthAt: room((TEMPLATE_RECORD_BYTES_MAX + 1) * 4),
      lastUnknownAt: room((TEMPLATE_RECORD_BYTES_MAX + 1) * 4),
      unknownAt: room(4),
      templatesAt: room(TEMPLATES_MAX * TEMPLATE_BYTES_MAX),
    }))
    this.recordsAt = room(RUN_BYTES_MAX + READ_AHEAD_BYTES)
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(at / PAGE_BYTES) })
    const { buffer } = this.memory
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.words = new Int32Array(buffer)
    this.starts = new Int32Array(buffer, this.startsAt, RUN_RECORDS_MAX)
    this.lengths = new Int32Array(buffer, this.lengthsAt, RUN_RECORDS_MAX)
    for (let n = 0; n < 16; n++) this.bytes.fill(0xff, MASKS_AT + 16 * n, MASKS_AT + 17 * n)
    // Marks that no number has, until a form is written.
    for (let at = this.formsAt; at < this.missesAt; at += FORM_BYTES) {
      this.view.setInt32(at + FORM_MARKS_AT, -1, true)
    }
    for (let extent = 1; extent <= EXTENT_MAX; extent++) {
      for (let sign = 0; sign <= 1; sign++) {
        // At least one digit in front of a point and one behind it.
        for (let point = sign + 1; point < extent - 1; point++) this.#writeForm(extent, point, sign)
        if (extent > sign) this.#writeForm(extent, extent, sign)
      }
    }
  }

  /** Room for a scanner's templates; null when others have taken it. */
  takeTemplateArea(): TemplateArea | null {
    return this.#templateAreas.shift() ?? null
  }

  /**
   * The address of sixteen constant bytes; null when there is no room for more. A load is one
   * instruction where V8 makes three of a constant.
   */
  constant(bytes: readonly number[]): number | null {
    const key = bytes.join()
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    if (this.#constants.size === CONSTANTS_MAX) return null
    const at = this.#constantsAt + 16 * this.#constants.size
    this.#constants.set(key, at)
    this.bytes.set(bytes, at)
    return at
  }

  /**
   * A number that takes `extent` bytes, with a point at byte `point` unless that is the end. A sign
   * counts as a digit, zero. A form that is not written lets no number pass.
   */
  #writeForm(extent: number, point: number, sign: number): void {
    const hasPoint = point < extent
    const digits = extent - (hasPoint ? 1 : 0)
    if (digits > DIGITS_MAX) return
    const number = (extent << (FORM_POINT_BITS + 1)) + (point << 1) + sign
    const at = this.formsAt + number * FORM_BYTES
    for (let lane = 0; lane < 16; lane++) {
      const digit = lane - (16 - digits)
      const source = digit < point ? digit : digit + 1
      this.bytes[at + lane] = digit < 0 ? 0x80 : source
    }
    const power = POWERS_OF_TEN[hasPoint ? extent - point - 1 : 0] as number
    const least = point - sign > 1 ? (POWERS_OF_TEN[digits - sign - 1] as number) : 0
    this.view.setFloat64(at + FORM_POWER_AT, sign === 1 ? -power : power, true)
    this.view.setFloat64(at + FORM_LEAST_AT, least, true)
    this.view.setInt32(at + FORM_MARKS_AT, sign | (hasPoint ? 1 << point : 0), true)
    this.view.setInt32(at + FORM_EXTENT_AT, (1 << extent) - 1, true)
  }
}
