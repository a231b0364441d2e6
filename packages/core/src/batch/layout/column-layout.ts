/**
 * ColumnLayout: everything that a kind of column can do, in one object; one file a kind
 * implements it.
 *
 * Stands under batches, the wire form, key hashing, the tables of state and the columns of
 * generated code: all of them go through `LAYOUTS` (`layouts.ts`) once a column, never once a row
 * where it counts. A further kind is one file and a line of that table; it is all that hashing,
 * equality, wire, builders and tests need.
 *
 * Invariants: `same` values have equal hashes and `compare` as 0, in every form of the column
 * (dictionary, references), and keep that over the wire. `size` and `encode` take the same
 * decisions from the same data. NULLs are the callers' (`column-rows.ts`): a layout is asked about
 * values alone, and under a NULL of whole columns it finds some value.
 *
 * A kind with parts (two arrays, elements, fields) holds its parts as columns or arrays of its own
 * and calls their layouts; one with elements of any kind is made by a function that is given
 * `layoutOf`, so that no file imports the table.
 */
import type { PhysicalType } from '../../types/logical-type.ts'
import type { Column } from '../column.ts'
import type { WireReader } from '../wire-reader.ts'
import type { WireTarget } from '../wire-target.ts'

/** A value in its JavaScript form; see `column-values.ts`. */
export type Value = boolean | number | bigint | string | null

/** What stands before a column's sections on the wire, beside its kind and the NULLs. */
export interface WireHead {
  /** How the values lie, where a kind has several ways. */
  readonly form: number
  /** Bytes of a code, where the form has codes. */
  readonly codeWidth: number
  readonly entries: number
}

export interface ColumnLayout<C extends Column> {
  readonly kind: C['kind']
  /** Number of the kind on the wire and in stored state: never given to another kind. */
  readonly wireKind: number

  /** A column of `capacity` rows, zeroed. */
  allocate(type: PhysicalType, capacity: number, nulls: Uint8Array | null): C
  /** Makes room for `capacity` rows in place; rows are kept, further ones are zero. */
  grow(column: C, capacity: number): void
  /**
   * Rows `indexes[0 … count)` as a new column; a dictionary pool is shared. `owned` false:
   * other text bytes are shared too, which makes a dictionary of the source's pool, with
   * `indexes` as its codes.
   */
  gather(source: C, indexes: Int32Array, count: number, nulls: Uint8Array | null, owned: boolean): C
  /**
   * The same into a column that is reused from batch to batch (its capacity is enough); text bytes
   * stay where they are.
   */
  select(source: C, indexes: Int32Array, count: number, into: C): void
  /**
   * After `gather`: replaces what the column shares with others (a dictionary's pool) by its own.
   */
  unshare(column: C, rowCount: number): void
  /**
   * Copies one value. Bytes are appended to those of `target`, whose former value at `at` keeps its
   * place as garbage.
   */
  copyValue(source: C, row: number, target: C, at: number): void

  /**
   * Whether two values are one key: NaN equals NaN, and 0 does not equal -0, as in the reference
   * engine's keys.
   */
  same(a: C, row: number, b: C, other: number): boolean
  /**
   * Below 0, 0 or above 0: ascending as ORDER BY has it, NaN last, -0 before 0, texts by
   * their UTF-8 bytes.
   */
  compare(a: C, row: number, b: C, other: number): number
  /** The key hash of a value, by the functions of id/key-group.ts. */
  hash(column: C, row: number): number
  /** Folds the hashes of rows 0 … rowCount into `into`, NULL rows as NULL_HASH. */
  foldHashes(column: C, rowCount: number, into: Int32Array): void

  /** Bytes of one value, about: what a row adds to a batch on the wire. */
  valueBytes(column: C, row: number): number
  /** Exact number of bytes that `encode` writes; a multiple of 8. */
  size(column: C, rowCount: number): number
  /** Writes head, NULLs and values of rows 0 … rowCount. */
  encode(column: C, rowCount: number, target: WireTarget): void
  /**
   * The column whose head and NULLs have been read; every bound is checked before it is trusted.
   */
  decode(
    reader: WireReader,
    type: PhysicalType,
    rowCount: number,
    nulls: Uint8Array | null,
    head: WireHead,
  ): C

  get(column: C, row: number): Value
  /** Stores a value that is not NULL; converts as `BigInt`, `Number` and `String` do. */
  set(column: C, row: number, value: Exclude<Value, null>): void
  /** What lies under a NULL: zero, or nothing. */
  clear(column: C, row: number): void
}
