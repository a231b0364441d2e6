/**
 * KeyDictionary: key columns ↔ dense key ids, 0, 1, 2, …
 *
 * First step of every keyed operator: after it, a key of any shape is one small integer. A key is
 * found by core's row hash (which the exchange partitions by) in an open-addressing table and
 * compared with the stored columns; for a single dictionary-coded text the id is cached per code
 * under the pool's identity, and a row costs one load.
 *
 * Invariant: ids stay until `compact`, which renumbers the live ones and empties the caches.
 */
import {
  allocateColumn,
  type Column,
  ColumnBatch,
  copyValue,
  growArray,
  growColumn,
  hashRow,
  hashRows,
  type PhysicalType,
  type StringColumn,
  type StringPool,
  sameKey,
} from '@millrace/core'

export class KeyDictionary {
  readonly types: readonly PhysicalType[]
  size = 0
  /** Core's row hash of each key. */
  hashes = new Int32Array(64)
  /** One a key column, indexed by key id; a text column's pool entry e is key e. */
  columns: Column[]
  #table = new Int32Array(128).fill(-1)
  #capacity = 64
  #idsOfCodes = new WeakMap<StringPool, Int32Array>()
  #rowHashes = new Int32Array(0)
  /** The column of a single key, as a list. */
  readonly #one: Column[] = []

  constructor(types: readonly PhysicalType[]) {
    this.types = types
    this.columns = types.map((type) => allocateColumn(type, this.#capacity, true))
  }

  /** Memory that the texts of the keys take. */
  get textBytes(): number {
    let bytes = 0
    for (const column of this.columns) if (column.kind === 'str') bytes += column.pool.bytes.length
    return bytes
  }

  /** Writes the key id of rows 0 … rowCount into `into`, adding keys that are new. */
  resolve(columns: readonly Column[], rowCount: number, into: Int32Array): void {
    if (this.types.length === 0) {
      if (this.size === 0) this.size = 1
      into.fill(0, 0, rowCount)
      return
    }
    const first = columns[0] as Column
    if (this.types.length === 1 && first.kind === 'str' && first.codes !== null) {
      this.#resolveCodes(first, first.codes, rowCount, into)
      return
    }
    if (this.#rowHashes.length < rowCount) this.#rowHashes = new Int32Array(rowCount)
    const hashes = this.#rowHashes
    const batch = new ColumnBatch(rowCount, columns as Column[])
    hashRows(
      batch,
      columns.map((_, index) => index),
      hashes,
    )
    for (let i = 0; i < rowCount; i++) into[i] = this.#idOf(columns, i, hashes[i] as number)
  }

  #resolveCodes(column: StringColumn, codes: Int32Array, rowCount: number, into: Int32Array): void {
    const ids = this.#idsOf(column.pool)
    const { nulls } = column
    if (nulls === null) {
      for (let i = 0; i < rowCount; i++) {
        const code = codes[i] as number
        let id = ids[code] as number
        if (id < 0) {
          id = this.#idOfRow(column, i)
          ids[code] = id
        }
        into[i] = id
      }
      return
    }
    for (let i = 0; i < rowCount; i++) {
      if (nulls[i] === 1) {
        into[i] = this.#idOfRow(column, i)
        continue
      }
      const code = codes[i] as number
      let id = ids[code] as number
      if (id < 0) {
        id = this.#idOfRow(column, i)
        ids[code] = id
      }
      into[i] = id
    }
  }

  /** The key id of the entry `code`, which stands in `row`, of a single text key without nulls. */
  idOfCode(column: StringColumn, code: number, row: number): number {
    const ids = this.#idsOf(column.pool)
    let id = ids[code] as number
    if (id < 0) {
      id = this.#idOfRow(column, row)
      ids[code] = id
    }
    return id
  }

  #idOfRow(column: StringColumn, row: number): number {
    this.#one[0] = column
    return this.#idOf(this.#one, row, hashRow(this.#one, row))
  }

  #idsOf(pool: StringPool): Int32Array {
    let ids = this.#idsOfCodes.get(pool)
    if (ids === undefined || ids.length < pool.size) {
      const grown = new Int32Array(Math.max(pool.size * 2, 64)).fill(-1)
      if (ids !== undefined) grown.set(ids)
      ids = grown
      this.#idsOfCodes.set(pool, ids)
    }
    return ids
  }

  #idOf(columns: readonly Column[], row: number, hash: number): number {
    const mask = this.#table.length - 1
    let at = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) & mask
    for (;;) {
      const id = this.#table[at] as number
      if (id < 0) return this.#add(columns, row, hash, at)
      if (this.hashes[id] === hash && sameKey(this.columns, id, columns, row)) return id
      at = (at + 1) & mask
    }
  }

  #add(columns: readonly Column[], row: number, hash: number, at: number): number {
    if (this.size === this.#capacity) this.#growColumns()
    const id = this.size++
    this.hashes[id] = hash
    this.#store(id, columns, row)
    this.#table[at] = id
    if (this.size * 2 > this.#table.length) this.#rehash(this.#table.length * 2)
    return id
  }

  #growColumns(): void {
    this.#capacity *= 2
    this.hashes = growArray(this.hashes, this.#capacity)
    for (const column of this.columns) growColumn(column, this.#capacity)
  }

  #store(id: number, columns: readonly Column[], row: number): void {
    for (let c = 0; c < columns.length; c++) {
      copyValue(columns[c] as Column, row, this.columns[c] as Column, id, this.#capacity)
    }
  }

  #rehash(length: number): void {
    const table = new Int32Array(length).fill(-1)
    const mask = length - 1
    for (let id = 0; id < this.size; id++) {
      const hash = this.hashes[id] as number
      let at = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) & mask
      while ((table[at] as number) >= 0) at = (at + 1) & mask
      table[at] = id
    }
    this.#table = table
  }

  /**
   * Keeps the keys with `live[id] === 1`; gives old id → new id (-1: gone). Pools and arrays are
   * new afterwards.
   */
  compact(live: Uint8Array): Int32Array {
    const old = this.columns
    const oldSize = this.size
    const oldHashes = this.hashes
    const renumbered = new Int32Array(oldSize).fill(-1)
    let count = 0
    for (let id = 0; id < oldSize; id++) if (live[id] === 1) renumbered[id] = count++
    this.clear(count)
    if (this.types.length === 0) {
      this.size = count
      return renumbered
    }
    for (let id = 0; id < oldSize; id++) {
      const to = renumbered[id] as number
      if (to < 0) continue
      this.hashes[to] = oldHashes[id] as number
      this.#store(to, old, id)
    }
    this.size = count
    this.#rehash(this.#table.length)
    return renumbered
  }

  /** Forgets every key and makes room for `count`. */
  clear(count = 0): void {
    this.#capacity = 64
    while (this.#capacity < count) this.#capacity *= 2
    this.size = 0
    this.hashes = new Int32Array(this.#capacity)
    this.columns = this.types.map((type) => allocateColumn(type, this.#capacity, true))
    this.#table = new Int32Array(this.#capacity * 2).fill(-1)
    this.#idsOfCodes = new WeakMap()
  }
}
