/**
 * RemovedKeys: the keys of entries that left a table, for the checkpoints that build upon one which
 * still has them.
 *
 * Keys are copied out of the table when its entries go, side by side whatever the batches were that
 * took them. Invariant: what was appended stays as it is, so a frozen table may go on reading.
 */
import {
  allocateColumn,
  type Column,
  ColumnBatch,
  copyValue,
  type FrozenTable,
  gatherRows,
  growArray,
  growColumn,
  keyGroupOf,
  physicalTypeOf,
  RowKind,
  type Schema,
} from '@millrace/core'

const ROWS_AT_START = 64
/** Of a text, about. */
const TEXT_BYTES = 24

export class RemovedKeys {
  /** Key and sub columns. */
  readonly schema: Schema
  count = 0
  readonly #columns: Column[]
  #keyHashes = new Int32Array(ROWS_AT_START)
  #capacity = ROWS_AT_START

  constructor(schema: Schema) {
    this.schema = schema
    this.#columns = schema.fields.map(({ type }) =>
      allocateColumn(physicalTypeOf(type), ROWS_AT_START, type.nullable),
    )
  }

  /** Rows 0 … count of `columns`; `keyHashes` has the hash of each one's key. */
  append(columns: readonly Column[], count: number, keyHashes: Int32Array): void {
    this.#reserve(this.count + count)
    for (let c = 0; c < columns.length; c++) {
      const [source, target] = [columns[c] as Column, this.#columns[c] as Column]
      for (let i = 0; i < count; i++) {
        copyValue(source, i, target, this.count + i, this.#capacity)
      }
    }
    this.#keyHashes.set(keyHashes.subarray(0, count), this.count)
    this.count += count
  }

  get bytes(): number {
    return this.#columns.reduce((sum, column) => {
      const each = column.kind === 'str' ? TEXT_BYTES : column.values.BYTES_PER_ELEMENT
      return sum + this.#capacity * (each + (column.nulls === null ? 0 : 1))
    }, this.#keyHashes.byteLength)
  }

  keyGroups(from: number, to: number, maxParallelism: number, into: Uint16Array): void {
    for (let i = from; i < to; i++) {
      into[i - from] = keyGroupOf(this.#keyHashes[i] as number, maxParallelism)
    }
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const { columns } = gatherRows(new ColumnBatch(this.count, this.#columns), positions, count)
    return new ColumnBatch(count, columns, new Uint8Array(count).fill(RowKind.DELETE))
  }

  #reserve(rows: number): void {
    if (rows <= this.#capacity) return
    this.#capacity = Math.max(rows, this.#capacity * 2)
    for (const column of this.#columns) growColumn(column, this.#capacity)
    this.#keyHashes = growArray(this.#keyHashes, this.#capacity)
  }
}

/** Positions are keys in the order in which they went. */
export class FrozenRemovals implements FrozenTable {
  readonly name: string
  readonly since: number
  readonly removed = true
  readonly positionCount: number
  readonly #keys: RemovedKeys
  readonly #maxParallelism: number

  constructor(name: string, since: number, keys: RemovedKeys, maxParallelism: number) {
    this.name = name
    this.since = since
    this.positionCount = keys.count
    this.#keys = keys
    this.#maxParallelism = maxParallelism
  }

  get schema(): Schema {
    return this.#keys.schema
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    this.#keys.keyGroups(from, to, this.#maxParallelism, into)
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    return this.#keys.gather(positions, count)
  }

  releaseBefore(): void {}

  release(): void {}
}
