/**
 * RecordLayout: where the fields of a table's entry lie within its record of 8-byte words.
 *
 *     word 0         hash of (key, sub), then flags: bit 31 the entry is there, bit 30 a mark,
 *                    bits 0 … NULL fields
 *     further words  NULL bits of fields beyond the 30th; with sub columns the hash of the key
 *                    alone, then links
 *     then           key, sub, `$written`, value: a word each
 *
 * All that a look-up and an update touch lies side by side: a BIGINT key with COUNT and SUM is 32
 * bytes, half a cache line. Invariant: the layout follows from the spec alone.
 */
import {
  type Field,
  type PhysicalType,
  physicalTypeOf,
  type StateTableSpec,
  storedSchemaOf,
} from '@millrace/core'

/** In the flags. */
export const LIVE = 1 << 31
export const MARK = 1 << 30
const FLAG_NULLS = 30

export interface FieldPlace {
  readonly type: PhysicalType
  /**
   * Word of the record. An `i64` is in `longs`, any other number a double in `words`, a text its
   * entry of the heap there, -1: NULL.
   */
  readonly word: number
  /**
   * 32-bit integer of the record that holds its NULL bit, and the bit; 0: never NULL, or a text.
   */
  readonly nullInt: number
  readonly nullBit: number
}

export class RecordLayout {
  readonly stride: number
  readonly keyCount: number
  /** Key and sub fields. */
  readonly keyed: readonly FieldPlace[]
  readonly values: readonly FieldPlace[]
  /** All fields of a stored row. */
  readonly stored: readonly FieldPlace[]
  /** Word of the time of the last write, -1: none. */
  readonly writtenWord: number
  /** Integer of the record that holds the hash by which its key group is known. */
  readonly keyHashInt: number
  /**
   * First of two integers that link the entries of a key, and of two that link those of a
   * time; -1 without.
   */
  readonly linkInt: number
  readonly timerInt: number
  readonly valueStart: number

  constructor(spec: StateTableSpec, timers: boolean) {
    const { fields } = storedSchemaOf(spec)
    const subCount = spec.sub?.columns.fields.length ?? 0
    this.keyCount = spec.key.fields.length
    const keyedCount = this.keyCount + subCount
    const nullInts = Math.ceil(Math.max(0, fields.length - FLAG_NULLS) / 32)
    this.keyHashInt = spec.sub === null ? 0 : 2 + nullInts
    this.linkInt = spec.sub === null ? -1 : this.keyHashInt + 1
    this.timerInt = timers ? this.linkInt + 2 : -1
    const headerInts = 2 + nullInts + (spec.sub === null ? 0 : 3) + (timers ? 2 : 0)
    const firstWord = (headerInts + 1) >> 1
    this.stored = fields.map((field, index) => placeOf(field, index, firstWord, keyedCount))
    this.keyed = this.stored.slice(0, keyedCount)
    this.writtenWord = spec.ttlMs > 0 ? firstWord + keyedCount : -1
    this.valueStart = firstWord + fields.length - spec.value.fields.length
    this.values = this.stored.slice(fields.length - spec.value.fields.length)
    this.stride = firstWord + fields.length
  }
}

/**
 * Key fields may be NULL whatever their type says: an exchange and its query agree on that,
 * not the table.
 */
function placeOf(field: Field, index: number, firstWord: number, keyedCount: number): FieldPlace {
  const type = physicalTypeOf(field.type)
  const canBeNull = type !== 'str' && (index < keyedCount || field.type.nullable)
  const beyond = index - FLAG_NULLS
  return {
    type,
    word: firstWord + index,
    nullInt: beyond < 0 ? 1 : 2 + (beyond >> 5),
    nullBit: !canBeNull ? 0 : beyond < 0 ? 1 << index : 1 << (beyond & 31),
  }
}

/** Value words of an entry that nobody has written to: zeros, and texts NULL. */
export function defaultWords(layout: RecordLayout): Float64Array {
  return Float64Array.from(layout.values, ({ type }) => (type === 'str' ? -1 : 0))
}
