/**
 * Spans of JSON records → a column batch.
 *
 * Runs records through the generated scanners of the shapes seen lately, most recent first; a
 * record that none takes goes to the general parser, which also teaches the next scanner. A shape
 * that many records have gets a scanner in vectors (`wide-scanner.ts`).
 * Invariant: which path a record takes never shows in the result.
 */
import type { ColumnBatch, Field, OperatorMetrics } from '@millrace/core'
import { connectorError } from '../error-codes.ts'
import type { DecodeOrigin, FormatDecoder, RecordSpans } from '../format.ts'
import { shortTextOf } from './byte-text.ts'
import { DecodeTarget } from './decode-target.ts'
import { type JsonDecodeOptions, JsonRecordParser, RecordProblem } from './json-record-parser.ts'
import {
  compileShapeScanner,
  type RecordShape,
  type ShapeScanner,
  shapeKey,
  shapeOf,
} from './shape-scanner.ts'
import { compileWideScanner, type WideScanner } from './wide-scanner.ts'

/** Scanners kept at a time; the least recently used one makes room. */
const SCANNERS_MAX = 8
/**
 * Records that the general parser must have read for each scanner compiled so far, before
 * another is compiled.
 */
const RECORDS_PER_COMPILE = 64

/**
 * Records that a scanner is given at once: short enough a run that the optimizing compilers take
 * the scanner as a whole at its next call, instead of once in the midst of its loop and once more
 * as a whole; each takes about 20 ms of CPU a slot.
 */
const RECORDS_A_RUN = 128

/**
 * After so many records in a row that no scanner took, all scanners are tried at every
 * sixteenth record only.
 */
const MISSES_IN_A_ROW_MAX = 32

/** Records of a shape before it is worth a wide scanner. */
const RECORDS_BEFORE_WIDE = 256

interface KnownShape {
  readonly key: string
  readonly shape: RecordShape
  readonly scan: ShapeScanner
  /** Made once there were `RECORDS_BEFORE_WIDE`; stays null where it is not for the shape. */
  wide: WideScanner | null
  /** Of those. */
  recordsLeft: number
}

export class JsonDecoder implements FormatDecoder {
  readonly #target: DecodeTarget
  readonly #parser: JsonRecordParser
  readonly #options: JsonDecodeOptions
  readonly #metrics: OperatorMetrics
  #shapes: KnownShape[] = []
  #compiled = 0
  #parsedSinceCompile = 0
  #missesInARow = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)

  /** `fields`: the projected columns in output order. */
  constructor(fields: readonly Field[], options: JsonDecodeOptions, metrics: OperatorMetrics) {
    this.#target = new DecodeTarget(fields)
    this.#parser = new JsonRecordParser(this.#target, options)
    this.#options = options
    this.#metrics = metrics
  }

  decode(spans: RecordSpans, from: number, to: number, origin: DecodeOrigin): ColumnBatch {
    const { bytes, starts, lengths } = spans
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    const view = this.#view
    const target = this.#target
    // Generated code holds the dictionaries; a column that gave its up needs new code.
    if (target.beginBatch(to - from)) this.#forgetShapes()
    let row = 0
    let record = from
    while (record < to) {
      const next = this.#scan(bytes, view, starts, lengths, record, to, row)
      row += next - record
      record = next
      if (record === to) break
      if (this.#parse(spans, record, row, origin)) row++
      record++
    }
    return target.toBatch(row, bytes)
  }

  /** Decodes as many records as known shapes take. */
  #scan(
    b: Uint8Array,
    v: DataView,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
    row: number,
  ): number {
    const shapes = this.#shapes
    const isLosing = this.#missesInARow > MISSES_IN_A_ROW_MAX && (from & 15) !== 0
    const tries = isLosing ? Math.min(1, shapes.length) : shapes.length
    let record = from
    for (let s = 0; s < tries && record < to; ) {
      const shape = shapes[s] as KnownShape
      const next = this.#scanShape(shape, b, v, starts, lengths, record, to, row)
      if (next < to) this.#target.clearRow(row + next - record)
      if (next > record) {
        this.#missesInARow = 0
        row += next - record
        record = next
        if (s > 0) {
          shapes.copyWithin(1, 0, s)
          shapes[0] = shape
        }
        s = 1
      } else s++
    }
    return record
  }

  #scanShape(
    shape: KnownShape,
    b: Uint8Array,
    v: DataView,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
    row: number,
  ): number {
    let record = from
    while (record < to) {
      const { wide } = shape
      if (wide !== null && !wide.gaveUp) {
        return wide.scan(this.#target, b, v, starts, lengths, record, to, row + record - from)
      }
      const end = Math.min(to, record + RECORDS_A_RUN)
      const next = shape.scan(this.#target, b, v, starts, lengths, record, end, row + record - from)
      if (shape.recordsLeft > 0 && (shape.recordsLeft -= next - record) <= 0) this.#widen(shape)
      if (next < end) return next
      record = end
    }
    return record
  }

  #widen(known: KnownShape): void {
    known.wide = compileWideScanner(known.shape, known.scan, this.#target, this.#options)
  }

  /** The general path for one record; false when it gives no row. */
  #parse(spans: RecordSpans, record: number, row: number, origin: DecodeOrigin): boolean {
    const start = spans.starts[record] as number
    const length = spans.lengths[record] as number
    if (length < 0) return false
    const parser = this.#parser
    this.#parsedSinceCompile++
    this.#missesInARow++
    try {
      parser.parse(spans.bytes, this.#view, start, start + length, row)
    } catch (thrown) {
      if (!(thrown instanceof RecordProblem)) throw thrown
      this.#target.clearRow(row)
      if (!this.#options.ignoreParseErrors) throw this.#error(thrown, spans, record, origin)
      this.#metrics.numRecordsInErrors++
      return false
    }
    if (parser.fieldErrors > 0) this.#metrics.numRecordsInErrors++
    if (this.#parsedSinceCompile > this.#compiled * RECORDS_PER_COMPILE) {
      this.#learn(spans.bytes, start, parser.documentEnd)
    }
    return true
  }

  #learn(b: Uint8Array, start: number, end: number): void {
    const shape = shapeOf(this.#parser, b, start, end)
    if (shape === null) return
    const key = shapeKey(shape)
    if (this.#shapes.some((known) => known.key === key)) return
    const scan = compileShapeScanner(shape, this.#target, this.#parser, this.#options)
    this.#shapes.unshift({ key, shape, scan, wide: null, recordsLeft: RECORDS_BEFORE_WIDE })
    if (this.#shapes.length > SCANNERS_MAX) this.#shapes.pop()
    this.#compiled++
    this.#parsedSinceCompile = 0
  }

  #forgetShapes(): void {
    this.#shapes = []
    this.#compiled = 0
  }

  #error(problem: RecordProblem, spans: RecordSpans, record: number, origin: DecodeOrigin): Error {
    const place = origin.locate(record)
    const start = spans.starts[record] as number
    const end = start + (spans.lengths[record] as number)
    const text = shortTextOf(spans.bytes, start, end)
    return connectorError(
      'FORMAT_RECORD_MALFORMED',
      `Cannot read a JSON record: ${problem.message} Record: ${text}`,
      {
        location: place,
        hint:
          problem.hint ??
          "Correct the record or the column's type, or set 'json.ignore-parse-errors' = 'true' to skip and count such records.",
      },
    )
  }
}
