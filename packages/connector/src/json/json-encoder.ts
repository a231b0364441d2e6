/**
 * Columns → JSON records, straight into bytes.
 *
 * Field names are escaped once; each row is its fields' prefixes and the values' digits. Timestamps
 * are written as the reference writes them: a fraction only when there is one, without trailing
 * zeros; non-finite doubles as the strings "NaN", "Infinity", "-Infinity".
 */
import {
  type Column,
  type ColumnBatch,
  type Field,
  type Schema,
  type StringColumn,
  shortestFloat,
} from '@millrace/core'
import { type FormatEncoder, RecordSpans } from '../format.ts'
import { TimestampWriter } from './timestamp-writer.ts'

export interface JsonEncodeOptions {
  readonly timestampStandard: 'SQL' | 'ISO-8601'
  readonly ignoreNullFields: boolean
}

const encoder = new TextEncoder()
const HEX = encoder.encode('0123456789abcdef')
/** Byte → 0 as it is, 1 \u00xx, else the letter after the backslash. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, c) => (c < 32 ? 1 : 0))
for (const [c, letter] of [
  [34, 34],
  [92, 92],
  [8, 98],
  [9, 116],
  [10, 110],
  [12, 102],
  [13, 114],
] as const) {
  ESCAPES[c] = letter
}
/** More bytes than any value but a string needs. */
const SCALAR_BYTES_MAX = 64

export class JsonEncoder implements FormatEncoder {
  readonly #fields: readonly Field[]
  /** `"name":` of each field. */
  readonly #keys: readonly Uint8Array[]
  readonly #options: JsonEncodeOptions
  readonly #timestamps: TimestampWriter
  #bytes = new Uint8Array(64 * 1024)
  #at = 0
  #starts = new Int32Array(0)
  #lengths = new Int32Array(0)

  constructor(schema: Schema, options: JsonEncodeOptions) {
    this.#fields = schema.fields
    this.#keys = schema.fields.map(({ name }) => encoder.encode(`${JSON.stringify(name)}:`))
    this.#options = options
    this.#timestamps = new TimestampWriter(options.timestampStandard)
  }

  encode(batch: ColumnBatch): RecordSpans {
    const { rowCount, columns } = batch
    if (rowCount > this.#starts.length) {
      this.#starts = new Int32Array(rowCount)
      this.#lengths = new Int32Array(rowCount)
    }
    this.#at = 0
    for (let row = 0; row < rowCount; row++) {
      const start = this.#at
      this.#room(1)
      this.#bytes[this.#at++] = 123
      let first = true
      for (let k = 0; k < columns.length; k++) {
        const column = columns[k] as Column
        const isNull = column.nulls !== null && column.nulls[row] === 1
        if (isNull && this.#options.ignoreNullFields) continue
        const key = this.#keys[k] as Uint8Array
        this.#room(key.length + SCALAR_BYTES_MAX)
        if (!first) this.#bytes[this.#at++] = 44
        first = false
        for (let i = 0; i < key.length; i++) this.#bytes[this.#at++] = key[i] as number
        if (isNull) this.#ascii('null')
        else this.#value(this.#fields[k] as Field, column, row)
      }
      this.#room(1)
      this.#bytes[this.#at++] = 125
      this.#starts[row] = start
      this.#lengths[row] = this.#at - start
    }
    return new RecordSpans(this.#bytes, this.#starts, this.#lengths, rowCount)
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
  }

  #ascii(text: string): void {
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i)
    this.#at = at
  }

  #value({ type }: Field, column: Column, row: number): void {
    switch (column.kind) {
      case 'str':
        this.#string(column, row)
        return
      case 'bool':
        this.#ascii(column.values[row] === 1 ? 'true' : 'false')
        return
      case 'i32': {
        const value = column.values[row] as number
        if (type.kind !== 'DATE') this.#ascii(String(value))
        else this.#at = this.#timestamps.writeDate(value, this.#bytes, this.#at)
        return
      }
      case 'i64': {
        const value = column.values[row] as bigint
        this.#ascii(type.kind === 'DECIMAL' ? decimalText(value, type.scale) : String(value))
        return
      }
      case 'f64': {
        const held = column.values[row] as number
        const value = type.kind === 'FLOAT' ? shortestFloat(held) : held
        if (type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ') {
          const withZone = type.kind === 'TIMESTAMP_LTZ'
          const { precision } = type
          this.#at = this.#timestamps.write(value, precision, withZone, this.#bytes, this.#at)
        } else if (Number.isFinite(value)) this.#ascii(Object.is(value, -0) ? '-0.0' : `${value}`)
        else this.#ascii(`"${value}"`)
      }
    }
  }

  #string(column: StringColumn, row: number): void {
    const { pool, codes } = column
    const entry = codes === null ? row : (codes[row] as number)
    const from = pool.starts[entry] as number
    const length = pool.lengths[entry] as number
    this.#room(6 * length + 2)
    const source = pool.bytes
    const bytes = this.#bytes
    let at = this.#at
    bytes[at++] = 34
    for (let i = from; i < from + length; i++) {
      const c = source[i] as number
      const letter = ESCAPES[c] as number
      if (letter === 0) bytes[at++] = c
      else {
        bytes[at++] = 92
        if (letter !== 1) bytes[at++] = letter
        else {
          bytes[at++] = 117
          bytes[at++] = 48
          bytes[at++] = 48
          bytes[at++] = HEX[c >> 4] as number
          bytes[at++] = HEX[c & 15] as number
        }
      }
    }
    bytes[at++] = 34
    this.#at = at
  }
}

/** A plain number without trailing zeros, as the reference writes a decimal. */
function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value)
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const whole = digits.slice(0, -scale)
  const fraction = digits.slice(-scale).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
