/**
 * The general decode path: any valid JSON object → one row, whatever its field order,
 * spacing and spelling.
 *
 * Taken for the first record, and for each that differs from the shapes a scanner was generated
 * for. It also traces where the values of the record stood, which is what the next scanner is
 * generated from. A record is its first document; what follows is not read. Types are read as
 * leniently as the reference's format does: numbers and booleans from strings, anything as STRING.
 */
import { type Field, formatType } from '@millrace/core'
import { compactInto, hasEscape, shortTextOf, textOf, unescapeInto } from './byte-text.ts'
import type { DecodeTarget, StringTarget } from './decode-target.ts'
import { skipColon, skipSpace, skipString, skipValue } from './json-lexer.ts'
import { decimalOf, doubleOf, shortIntegerOf } from './number-text.ts'
import { scanDate, TimestampScanner } from './timestamp-scanner.ts'

export interface JsonDecodeOptions {
  readonly timestampStandard: 'SQL' | 'ISO-8601'
  readonly failOnMissingField: boolean
  readonly ignoreParseErrors: boolean
}

/** What is wrong with a record; the decoder adds the place. */
export class RecordProblem {
  readonly message: string
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    this.message = message
    this.hint = hint
  }
}

const encoder = new TextEncoder()
const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const SEPARATORS = { SQL: 'a space', 'ISO-8601': 'a T' }

export class JsonRecordParser {
  readonly #target: DecodeTarget
  readonly #options: JsonDecodeOptions
  readonly #names: readonly Uint8Array[]
  readonly #timestamps: readonly (TimestampScanner | null)[]
  /** Row → the record number that last set the column, to find missing ones. */
  readonly #seen: Int32Array
  #record = 0
  #scratch = new Uint8Array(256)
  /** Fields of the last record: value start, value end, column or -1. */
  trace = new Int32Array(3 * 64)
  traceLength = 0
  /** Where the last record ends, or its document when something follows. */
  documentEnd = 0
  /** Fields of the last record set to NULL because they did not fit (`ignore-parse-errors`). */
  fieldErrors = 0

  constructor(target: DecodeTarget, options: JsonDecodeOptions) {
    this.#target = target
    this.#options = options
    this.#names = target.fields.map((field) => encoder.encode(field.name))
    this.#seen = new Int32Array(target.fields.length)
    this.#timestamps = target.fields.map(({ type }) =>
      type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ'
        ? new TimestampScanner({
            standard: options.timestampStandard,
            withZone: type.kind === 'TIMESTAMP_LTZ',
            precision: type.precision,
          })
        : null,
    )
  }

  /**
   * Writes the record `b[start … end)` to `row`. Throws RecordProblem; then the row
   * is half written.
   */
  parse(b: Uint8Array, v: DataView, start: number, end: number, row: number): void {
    this.#record++
    this.traceLength = 0
    this.fieldErrors = 0
    let p = skipSpace(b, start, end)
    if (p >= end || b[p] !== 123) {
      const whole = skipValue(b, p, end)
      if (whole < 0) throw this.#malformed(b, start, end, ~whole)
      throw new RecordProblem(`Expected a JSON object, found ${shortTextOf(b, p, end)}.`)
    }
    p = skipSpace(b, p + 1, end)
    if (p < end && b[p] === 125) p++
    else p = this.#parseFields(b, v, start, p, end, row)
    // What follows the document is not looked at, as in the reference.
    this.documentEnd = skipSpace(b, p, end) === end ? end : p
    for (let k = 0; k < this.#seen.length; k++) {
      if (this.#seen[k] !== this.#record) this.#missing(k, row)
    }
  }

  #parseFields(
    b: Uint8Array,
    v: DataView,
    start: number,
    p: number,
    end: number,
    row: number,
  ): number {
    for (;;) {
      if (p >= end || b[p] !== 34) throw this.#malformed(b, start, end, p)
      const keyEnd = skipString(b, p, end)
      if (keyEnd < 0) throw this.#malformed(b, start, end, ~keyEnd)
      const value = skipColon(b, keyEnd, end)
      if (value < 0) throw this.#malformed(b, start, end, ~value)
      const column = this.#columnOf(b, p + 1, keyEnd - 1)
      const valueEnd = skipValue(b, value, end)
      if (valueEnd < 0) throw this.#malformed(b, start, end, ~valueEnd)
      this.#pushTrace(value, valueEnd, column)
      if (column >= 0) {
        if (this.#seen[column] === this.#record) (this.#target.nulls[column] as Uint8Array)[row] = 0
        this.#seen[column] = this.#record
        this.#convert(column, row, b, v, value, valueEnd)
      }
      p = skipSpace(b, valueEnd, end)
      const next = p < end ? b[p] : -1
      if (next === 125) return p + 1
      if (next !== 44) throw this.#malformed(b, start, end, p)
      p = skipSpace(b, p + 1, end)
    }
  }

  #pushTrace(start: number, end: number, column: number): void {
    const at = this.traceLength
    if (at + 3 > this.trace.length) {
      const grown = new Int32Array(this.trace.length * 2)
      grown.set(this.trace)
      this.trace = grown
    }
    this.trace[at] = start
    this.trace[at + 1] = end
    this.trace[at + 2] = column
    this.traceLength = at + 3
  }

  /** The projected column of the key with the body `b[start … keyEnd)`, or -1. */
  #columnOf(b: Uint8Array, start: number, keyEnd: number): number {
    if (hasEscape(b, start, keyEnd)) {
      const length = this.#unescape(b, start, keyEnd)
      b = this.#scratch
      start = 0
      keyEnd = length
    }
    next: for (let k = 0; k < this.#names.length; k++) {
      const name = this.#names[k] as Uint8Array
      if (name.length !== keyEnd - start) continue
      for (let i = 0; i < name.length; i++) if (name[i] !== b[start + i]) continue next
      return k
    }
    return -1
  }

  #unescape(b: Uint8Array, start: number, end: number): number {
    if (this.#scratch.length < end - start) this.#scratch = new Uint8Array((end - start) * 2)
    return unescapeInto(b, start, end, this.#scratch)
  }

  #missing(column: number, row: number): void {
    const { name, type } = this.#target.fields[column] as Field
    if (this.#options.failOnMissingField) {
      throw new RecordProblem(
        `Field '${name}' is missing.`,
        "Set 'json.fail-on-missing-field' = 'false' to read missing fields as NULL.",
      )
    }
    if (!type.nullable) {
      throw new RecordProblem(`Field '${name}' is missing and its column is NOT NULL.`)
    }
    this.#target.setNull(column, row)
  }

  #malformed(b: Uint8Array, start: number, end: number, at: number): RecordProblem {
    if (at >= end) {
      const found =
        start === end ? 'an empty record' : shortTextOf(b, Math.max(start, end - 20), end)
      return new RecordProblem(`The JSON record ends too early; it ends with ${found}.`)
    }
    const found = shortTextOf(b, at, Math.min(end, at + 20))
    return new RecordProblem(`The record is not valid JSON at byte ${at - start}, near ${found}`)
  }

  #mismatch(column: number, b: Uint8Array, start: number, end: number): RecordProblem {
    const { name, type } = this.#target.fields[column] as Field
    let hint: string | undefined
    if (type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ') {
      const standard = this.#options.timestampStandard
      const zone = type.kind === 'TIMESTAMP_LTZ' ? 'and a Z at the end' : 'and no zone'
      hint =
        `With 'json.timestamp-format.standard' = '${standard}' a ${type.kind} has ` +
        `${SEPARATORS[standard]} between date and time ${zone}.`
    }
    const found = shortTextOf(b, start, end)
    return new RecordProblem(`Field '${name}' expects ${formatType(type)}, found ${found}.`, hint)
  }

  #convert(k: number, row: number, b: Uint8Array, v: DataView, start: number, end: number): void {
    const fits = b[start] === 110 ? false : this.put(k, row, b, v, start, end)
    if (fits) return
    const { name, type } = this.#target.fields[k] as Field
    if (b[start] !== 110) {
      if (!this.#options.ignoreParseErrors) throw this.#mismatch(k, b, start, end)
      this.fieldErrors++
    }
    if (!type.nullable) {
      throw new RecordProblem(`Field '${name}' is null and its column is NOT NULL.`)
    }
    this.#target.setNull(k, row)
  }

  /** Writes a value other than null; false when it does not fit the type. */
  put(k: number, row: number, b: Uint8Array, v: DataView, start: number, end: number): boolean {
    const { type } = this.#target.fields[k] as Field
    const first = b[start] as number
    const isContainer = first === 123 || first === 91
    if (type.kind === 'STRING') {
      this.#putString(this.#target.strings[k] as StringTarget, row, b, v, start, end)
      return true
    }
    if (isContainer) return false
    if (first === 34) {
      if (!hasEscape(b, start, end)) return this.#putScalar(k, row, b, v, start + 1, end - 1, true)
      const text = new Uint8Array(end - start)
      const length = unescapeInto(b, start + 1, end - 1, text)
      return this.#putScalar(k, row, text, new DataView(text.buffer), 0, length, true)
    }
    return this.#putScalar(k, row, b, v, start, end, false)
  }

  #putString(
    strings: StringTarget,
    row: number,
    b: Uint8Array,
    v: DataView,
    start: number,
    end: number,
  ): void {
    const first = b[start] as number
    if (first === 34) {
      if (!hasEscape(b, start, end)) strings.put(row, b, v, start + 1, end - start - 2)
      else {
        const length = this.#unescape(b, start + 1, end - 1)
        strings.putCopy(row, this.#scratch.subarray(0, length))
      }
    } else if (first === 123 || first === 91) {
      if (this.#scratch.length < end - start) this.#scratch = new Uint8Array((end - start) * 2)
      const length = compactInto(b, start, end, this.#scratch)
      strings.putCopy(row, this.#scratch.subarray(0, length))
    } else strings.put(row, b, v, start, end - start)
  }

  /** The bytes of a number, `true`, `false`, or of a string's body (`quoted`). */
  #putScalar(
    k: number,
    row: number,
    b: Uint8Array,
    v: DataView,
    start: number,
    end: number,
    quoted: boolean,
  ): boolean {
    const target = this.#target
    const { type } = target.fields[k] as Field
    const isNumber = !quoted && b[start] !== 116 && b[start] !== 102
    switch (type.kind) {
      case 'TIMESTAMP':
      case 'TIMESTAMP_LTZ': {
        if (!quoted) return false
        const scanner = this.#timestamps[k] as TimestampScanner
        const ms = scanner.scan(b, v, start, end)
        if (Number.isNaN(ms) || scanner.end !== end) return false
        ;(target.values[k] as Float64Array)[row] = ms
        return true
      }
      case 'DATE': {
        const days = quoted && end - start === 10 ? scanDate(b, start) : Number.NaN
        if (Number.isNaN(days)) return false
        ;(target.values[k] as Int32Array)[row] = days
        return true
      }
      case 'BOOLEAN': {
        const text = textOf(b, start, end).trim().toLowerCase()
        ;(target.values[k] as Uint8Array)[row] = text === 'true' ? 1 : 0
        return text === 'true' || text === 'false'
      }
      case 'FLOAT':
      case 'DOUBLE': {
        const value = isNumber
          ? doubleOf(b, start, end)
          : doubleOfText(textOf(b, start, end), quoted)
        if (value === null) return false
        ;(target.values[k] as Float64Array)[row] =
          type.kind === 'FLOAT' ? Math.fround(value) : value
        return true
      }
      case 'DECIMAL': {
        if (!isNumber && !quoted) return false
        const value = decimalOf(textOf(b, start, end).trim(), type.precision, type.scale)
        if (value === null) return false
        ;(target.values[k] as BigInt64Array)[row] = value
        return true
      }
      case 'BIGINT': {
        const value = this.#integer(b, start, end, isNumber, quoted)
        if (value === null || value < INT64_MIN || value > INT64_MAX) return false
        ;(target.values[k] as BigInt64Array)[row] = BigInt(value)
        return true
      }
      case 'TINYINT':
      case 'SMALLINT': {
        // Read from its text, in the reference too: a fraction or an exponent does not fit.
        const text = isNumber || quoted ? textOf(b, start, end).trim() : ''
        const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
        const limit = type.kind === 'TINYINT' ? 128 : 32_768
        if (!(value >= -limit && value < limit)) return false
        ;(target.values[k] as Int32Array)[row] = value
        return true
      }
      default: {
        const value = this.#integer(b, start, end, isNumber, quoted)
        if (value === null) return false
        if (type.kind === 'INTERVAL_DAY_TIME') {
          ;(target.values[k] as Float64Array)[row] = Number(value)
          return true
        }
        if (value < -(2 ** 31) || value > 2 ** 31 - 1) return false
        ;(target.values[k] as Int32Array)[row] = Number(value)
        return true
      }
    }
  }

  /**
   * A whole number; a JSON number with a fraction loses it, as in the reference, a string with
   * one does not fit.
   */
  #integer(
    b: Uint8Array,
    start: number,
    end: number,
    isNumber: boolean,
    quoted: boolean,
  ): bigint | number | null {
    if (isNumber) {
      const short = shortIntegerOf(b, start, end)
      if (!Number.isNaN(short)) return short
    } else if (!quoted) return null
    const text = textOf(b, start, end).trim()
    if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace('+', ''))
    if (quoted) return null
    const value = Math.trunc(Number(text))
    return Number.isFinite(value) ? BigInt(value) : null
  }
}

/** Text of a string → double, as the reference reads it; null when it is none. */
function doubleOfText(text: string, quoted: boolean): number | null {
  const trimmed = text.trim()
  if (!quoted || trimmed === '') return null
  if (trimmed === 'NaN') return Number.NaN
  if (!/^[+-]?(Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/.test(trimmed)) return null
  return Number(trimmed)
}
