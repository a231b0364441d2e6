/**
 * What layouts of one array of equally wide values share: their wire form is that array, their
 * size arithmetic.
 *
 * Loops over values are not here: each layout has its own, so that V8 sees one kind of
 * array in each.
 */
import { padded, type WireTarget } from '../wire-target.ts'
import { encodeHead, headSize } from './wire-head.ts'

interface FixedWidthColumn {
  readonly values: Uint8Array | Int32Array | Float64Array | BigInt64Array
  readonly nulls: Uint8Array | null
}

export function fixedWidthSize(column: FixedWidthColumn, rowCount: number): number {
  return headSize(column.nulls, rowCount) + padded(column.values.BYTES_PER_ELEMENT * rowCount)
}

export function encodeFixedWidth(
  column: FixedWidthColumn,
  rowCount: number,
  wireKind: number,
  target: WireTarget,
): void {
  const { values } = column
  encodeHead(target, wireKind, column.nulls, rowCount, 0, 0, rowCount)
  const byteCount = values.BYTES_PER_ELEMENT * rowCount
  target.append(new Uint8Array(values.buffer, values.byteOffset, byteCount))
  target.pad(byteCount)
}
