/**
 * Makes templates (`template-layout.ts`) of records that a wide scanner has read without one, and
 * keeps them in its memory: a few of each length of record.
 *
 * Where the lengths of values vary too much for templates, there are none.
 */
import { POWERS_OF_TEN } from './number-text.ts'
import { TEMPLATE_BYTES_MAX, TEMPLATE_RECORD_BYTES_MAX, TEMPLATES_MAX } from './scan-memory.ts'
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
import { TIME_LIMITS, TIME_PATTERN } from './wide-kinds.ts'

/** Templates of records of one length. */
const OF_A_LENGTH_MAX = 3
/** Made at first without delay, and then one of so many records. */
const MADE_AT_ONCE = 16
const RECORDS_A_TEMPLATE = 1024
/** When more than half of so many records had no template, there are no more. */
const RECORDS_JUDGED = 8192

const QUOTE = 34
const MINUS = 45
const POINT = 46
const ZERO = 48
const LETTER_T = 116
const LETTER_Z = 90
const SPACE = 32
/** From the space on to what is not ASCII any more. */
const TEXT_RANGE = 0x7f - SPACE
const DATE_BYTES = 11
const CODED_TEXT_BYTES_MAX = 15
const DIGITS_MAX = 15
const INTEGER_DIGITS_MAX = 9

/** Where a digit goes that is not there. */
const NO_BYTE = 0x80

export class RecordTemplates {
  readonly #layout: TemplateLayout
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #words: Int32Array
  /** Length of the records of each, by number; 0: not in use. */
  readonly #lengths = new Int32Array(TEMPLATES_MAX)
  /** Numbers of the templates of each length, newest first. */
  readonly #ofLength = new Map<number, number[]>()
  /** The template that is made. */
  readonly #draft: Uint8Array
  readonly #draftView: DataView
  #oldest = 0
  #allowed = MADE_AT_ONCE
  #records = 0
  #unknown = 0
  #gaveUp = false

  constructor(layout: TemplateLayout, memory: ArrayBuffer) {
    this.#layout = layout
    this.#bytes = new Uint8Array(memory)
    this.#view = new DataView(memory)
    this.#words = new Int32Array(memory)
    this.#draft = new Uint8Array(layout.bytes)
    this.#draftView = new DataView(this.#draft.buffer)
  }

  /**
   * After a run that read `records`: makes templates of those that had none. Record `i` of the run
   * is `bytes[starts[i] + base …]`.
   */
  learn(records: number, bytes: Uint8Array, base: number, starts: Int32Array): void {
    if (this.#gaveUp) return
    const { unknownAt, lastUnknownAt } = this.#layout.area
    const words = this.#words
    const unknown = words[unknownAt >> 2] as number
    this.#records += records
    this.#unknown += unknown
    this.#allowed = Math.min(MADE_AT_ONCE, this.#allowed + records / RECORDS_A_TEMPLATE)
    if (unknown > 0) {
      words[unknownAt >> 2] = 0
      for (let length = 1; length <= TEMPLATE_RECORD_BYTES_MAX; length++) {
        const number = words[(lastUnknownAt >> 2) + length] as number
        if (number === 0) continue
        words[(lastUnknownAt >> 2) + length] = 0
        if (this.#allowed < 1) continue
        this.#allowed--
        if (this.#fill(bytes, base + (starts[number - 1] as number), length)) this.#add(length)
      }
    }
    this.#judge()
  }

  #judge(): void {
    if (this.#records < RECORDS_JUDGED) return
    this.#gaveUp = this.#unknown * 2 > this.#records
    if (this.#gaveUp) {
      const first = this.#layout.area.firstOfLengthAt >> 2
      this.#words.fill(0, first, first + TEMPLATE_RECORD_BYTES_MAX + 1)
    }
    this.#records = 0
    this.#unknown = 0
  }

  /** Keeps the draft, unless there is such a template. */
  #add(length: number): void {
    const { templatesAt } = this.#layout.area
    const numbers = this.#ofLength.get(length) ?? []
    const draft = this.#draft
    const isThere = numbers.some((number) => {
      const at = templatesAt + number * TEMPLATE_BYTES_MAX
      // Its first word says where the next one is.
      for (let i = 4; i < draft.length; i++) if (this.#bytes[at + i] !== draft[i]) return false
      return true
    })
    if (isThere) return
    const number = numbers.length < OF_A_LENGTH_MAX ? this.#free() : (numbers.pop() as number)
    this.#lengths[number] = length
    this.#bytes.set(draft, templatesAt + number * TEMPLATE_BYTES_MAX)
    const now = this.#ofLength.get(length)?.filter((other) => other !== number) ?? []
    this.#link(length, [number, ...now])
  }

  /** A template's number that nobody has; the oldest one makes room. */
  #free(): number {
    const number = this.#oldest
    this.#oldest = (number + 1) % TEMPLATES_MAX
    const length = this.#lengths[number] as number
    const others = this.#ofLength.get(length)?.filter((other) => other !== number)
    if (others !== undefined) this.#link(length, others)
    return number
  }

  #link(length: number, numbers: number[]): void {
    const { templatesAt, firstOfLengthAt } = this.#layout.area
    this.#ofLength.set(length, numbers)
    let at = firstOfLengthAt + 4 * length
    for (const number of numbers) {
      const template = templatesAt + number * TEMPLATE_BYTES_MAX
      this.#view.setInt32(at, template, true)
      at = template
    }
    this.#view.setInt32(at, 0, true)
  }

  /** Fills the draft from a record that the scanner has read; false when it is not for it. */
  #fill(b: Uint8Array, start: number, length: number): boolean {
    const { literals, values, vectors } = this.#layout
    this.#draft.fill(0)
    for (let i = length; i < vectors * 16; i++) this.#allow(i, 0, 255)
    let at = 0
    for (const [i, value] of values.entries()) {
      at = this.#literal(b, start, at, at + (literals[i] as Uint8Array).length)
      const end = this.#value(value, b, start, at)
      if (end < 0) return false
      at = end
    }
    return this.#literal(b, start, at, length) === length
  }

  #allow(place: number, least: number, range: number): void {
    const at = boundsAt(this.#layout, place >> 4) + (place & 15)
    this.#draft[at] = least
    this.#draft[at + RANGE_AT] = range
  }

  /** Bytes that stand so in each record of the template. */
  #literal(b: Uint8Array, start: number, from: number, to: number): number {
    for (let i = from; i < to; i++) this.#allow(i, b[start + i] as number, 0)
    return to
  }

  /** Returns where the value ends, or -1. */
  #value(value: TemplateValue, b: Uint8Array, start: number, from: number): number {
    switch (value.kind) {
      case 'text':
        return this.#text(value, b, start, from)
      case 'time':
        return this.#time(value, b, start, from)
      case 'boolean': {
        const isTrue = b[start + from] === LETTER_T
        this.#draftView.setInt32(value.at + LENGTH_AT, isTrue ? 1 : 0, true)
        return this.#literal(b, start, from, from + (isTrue ? 4 : 5))
      }
      default:
        return this.#number(value, b, start, from)
    }
  }

  #text({ hasCode, at }: TemplateValue, b: Uint8Array, start: number, from: number): number {
    const first = this.#literal(b, start, from, from + 1)
    let end = first
    while (b[start + end] !== QUOTE) end++
    const length = end - first
    this.#draftView.setInt32(at + PLACE_AT, first, true)
    this.#draftView.setInt32(at + LENGTH_AT, length, true)
    if (hasCode) {
      if (length > CODED_TEXT_BYTES_MAX) return -1
      // Its bytes are those of a known text, or it has no code.
      this.#draft.fill(0xff, at, at + length)
      for (let i = first; i < end; i++) this.#allow(i, 0, 255)
    } else {
      for (let i = first; i < end; i++) {
        this.#allow(i, SPACE, TEXT_RANGE)
        this.#draft[boundsAt(this.#layout, i >> 4) + (i & 15) + TEXT_MASK_AT] = 0xff
      }
    }
    return this.#literal(b, start, end, end + 1)
  }

  #time(value: TemplateValue, b: Uint8Array, start: number, from: number): number {
    const first = this.#literal(b, start, from, from + 1)
    this.#draftView.setInt32(value.at + PLACE_AT, first, true)
    for (let i = 0; i < value.timeBytes; i++) {
      const inTime = i - DATE_BYTES
      // The date is compared with those that are remembered.
      if (inTime < 0) this.#allow(first + i, 0, 255)
      else this.#allow(first + i, TIME_PATTERN[inTime] as number, TIME_LIMITS[inTime] as number)
    }
    const end = first + value.timeBytes
    const behind = value.hasZone ? [LETTER_Z, QUOTE] : [QUOTE]
    for (const [i, byte] of behind.entries()) this.#allow(end + i, byte, 0)
    return end + behind.length
  }

  #number({ column, kind, at }: TemplateValue, b: Uint8Array, start: number, from: number): number {
    const isNegative = b[start + from] === MINUS
    const digits: number[] = []
    let point = -1
    let end = isNegative ? this.#literal(b, start, from, from + 1) : from
    for (; ; end++) {
      const byte = b[start + end] as number
      if (byte === POINT) {
        point = digits.length
        this.#allow(end, POINT, 0)
      } else if (byte >= ZERO && byte < ZERO + 10) {
        this.#allow(end, ZERO, 9)
        digits.push(end - from)
      } else break
    }
    // No zero in front of other digits.
    if ((point < 0 ? digits.length : point) > 1)
      this.#allow(from + (digits[0] as number), ZERO + 1, 8)
    if (digits.length > DIGITS_MAX || end - from > 16) return -1
    if (column < 0) return end
    this.#draft.fill(NO_BYTE, at, at + 16)
    this.#draft.set(digits, at + 16 - digits.length)
    this.#draftView.setInt32(at + PLACE_AT, from, true)
    const sign = isNegative ? -1 : 1
    if (kind === 'number') {
      const power = POWERS_OF_TEN[point < 0 ? 0 : digits.length - point] as number
      this.#draftView.setFloat64(at + FACTOR_AT, sign * power, true)
      return end
    }
    if (point >= 0 || (kind === 'integer' && digits.length > INTEGER_DIGITS_MAX)) return -1
    this.#draftView.setBigInt64(at + FACTOR_AT, BigInt(sign), true)
    return end
  }
}
