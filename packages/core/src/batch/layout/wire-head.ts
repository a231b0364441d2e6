/**
 * What stands before the values of every column on the wire: kind, form, number of entries, NULLs.
 */
import type { PhysicalType } from '../../types/logical-type.ts'
import type { WireReader } from '../wire-reader.ts'
import { padded, type WireTarget } from '../wire-target.ts'
import type { WireHead } from './column-layout.ts'

const HEAD_BYTES = 8

export function headSize(nulls: Uint8Array | null, rowCount: number): number {
  return hasNullRow(nulls, rowCount) ? HEAD_BYTES + padded(rowCount) : HEAD_BYTES
}

export function encodeHead(
  target: WireTarget,
  wireKind: number,
  nulls: Uint8Array | null,
  rowCount: number,
  form: number,
  codeWidth: number,
  entries: number,
): void {
  const hasNulls = hasNullRow(nulls, rowCount)
  target.u32(wireKind | ((hasNulls ? 1 : 0) << 8) | (form << 16) | (codeWidth << 24))
  target.u32(entries)
  if (!hasNulls) return
  target.append((nulls as Uint8Array).subarray(0, rowCount))
  target.pad(rowCount)
}

/** Bytes that must be 0 or 1. */
export function readFlags(reader: WireReader, rowCount: number): Uint8Array {
  const bytes = reader.bytes(rowCount)
  for (let i = 0; i < rowCount; i++) {
    if ((bytes[i] as number) > 1) throw reader.corrupt(`flag ${bytes[i]}`)
  }
  return bytes
}

export interface ReadHead extends WireHead {
  readonly nulls: Uint8Array | null
}

/** Throws BATCH_CORRUPT when the column is of another kind than `type`. */
export function readHead(
  reader: WireReader,
  type: PhysicalType,
  wireKind: number,
  rowCount: number,
  kindNames: readonly string[],
): ReadHead {
  const kind = reader.u8()
  const hasNulls = reader.u8()
  const form = reader.u8()
  const codeWidth = reader.u8()
  const entries = reader.u32()
  if (kind !== wireKind) {
    throw reader.corrupt(`a column of kind ${kindNames[kind] ?? kind}, the schema has ${type}`)
  }
  if (hasNulls > 1) throw reader.corrupt(`null flag ${hasNulls}`)
  return { nulls: hasNulls === 1 ? readFlags(reader, rowCount) : null, form, codeWidth, entries }
}

function hasNullRow(nulls: Uint8Array | null, rowCount: number): boolean {
  if (nulls === null) return false
  for (let i = 0; i < rowCount; i++) if (nulls[i] === 1) return true
  return false
}
