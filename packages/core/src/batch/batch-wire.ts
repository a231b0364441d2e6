/**
 * The wire form of a ColumnBatch: its arrays, copied.
 *
 * Written by result partitions and state snapshots, read by input gates and restores. Little-endian; every section
 * starts at a
 * multiple of 8 from the batch's start, so a decoded column is a view on the received bytes when those are aligned,
 * else
 * a copy.
 *
 *     batch   = magic u32 · totalBytes u32 · rowCount u32 · columnCount u16 · hasRowKinds u16 · [rowKinds] · column*
 *     column  = kind u8 · hasNulls u8 · stringForm u8 · codeWidth u8 · entries u32 · [nulls] · values
 *     values  = the typed array of rowCount values
 *             | textBytes u32 · 0 u32 · lengths i32[entries] · text · [codes u8|u16|i32[rowCount]]        (strings)
 *
 * Strings go as references (entries = rowCount) or, when that is smaller, as a dictionary of the entries in use plus
 * codes.
 * Invariant: `decodeBatch` checks every bound before it trusts it; damage gives BATCH_CORRUPT, never a wrong access.
 */
import { coreError } from '../error-codes.ts'
import { physicalTypeOf, type Schema } from '../types/logical-type.ts'
import { encodeColumn, encodedColumnSize, HEADER_BYTES, padded } from './batch-wire-columns.ts'
import { decodeColumn, WireReader } from './batch-wire-reader.ts'
import type { Column } from './column.ts'
import { ColumnBatch } from './column-batch.ts'

const MAGIC = 0x3142434d

/** Exact number of bytes that `encodeBatch` will write; a multiple of 8. */
export function encodedBatchSize(batch: ColumnBatch, schema: Schema): number {
  let size = HEADER_BYTES
  if (batch.rowKinds !== null) size += padded(batch.rowCount)
  for (let c = 0; c < schema.fields.length; c++) {
    size += encodedColumnSize(batch.columns[c] as Column, batch.rowCount)
  }
  return size
}

/**
 * Writes the batch at `into[at…]`, which must have room for `encodedBatchSize`; returns the number of bytes
 * written.
 */
export function encodeBatch(
  batch: ColumnBatch,
  schema: Schema,
  into: Uint8Array,
  at: number,
): number {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength)
  const { rowCount, rowKinds } = batch
  let end = at + HEADER_BYTES
  if (rowKinds !== null) {
    into.set(rowKinds.subarray(0, rowCount), end)
    end += padded(rowCount)
  }
  for (let c = 0; c < schema.fields.length; c++) {
    end = encodeColumn(batch.columns[c] as Column, rowCount, into, view, end)
  }
  view.setUint32(at, MAGIC, true)
  view.setUint32(at + 4, end - at, true)
  view.setUint32(at + 8, rowCount, true)
  view.setUint16(at + 12, schema.fields.length, true)
  view.setUint16(at + 14, rowKinds === null ? 0 : 1, true)
  return end - at
}

/**
 * The batch in `bytes[at … at + length)`. Its columns may be views on `bytes`: they live as long as nobody writes
 * there.
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
    columns.push(decodeColumn(reader, physicalTypeOf(field.type), rowCount))
  }
  reader.expectEnd()
  return new ColumnBatch(rowCount, columns, rowKinds)
}
