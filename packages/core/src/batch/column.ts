/**
 * Columns: one vector of typed-array values per field of a batch.
 *
 * Stands under every SQL operator. Generated loops read `values`, `nulls`, `codes` and `pool`
 * directly, so these are plain classes with public fields, and their hidden-class shape must stay
 * monomorphic: always construct through these constructors and never add properties.
 *
 * Nulls are a byte a row (1 = NULL), not a bitmap: a generated loop tests one byte without
 * shifting. `nulls === null` means that no row is NULL. The value under a NULL is
 * unspecified but present.
 *
 * Ownership: a batch, its columns and their arrays belong to whoever emitted it and may be reused
 * as soon as the consumer's `processBatch` returns. A consumer that keeps data copies it. Arrays
 * may be longer than the batch's `rowCount`.
 */

export class BooleanColumn {
  readonly kind = 'bool' as const
  values: Uint8Array
  nulls: Uint8Array | null
  constructor(values: Uint8Array, nulls: Uint8Array | null) {
    this.values = values
    this.nulls = nulls
  }
}

export class Int32Column {
  readonly kind = 'i32' as const
  values: Int32Array
  nulls: Uint8Array | null
  constructor(values: Int32Array, nulls: Uint8Array | null) {
    this.values = values
    this.nulls = nulls
  }
}

export class Float64Column {
  readonly kind = 'f64' as const
  values: Float64Array
  nulls: Uint8Array | null
  constructor(values: Float64Array, nulls: Uint8Array | null) {
    this.values = values
    this.nulls = nulls
  }
}

export class Int64Column {
  readonly kind = 'i64' as const
  values: BigInt64Array
  nulls: Uint8Array | null
  constructor(values: BigInt64Array, nulls: Uint8Array | null) {
    this.values = values
    this.nulls = nulls
  }
}

/**
 * Entries of UTF-8 text: entry e is `bytes[starts[e] … starts[e] + lengths[e])`.
 *
 * As a **dictionary** (a column with `codes`), a pool is append-only and may live across many
 * batches of one producer: consumers cache per-code results (group slot, key group, decoded string)
 * under the pool's identity, valid for codes < the size they saw.
 * As **references** (a column without `codes`), entry e is row e and the pool lives as
 * long as the batch.
 */
export class StringPool {
  bytes: Uint8Array
  starts: Int32Array
  lengths: Int32Array
  /** Number of entries. */
  size: number
  /**
   * Where free bytes begin: kept by the functions of `layout/string-pool.ts`, for pools that
   * they append to.
   */
  used: number
  constructor(
    bytes: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    size: number,
    used = bytes.length,
  ) {
    this.bytes = bytes
    this.starts = starts
    this.lengths = lengths
    this.size = size
    this.used = used
  }
}

export class StringColumn {
  readonly kind = 'str' as const
  pool: StringPool
  /** Row → entry of `pool`; null when row i is entry i. */
  codes: Int32Array | null
  nulls: Uint8Array | null
  constructor(pool: StringPool, codes: Int32Array | null, nulls: Uint8Array | null) {
    this.pool = pool
    this.codes = codes
    this.nulls = nulls
  }
}

export type Column = BooleanColumn | Int32Column | Float64Column | Int64Column | StringColumn
