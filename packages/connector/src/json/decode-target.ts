/**
 * The columns that a decoder writes into, reused from batch to batch.
 *
 * Both decode paths fill row `row` of the same arrays. Invariant: at the start of a row its null
 * bytes are 0 (`clearRow` restores that after a path gave up half-way).
 */
import {
  allocateColumn,
  type Column,
  ColumnBatch,
  type Field,
  physicalTypeOf,
  StringColumn,
  StringPool,
} from '@millrace/core'
import { ScanMemory } from './scan-memory.ts'
import { StringDictionary } from './string-dictionary.ts'

/**
 * A dictionary with more entries, or bytes, becomes references: its caches would cost more
 * than they save.
 */
export const DICTIONARY_ENTRIES_MAX = 65_536
export const DICTIONARY_BYTES_MAX = 4 << 20
/**
 * Beyond this many entries a dictionary must be reused: rows seen ≥ 4 × entries, or it
 * becomes references.
 */
const DICTIONARY_ENTRIES_FREE = 8_192

/** One STRING column: codes of a dictionary, or references into the records' bytes. */
export class StringTarget {
  dictionary: StringDictionary | null = new StringDictionary()
  /** With a dictionary: code of each row. Without: start and length of each row's text. */
  codes: Int32Array
  lengths: Int32Array
  /** Text that is not in the records as it is (escapes); a start of `~n` refers to byte n here. */
  side = new Uint8Array(0)
  sideUsed = 0
  #rowsSeen = 0

  constructor(capacity: number) {
    this.codes = new Int32Array(capacity)
    this.lengths = new Int32Array(capacity)
  }

  /** Whether the dictionary was given up; then generated code for it is stale. */
  beginBatch(rows: number): boolean {
    this.sideUsed = 0
    const dictionary = this.dictionary
    if (dictionary === null) return false
    const size = dictionary.pool.size
    const tooLarge = size > DICTIONARY_ENTRIES_MAX || dictionary.pool.used > DICTIONARY_BYTES_MAX
    if (tooLarge || (size > DICTIONARY_ENTRIES_FREE && this.#rowsSeen < 4 * size)) {
      this.dictionary = null
      return true
    }
    this.#rowsSeen += rows
    return false
  }

  put(row: number, b: Uint8Array, v: DataView, start: number, length: number): void {
    if (this.dictionary !== null) this.codes[row] = this.dictionary.code(b, v, start, length)
    else {
      this.codes[row] = start
      this.lengths[row] = length
    }
  }

  /** Stores text that stands in no record. */
  putCopy(row: number, text: Uint8Array): void {
    if (this.dictionary !== null) {
      const view = new DataView(text.buffer, text.byteOffset, text.byteLength)
      this.codes[row] = this.dictionary.code(text, view, 0, text.length)
      return
    }
    if (this.sideUsed + text.length > this.side.length) {
      const grown = new Uint8Array(Math.max(1024, (this.sideUsed + text.length) * 2))
      grown.set(this.side.subarray(0, this.sideUsed))
      this.side = grown
    }
    this.side.set(text, this.sideUsed)
    this.codes[row] = ~this.sideUsed
    this.lengths[row] = text.length
    this.sideUsed += text.length
  }

  toColumn(rows: number, b: Uint8Array, nulls: Uint8Array | null): StringColumn {
    if (this.dictionary !== null) return new StringColumn(this.dictionary.pool, this.codes, nulls)
    if (nulls !== null) {
      for (let i = 0; i < rows; i++) if (nulls[i] === 1) this.codes[i] = this.lengths[i] = 0
    }
    if (this.sideUsed === 0) {
      return new StringColumn(new StringPool(b, this.codes, this.lengths, rows), null, nulls)
    }
    return new StringColumn(this.#merged(rows, b), null, nulls)
  }

  /** References into two byte arrays → a pool over one. */
  #merged(rows: number, b: Uint8Array): StringPool {
    let total = 0
    for (let i = 0; i < rows; i++) total += this.lengths[i] as number
    const bytes = new Uint8Array(total)
    const starts = new Int32Array(rows)
    let at = 0
    for (let i = 0; i < rows; i++) {
      const start = this.codes[i] as number
      const length = this.lengths[i] as number
      const from = start < 0 ? this.side : b
      const first = start < 0 ? ~start : start
      for (let k = 0; k < length; k++) bytes[at + k] = from[first + k] as number
      starts[i] = at
      at += length
    }
    return new StringPool(bytes, starts, this.lengths, rows)
  }
}

export class DecodeTarget {
  readonly fields: readonly Field[]
  capacity = 0
  /** Column → its values array (STRING: the StringTarget's codes). */
  values: (Uint8Array | Int32Array | Float64Array | BigInt64Array)[] = []
  /** BIGINT and DECIMAL columns as pairs of 32-bit words, low first; null for others. */
  words: (Int32Array | null)[] = []
  nulls: Uint8Array[] = []
  /** 1 when the column has a NULL in this batch. */
  readonly hasNull: Uint8Array
  readonly strings: (StringTarget | null)[]
  /** Those of texts only stand for their kind: `strings` makes a column of each batch. */
  #columns: Column[] = []
  #scanMemory: ScanMemory | null = null

  constructor(fields: readonly Field[]) {
    this.fields = fields
    this.hasNull = new Uint8Array(fields.length)
    this.strings = fields.map((f) =>
      physicalTypeOf(f.type) === 'str' ? new StringTarget(0) : null,
    )
  }

  /** Makes room for `rows` rows; true when generated code must be made anew. */
  beginBatch(rows: number): boolean {
    let stale = false
    if (rows > this.capacity) {
      stale = this.#scanMemory !== null
      this.#allocate(Math.max(1024, 2 ** Math.ceil(Math.log2(rows))))
    }
    for (let k = 0; k < this.fields.length; k++) {
      if (this.hasNull[k] === 1) this.nulls[k]?.fill(0)
      this.hasNull[k] = 0
      if (this.strings[k]?.beginBatch(rows)) stale = true
    }
    return stale
  }

  #allocate(capacity: number): void {
    this.capacity = capacity
    this.#scanMemory = null
    this.#columns = this.fields.map(({ type }, k) =>
      allocateColumn(physicalTypeOf(type), this.strings[k] == null ? capacity : 0),
    )
    this.values = this.#columns.map((column, k) => {
      if (column.kind !== 'str') return column.values
      const strings = this.strings[k] as StringTarget
      strings.codes = new Int32Array(capacity)
      strings.lengths = new Int32Array(capacity)
      return strings.codes
    })
    this.words = this.values.map((v) =>
      v instanceof BigInt64Array ? new Int32Array(v.buffer) : null,
    )
    this.nulls = this.fields.map(() => new Uint8Array(capacity))
  }

  /** The memory of wide scanners, made when first asked for: the columns lie in it from then on. */
  inScanMemory(): ScanMemory {
    if (this.#scanMemory !== null) return this.#scanMemory
    const memory = new ScanMemory(this.fields, this.capacity)
    this.#scanMemory = memory
    const { buffer } = memory.memory
    for (const [k, { valuesAt, lengthsAt }] of memory.columns.entries()) {
      const old = this.values[k] as Float64Array
      const make = old.constructor as typeof Float64Array
      const values = new make(buffer, valuesAt, this.capacity)
      values.set(old)
      this.values[k] = values
      if (this.words[k] != null) {
        this.words[k] = new Int32Array(buffer, valuesAt, 2 * this.capacity)
      }
      const column = this.#columns[k] as Column
      const strings = this.strings[k]
      if (strings != null) {
        const lengths = new Int32Array(buffer, lengthsAt, this.capacity)
        lengths.set(strings.lengths)
        strings.codes = values as unknown as Int32Array
        strings.lengths = lengths
      } else if (column.kind !== 'str') column.values = values as never
    }
    return memory
  }

  setNull(column: number, row: number): void {
    ;(this.nulls[column] as Uint8Array)[row] = 1
    this.hasNull[column] = 1
  }

  clearRow(row: number): void {
    for (let k = 0; k < this.fields.length; k++) {
      if (this.hasNull[k] === 1) (this.nulls[k] as Uint8Array)[row] = 0
    }
  }

  /** `b`: the bytes that references point into. */
  toBatch(rows: number, b: Uint8Array): ColumnBatch {
    const columns = this.fields.map((_, k) => this.#column(k, rows, b))
    return new ColumnBatch(rows, columns)
  }

  #column(k: number, rows: number, b: Uint8Array): Column {
    const nulls = this.hasNull[k] === 1 ? (this.nulls[k] as Uint8Array) : null
    const strings = this.strings[k]
    if (strings != null) return strings.toColumn(rows, b, nulls)
    const column = this.#columns[k] as Column
    column.nulls = nulls
    return column
  }
}
