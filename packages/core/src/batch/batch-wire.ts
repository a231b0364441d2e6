/**
 * The wire form of a ColumnBatch: its arrays, copied.
 *
 * Written by result partitions and state snapshots, read by input gates and restores.
 * Little-endian; every section starts at a multiple of 8 from the batch's start, so a decoded
 * column is a view on the received bytes when those are aligned, else a copy.
 *
 *     batch   = magic u32 · totalBytes u32 · rowCount u32 · columnCount u16 · hasRowKinds u16
 *             · [rowKinds] · column*
 *     column  = kind u8 · hasNulls u8 · stringForm u8 · codeWidth u8 · entries u32 · [nulls]
 *             · values
 *     values  = the typed array of rowCount values
 *             | of texts: textBytes u32 · 0 u32 · lengths i32[entries] · text
 *                         · [codes u8|u16|i32[rowCount]]
 *
 * Strings go as references (entries = rowCount) or, when that is smaller, as a dictionary of the
 * entries in use plus codes.
 * Invariant: `decodeBatch` checks every bound before it trusts it; damage gives BATCH_CORRUPT,
 * never a wrong access.
 */
import { coreError } from '../error-codes.ts'
import { physicalTypeOf, type Schema } from '../types/logical-type.ts'
import type { Column } from './column.ts'
import { ColumnBatch } from './column-batch.ts'
import { layoutOf, WIRE_KIND_NAMES } from './layout/layouts.ts'
import { readHead } from './layout/wire-head.ts'
import { WireReader } from './wire-reader.ts'
import { ArrayTarget, padded, type WireTarget } from './wire-target.ts'

const MAGIC = 0x3142434d
const HEADER_BYTES = 16

/** Exact number of bytes that `encodeBatch` will write; a multiple of 8. */
export function encodedBatchSize(batch: ColumnBatch, schema: Schema): number {
  let size = HEADER_BYTES
  if (batch.rowKinds !== null) size += padded(batch.rowCount)
  for (let c = 0; c < schema.fields.length; c++) {
    const column = batch.columns[c] as Column
    size += layoutOf(column.kind).size(column, batch.rowCount)
  }
  return size
}

/**
 * Writes the batch at `into[at…]`, which must have room for `encodedBatchSize`; returns the number
 * of bytes written.
 */
export function encodeBatch(
  batch: ColumnBatch,
  schema: Schema,
  into: Uint8Array,
  at: number,
): number {
  const size = encodedBatchSize(batch, schema)
  encodeBatchTo(batch, schema, size, new ArrayTarget(into, at, into.length))
  return size
}

/**
 * Writes the batch of `size` bytes to `target`, in as many pieces as it takes. `size` is its
 * `encodedBatchSize`, asked since it last changed: what was found out for it is used again.
 */
export function encodeBatchTo(
  batch: ColumnBatch,
  schema: Schema,
  size: number,
  target: WireTarget,
): void {
  const { rowCount, rowKinds } = batch
  const columnCount = schema.fields.length
  target.u32(MAGIC)
  target.u32(size)
  target.u32(rowCount)
  target.u32(columnCount | ((rowKinds === null ? 0 : 1) << 16))
  if (rowKinds !== null) {
    target.append(rowKinds.subarray(0, rowCount))
    target.pad(rowCount)
  }
  for (let c = 0; c < columnCount; c++) {
    const column = batch.columns[c] as Column
    layoutOf(column.kind).encode(column, rowCount, target)
  }
}

/**
 * The batch in `bytes[at … at + length)`. Its columns may be views on `bytes`: they live as long as
 * nobody writes there.
 * Throws BATCH_CORRUPT.
 */
export function decodeBatch(
  bytes: Uint8Array,
  at: number,
  length: number,
  schema: Schema,
): ColumnBatch {
  if (at < 0 || length < HEADER_BYTES || at + length > bytes.byteLength) {
    throw coreError('BATCH_CORRUPT', `Cannot read a batch: ${length} bytes are no batch header.`)
  }
  const reader = new WireReader(bytes, at, length)
  const magic = reader.u32()
  const totalBytes = reader.u32()
  const rowCount = reader.u32()
  const columnCount = reader.u16()
  const hasRowKinds = reader.u16()
  if (magic !== MAGIC || totalBytes !== length || hasRowKinds > 1) {
    throw reader.corrupt(`header says ${totalBytes} bytes, there are ${length}`)
  }
  if (columnCount !== schema.fields.length) {
    throw reader.corrupt(`${columnCount} columns, the schema has ${schema.fields.length}`)
  }
  let rowKinds: Uint8Array | null = null
  if (hasRowKinds === 1) {
    rowKinds = reader.bytes(rowCount)
    for (let i = 0; i < rowCount; i++) {
      if ((rowKinds[i] as number) > 3) throw reader.corrupt(`row kind ${rowKinds[i]}`)
    }
  }
  const columns: Column[] = []
  for (const field of schema.fields) {
    const type = physicalTypeOf(field.type)
    const layout = layoutOf(type)
    const head = readHead(reader, type, layout.wireKind, rowCount, WIRE_KIND_NAMES)
    columns.push(layout.decode(reader, type, rowCount, head.nulls, head))
  }
  reader.expectEnd()
  return new ColumnBatch(rowCount, columns, rowKinds)
}
