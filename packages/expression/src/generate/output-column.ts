/**
 * Output columns that a generated projection writes and reuses from batch to batch.
 *
 * Invariant: what `finish` returns is valid until the next `begin`, the ownership rule of batches.
 */
import {
  allocateColumn,
  BooleanColumn,
  type Column,
  encodeUtf8Into,
  Float64Column,
  growArray,
  Int32Column,
  Int64Column,
  type LogicalType,
  physicalTypeOf,
  StringColumn,
  StringPool,
} from '@millrace/core'

/** A computed column: generated code stores into `values` and `nulls`, texts through the `put` methods. */
export class OutputColumn {
  readonly #column: Column
  readonly #writer: TextWriter | null
  #capacity = 0
  nulls: Uint8Array = new Uint8Array(0)

  constructor(type: LogicalType) {
    const physical = physicalTypeOf(type)
    this.#column = allocateColumn(physical, 0)
    this.#writer = physical === 'str' ? new TextWriter() : null
  }

  /** Makes room for `rowCount` rows; `source` is the column that memo slots refer to, null when there is none. */
  begin(rowCount: number, source: StringColumn | null): void {
    if (rowCount > this.#capacity) {
      this.#capacity = Math.max(rowCount, this.#capacity * 2)
      this.nulls = new Uint8Array(this.#capacity)
      const column = this.#column
      if (column.kind !== 'str') {
        column.values = growArray(column.values as never, this.#capacity) as never
      }
    }
    this.#writer?.begin(this.#capacity, source)
  }

  get values(): unknown {
    return this.#column.kind === 'str' ? this.#writer : this.#column.values
  }

  finish(rowCount: number, hasNulls: boolean): Column {
    const column = this.#column
    column.nulls = hasNulls ? this.nulls : null
    if (column.kind === 'str') (this.#writer as TextWriter).finish(column, rowCount)
    return column
  }
}

/**
 * Texts of one output column: a packed pool of references, or codes of an append-only pool when the source
 * is a dictionary.
 */
export class TextWriter {
  #bytes = new Uint8Array(4096)
  #starts = new Int32Array(0)
  #lengths = new Int32Array(0)
  #used = 0
  /** Dictionary mode: the source's pool, our pool made from it, and source slot → our code. */
  #sourcePool: StringPool | null = null
  #pool = new StringPool(new Uint8Array(0), new Int32Array(0), new Int32Array(0), 0)
  #poolUsed = 0
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
      this.#pool = new StringPool(new Uint8Array(256), new Int32Array(16), new Int32Array(16), 0)
      this.#poolUsed = 0
      this.#codeOfSlot.fill(-1)
    }
    if (this.#codeOfSlot.length <= pool.size) {
      const grown = new Int32Array(pool.size * 2 + 1).fill(-1)
      grown.set(this.#codeOfSlot)
      this.#codeOfSlot = grown
    }
  }

  /** The text of output row `row`. */
  put(row: number, text: string): void {
    const needed = this.#used + text.length * 3
    if (needed > this.#bytes.length) this.#bytes = growArray(this.#bytes, needed)
    const length = encodeUtf8Into(text, this.#bytes, this.#used)
    this.#starts[row] = this.#used
    this.#lengths[row] = length
    this.#used += length
  }

  /** As `put`, where `slot` identifies the text among the source dictionary's results (−1: no dictionary). */
  putOfSlot(row: number, text: string, slot: number): void {
    if (!this.#dictionary) {
      this.put(row, text)
      return
    }
    let code = this.#codeOfSlot[slot] as number
    if (code < 0) {
      code = this.#append(text)
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

  #append(text: string): number {
    const pool = this.#pool
    const needed = this.#poolUsed + text.length * 3
    if (needed > pool.bytes.length) pool.bytes = growArray(pool.bytes, needed)
    if (pool.size === pool.starts.length) {
      pool.starts = growArray(pool.starts, pool.size + 1)
      pool.lengths = growArray(pool.lengths, pool.size + 1)
    }
    const length = encodeUtf8Into(text, pool.bytes, this.#poolUsed)
    pool.starts[pool.size] = this.#poolUsed
    pool.lengths[pool.size] = length
    this.#poolUsed += length
    return pool.size++
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
  #starts = new Int32Array(0)
  #lengths = new Int32Array(0)
  #codes = new Int32Array(0)

  gather(source: Column, selection: Int32Array, count: number): Column {
    if (this.#column === null) this.#column = emptyLike(source)
    const column = this.#column
    if (count > this.#capacity) this.#grow(column, count)
    column.nulls = null
    if (source.nulls !== null) {
      gatherValues(source.nulls, selection, count, this.#nulls)
      column.nulls = this.#nulls
    }
    if (column.kind !== 'str') {
      gatherValues((source as typeof column).values, selection, count, column.values)
      return column
    }
    this.#gatherTexts(source as StringColumn, selection, count, column)
    return column
  }

  #gatherTexts(source: StringColumn, selection: Int32Array, count: number, column: StringColumn) {
    const { pool, codes } = source
    if (codes !== null) {
      gatherValues(codes, selection, count, this.#codes)
      column.pool = pool
      column.codes = this.#codes
      return
    }
    gatherValues(pool.starts, selection, count, this.#starts)
    gatherValues(pool.lengths, selection, count, this.#lengths)
    column.pool = new StringPool(pool.bytes, this.#starts, this.#lengths, count)
    column.codes = null
  }

  #grow(column: Column, count: number): void {
    this.#capacity = Math.max(count, this.#capacity * 2)
    this.#nulls = new Uint8Array(this.#capacity)
    if (column.kind === 'str') {
      this.#starts = new Int32Array(this.#capacity)
      this.#lengths = new Int32Array(this.#capacity)
      this.#codes = new Int32Array(this.#capacity)
    } else column.values = growArray(column.values as never, this.#capacity) as never
  }
}

type Values = Uint8Array | Int32Array | Float64Array | BigInt64Array

/** `target[j] = source[selection[j]]`; one loop for each kind of array, so that each stays monomorphic. */
function gatherValues(source: Values, selection: Int32Array, count: number, target: Values): void {
  if (source instanceof Int32Array) gatherI32(source, selection, count, target as Int32Array)
  else if (source instanceof Float64Array)
    gatherF64(source, selection, count, target as Float64Array)
  else if (source instanceof Uint8Array) gatherU8(source, selection, count, target as Uint8Array)
  else gatherI64(source, selection, count, target as BigInt64Array)
}

export function gatherU8(s: Uint8Array, selection: Int32Array, count: number, t: Uint8Array): void {
  for (let j = 0; j < count; j++) t[j] = s[selection[j] as number] as number
}
function gatherI32(s: Int32Array, selection: Int32Array, count: number, t: Int32Array): void {
  for (let j = 0; j < count; j++) t[j] = s[selection[j] as number] as number
}
function gatherF64(s: Float64Array, selection: Int32Array, count: number, t: Float64Array): void {
  for (let j = 0; j < count; j++) t[j] = s[selection[j] as number] as number
}
function gatherI64(s: BigInt64Array, selection: Int32Array, count: number, t: BigInt64Array): void {
  for (let j = 0; j < count; j++) t[j] = s[selection[j] as number] as bigint
}

function emptyLike(source: Column): Column {
  switch (source.kind) {
    case 'bool':
      return new BooleanColumn(new Uint8Array(0), null)
    case 'i32':
      return new Int32Column(new Int32Array(0), null)
    case 'f64':
      return new Float64Column(new Float64Array(0), null)
    case 'i64':
      return new Int64Column(new BigInt64Array(0), null)
    case 'str':
      return new StringColumn(source.pool, null, null)
  }
}
