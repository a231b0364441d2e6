/**
 * Output columns that a generated projection writes and reuses from batch to batch.
 *
 * Invariant: what `finish` returns is valid until the next `begin`, the ownership rule of batches.
 */
import {
  allocateColumn,
  allocateStringPool,
  appendText,
  BATCH_BYTES_MAX,
  type Column,
  encodeUtf8Into,
  gatherBytes,
  growArray,
  growColumn,
  type LogicalType,
  layoutOf,
  physicalTypeOf,
  type StringColumn,
  StringPool,
} from '@millrace/core'
import { expressionError } from '../error-codes.ts'

/**
 * A computed column: generated code stores into `values` and `nulls`, texts through the
 * `put` methods.
 */
export class OutputColumn {
  readonly #column: Column
  readonly #writer: TextWriter | null
  #capacity = 0
  nulls: Uint8Array = new Uint8Array(0)

  constructor(type: LogicalType) {
    this.#column = allocateColumn(physicalTypeOf(type), 0)
    this.#writer = this.#column.kind === 'str' ? new TextWriter() : null
  }

  /**
   * Makes room for `rowCount` rows; `source` is the column that memo slots refer to, null when
   * there is none.
   */
  begin(rowCount: number, source: StringColumn | null): void {
    if (rowCount > this.#capacity) {
      this.#capacity = Math.max(rowCount, this.#capacity * 2)
      this.nulls = new Uint8Array(this.#capacity)
      if (this.#writer === null) growColumn(this.#column, this.#capacity)
    }
    this.#writer?.begin(this.#capacity, source)
  }

  get values(): unknown {
    return this.#writer ?? (this.#column as Exclude<Column, StringColumn>).values
  }

  finish(rowCount: number, hasNulls: boolean): Column {
    const column = this.#column
    column.nulls = hasNulls ? this.nulls : null
    this.#writer?.finish(column as StringColumn, rowCount)
    return column
  }
}

/** What one column's texts of a batch may take, or its dictionary over many. */
const TEXT_BYTES_MAX = 16 * BATCH_BYTES_MAX

function tooLarge(used: number): Error {
  return expressionError(
    'TEXTS_TOO_LARGE',
    `Make shorter texts of each row: those of one batch take more than ${TEXT_BYTES_MAX} bytes (${used} so far).`,
  )
}

/**
 * Texts of one output column: a packed pool of references, or codes of an append-only pool when the
 * source is a dictionary.
 */
export class TextWriter {
  #bytes = new Uint8Array(4096)
  #starts = new Int32Array(0)
  #lengths = new Int32Array(0)
  #used = 0
  /** Dictionary mode: the source's pool, our pool made from it, and source slot → our code. */
  #sourcePool: StringPool | null = null
  #pool = allocateStringPool(0, 0)
  #codeOfSlot = new Int32Array(0)
  #codes = new Int32Array(0)
  #dictionary = false

  begin(capacity: number, source: StringColumn | null): void {
    this.#dictionary = source !== null && source.codes !== null
    if (!this.#dictionary) {
      this.#used = 0
      if (this.#starts.length < capacity) {
        this.#starts = new Int32Array(capacity)
        this.#lengths = new Int32Array(capacity)
      }
      return
    }
    const pool = (source as StringColumn).pool
    if (this.#codes.length < capacity) this.#codes = new Int32Array(capacity)
    if (this.#sourcePool !== pool) {
      this.#sourcePool = pool
      this.#pool = allocateStringPool(16, 256)
      this.#codeOfSlot.fill(-1)
    }
    if (this.#codeOfSlot.length <= pool.size) {
      const grown = new Int32Array(pool.size * 2 + 1).fill(-1)
      grown.set(this.#codeOfSlot)
      this.#codeOfSlot = grown
    }
  }

  /** The text of output row `row`. Throws TEXTS_TOO_LARGE, never for the first text of a batch. */
  put(row: number, text: string): void {
    if (this.#used + text.length > TEXT_BYTES_MAX && this.#used > 0) throw tooLarge(this.#used)
    const needed = this.#used + text.length * 3
    if (needed > this.#bytes.length) this.#bytes = growArray(this.#bytes, needed)
    const length = encodeUtf8Into(text, this.#bytes, this.#used)
    this.#starts[row] = this.#used
    this.#lengths[row] = length
    this.#used += length
  }

  /**
   * As `put`, where `slot` identifies the text among the source dictionary's results (−1:
   * no dictionary).
   */
  putOfSlot(row: number, text: string, slot: number): void {
    if (!this.#dictionary) {
      this.put(row, text)
      return
    }
    let code = this.#codeOfSlot[slot] as number
    if (code < 0) {
      const { used } = this.#pool
      if (used + text.length > TEXT_BYTES_MAX && used > 0) {
        this.#sourcePool = null
        throw tooLarge(used)
      }
      code = appendText(this.#pool, text)
      this.#codeOfSlot[slot] = code
    }
    this.#codes[row] = code
  }

  /** A NULL row: an empty text, so that nothing stale is read. */
  putNull(row: number): void {
    if (this.#dictionary) this.#codes[row] = 0
    else {
      this.#starts[row] = 0
      this.#lengths[row] = 0
    }
  }

  finish(column: StringColumn, rowCount: number): void {
    if (this.#dictionary) {
      column.pool = this.#pool
      column.codes = this.#codes
    } else {
      column.pool = new StringPool(this.#bytes, this.#starts, this.#lengths, rowCount)
      column.codes = null
    }
  }
}

/** A forwarded column of which some rows are kept: values are gathered, texts keep their bytes. */
export class GatheredColumn {
  #column: Column | null = null
  #capacity = 0
  #nulls = new Uint8Array(0)

  gather(source: Column, selection: Int32Array, count: number): Column {
    this.#column ??= allocateColumn(source.kind, 0)
    const column = this.#column
    column.nulls = null
    if (count > this.#capacity) {
      this.#capacity = Math.max(count, this.#capacity * 2)
      this.#nulls = new Uint8Array(this.#capacity)
      growColumn(column, this.#capacity)
    }
    if (source.nulls !== null) {
      gatherBytes(source.nulls, selection, count, this.#nulls)
      column.nulls = this.#nulls
    }
    layoutOf(source.kind).select(source, selection, count, column)
    return column
  }
}
