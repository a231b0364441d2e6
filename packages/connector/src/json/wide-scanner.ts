/**
 * Runs a wide scanner (`wide-code.ts`) over records, where they lie when that is a shared memory,
 * and does for it what it cannot do: copies other records in, gives codes to texts that are new,
 * learns dates, and hands a record that did not fit to the narrow scanner of the same shape.
 *
 * Invariant: rows are those that the narrow scanner would have made, and it stops where that one
 * would have stopped.
 */
import { DAY_MS, type Field } from '@millrace/core'
import { sharedMemoryOf } from '../wasm/shared-memory.ts'
import { instantiateWasm } from '../wasm/wasm-function.ts'
import type { DecodeTarget } from './decode-target.ts'
import type { JsonDecodeOptions } from './json-record-parser.ts'
import { RecordTemplates } from './record-templates.ts'
import {
  DATE_MULTIPLIED_AT,
  DATE_MULTIPLIER,
  DATE_PLACE_BITS,
  MISS_WORDS,
  PLACE_BYTES,
  RUN_BYTES_MAX,
  RUN_RECORDS_MAX,
  type ScanMemory,
} from './scan-memory.ts'
import type { RecordShape, ShapeScanner } from './shape-scanner.ts'
import type { StringDictionary } from './string-dictionary.ts'
import { templateLayoutOf } from './template-layout.ts'
import { scanDate } from './timestamp-scanner.ts'
import { WideCode } from './wide-code.ts'
import { wideKinds } from './wide-kinds.ts'

/** In so many records one in eight may misfit; where more do, the narrow scanner is faster. */
const RECORDS_JUDGED = 4096
const MISFITS_MAX = RECORDS_JUDGED / 8
const DATE_BYTES = 11

type RunWide = (i: number, count: number, base: number, limit: number, row: number) => number

/** The scanner over records in one memory. */
class RecordsMemory {
  readonly run: RunWide
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(module: WebAssembly.Module, scan: ScanMemory, records: WebAssembly.Memory) {
    this.run = instantiateWasm(module, scan.memory, records)
    this.bytes = new Uint8Array(records.buffer)
    this.view = new DataView(records.buffer)
  }
}

export class WideScanner {
  readonly #module: WebAssembly.Module
  readonly #memory: ScanMemory
  /** Of records that were copied. */
  readonly #copied: RecordsMemory
  readonly #shared = new WeakMap<WebAssembly.Memory, RecordsMemory>()
  readonly #narrow: ShapeScanner
  readonly #templates: RecordTemplates | null
  readonly #dictionaries: readonly (StringDictionary | null)[]
  /** Columns of timestamps. */
  readonly #times: readonly number[]
  readonly #separator: number
  #records = 0
  #misfits = 0
  /** Too many records did not fit. */
  #gaveUp = false

  constructor(
    module: WebAssembly.Module,
    memory: ScanMemory,
    narrow: ShapeScanner,
    templates: RecordTemplates | null,
    target: DecodeTarget,
    options: JsonDecodeOptions,
  ) {
    this.#module = module
    this.#memory = memory
    this.#copied = new RecordsMemory(module, memory, memory.memory)
    this.#narrow = narrow
    this.#templates = templates
    this.#dictionaries = target.strings.map((strings) => strings?.dictionary ?? null)
    this.#times = target.fields.flatMap(({ type }: Field, k) =>
      type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ' ? [k] : [],
    )
    this.#separator = options.timestampStandard === 'SQL' ? 32 : 84
  }

  /** Too many records did not fit: the narrow scanner alone is faster. */
  get gaveUp(): boolean {
    return this.#gaveUp
  }

  readonly scan: ShapeScanner = (target, b, v, starts, lengths, from, to, row) => {
    const shared = sharedMemoryOf(b)
    const memory = shared === undefined ? this.#copied : this.#over(shared)
    const scan = this.#memory
    let record = from
    while (record < to && !this.#gaveUp) {
      const last = Math.min(to, record + RUN_RECORDS_MAX)
      const first = record
      let base = b.byteOffset
      let limit = base + b.length
      if (memory === this.#copied) {
        base = scan.recordsAt - (starts[first] as number)
        limit = scan.recordsAt + this.#copyIn(b, starts, lengths, first, last)
      }
      scan.starts.set(starts.subarray(first, last))
      scan.lengths.set(lengths.subarray(first, last))
      do {
        const at = row + record - from
        const read = memory.run(record - first, last - first, base, limit, at)
        this.#giveCodes(memory)
        this.#templates?.learn(first + read - record, memory.bytes, base, scan.starts)
        this.#judge(first + read - record)
        record = first + read
        if (record === last) break
        const end = base + (starts[record] as number) + (lengths[record] as number)
        // Cut off: it begins the next run, unless it is larger than one.
        if (end > limit && record > first) break
        this.#misfits++
        if (this.#learnDates(memory)) continue
        const here = row + record - from
        if (this.#narrow(target, b, v, starts, lengths, record, record + 1, here) === record) {
          return record
        }
        record++
      } while (record < last)
    }
    if (record === to) return to
    return this.#narrow(target, b, v, starts, lengths, record, to, row + record - from)
  }

  #over(shared: WebAssembly.Memory): RecordsMemory {
    let memory = this.#shared.get(shared)
    if (memory === undefined) {
      memory = new RecordsMemory(this.#module, this.#memory, shared)
      this.#shared.set(shared, memory)
    }
    return memory
  }

  #judge(records: number): void {
    this.#records += records
    if (this.#misfits > MISFITS_MAX) this.#gaveUp = true
    if (this.#records < RECORDS_JUDGED) return
    this.#records = 0
    this.#misfits = 0
  }

  /** Copies the bytes of records `from … to` in, as far as there is room; returns how many. */
  #copyIn(
    b: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
  ): number {
    const memory = this.#memory
    const base = starts[from] as number
    const end = (starts[to - 1] as number) + Math.max(lengths[to - 1] as number, 0)
    const bytes = Math.max(0, Math.min(end, base + RUN_BYTES_MAX, b.length) - base)
    memory.bytes.set(b.subarray(base, base + bytes), memory.recordsAt)
    return bytes
  }

  /** Codes for the texts that the last run noted; short ones are remembered. */
  #giveCodes(records: RecordsMemory): void {
    const { words, bytes, columns, missesAt, missesEndAt } = this.#memory
    const end = words[missesEndAt >> 2] as number
    for (let at = missesAt >> 2; at < end >> 2; at += MISS_WORDS) {
      const column = words[at] as number
      const row = words[at + 1] as number
      const start = words[at + 2] as number
      const length = words[at + 3] as number
      const place = words[at + 4] as number
      const dictionary = this.#dictionaries[column] as StringDictionary
      const places = columns[column] as (typeof columns)[number]
      const code = dictionary.code(records.bytes, records.view, start, length)
      words[(places.valuesAt >> 2) + row] = code
      if (place < 0) continue
      const first = places.placesAt + place
      // The one before becomes the second of the two.
      const isTaken = words[(first >> 2) + 4] !== 0
      if (isTaken) bytes.copyWithin(first + PLACE_BYTES, first, first + PLACE_BYTES)
      for (let i = 0; i < 16; i++) {
        bytes[first + i] = i < length ? (records.bytes[start + i] as number) : 0
      }
      words[(first >> 2) + 4] = code + 1
    }
  }

  /** Remembers the dates that the last run did not know; whether there was one. */
  #learnDates({ bytes, view }: RecordsMemory): boolean {
    const scan = this.#memory
    const { words, columns } = scan
    let learned = false
    for (const column of this.#times) {
      const { unknownDateAt, placesAt } = columns[column] as (typeof columns)[number]
      const at = words[unknownDateAt >> 2] as number
      if (at === 0) continue
      words[unknownDateAt >> 2] = 0
      const days = scanDate(bytes, at)
      if (Number.isNaN(days) || bytes[at + 10] !== this.#separator) continue
      const spread = view.getBigUint64(at + DATE_MULTIPLIED_AT, true) * DATE_MULTIPLIER
      const number = Number(BigInt.asUintN(64, spread) >> BigInt(64 - DATE_PLACE_BITS))
      const into = placesAt + number * PLACE_BYTES
      scan.bytes.set(bytes.subarray(at, at + DATE_BYTES), into)
      scan.view.setFloat64(into + 16, days * DAY_MS, true)
      learned = true
    }
    return learned
  }
}

/**
 * A scanner in vectors for `shape`, with `narrow` behind it; null when the shape is not for them,
 * or there is no memory for one.
 */
export function compileWideScanner(
  shape: RecordShape,
  narrow: ShapeScanner,
  target: DecodeTarget,
  options: JsonDecodeOptions,
): WideScanner | null {
  const kinds = wideKinds(target.fields, shape)
  if (kinds === null) return null
  try {
    const memory = target.inScanMemory()
    const { fields } = target
    const hasCodes = target.strings.map((strings) => strings?.dictionary != null)
    const area = memory.takeTemplateArea()
    const layout = area && templateLayoutOf(fields, shape, kinds, hasCodes, area)
    const module = new WideCode(fields, memory, hasCodes).build(shape, kinds, layout)
    if (module === null) return null
    const templates = layout && new RecordTemplates(layout, memory.memory.buffer)
    return new WideScanner(module, memory, narrow, templates, target, options)
  } catch (thrown) {
    // Of addresses, each such memory takes gigabytes: there may be a limit.
    if (thrown instanceof RangeError) return null
    throw thrown
  }
}
