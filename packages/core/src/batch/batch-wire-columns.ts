/**
 * The writing half of `batch-wire.ts`, column by column; see the layout there.
 *
 * Invariant: `encodedColumnSize` and `encodeColumn` take the same decisions from the same data (nulls present,
 * string form).
 */
import type { Column, StringColumn } from './column.ts'
import { copyBytes } from './gather-rows.ts'

export const HEADER_BYTES = 16
export const COLUMN_HEADER_BYTES = 8
/** Codes of kinds on the wire. */
export const WIRE_KINDS = ['bool', 'i32', 'f64', 'i64', 'str'] as const
export const STRING_REFERENCES = 0
export const STRING_DICTIONARY = 1

export function padded(byteCount: number): number {
  return (byteCount + 7) & ~7
}

const VALUE_BYTES = { bool: 1, i32: 4, f64: 8, i64: 8 } as const

export function encodedColumnSize(column: Column, rowCount: number): number {
  let size = COLUMN_HEADER_BYTES
  if (hasNullRow(column.nulls, rowCount)) size += padded(rowCount)
  if (column.kind !== 'str') return size + padded(VALUE_BYTES[column.kind] * rowCount)
  return size + planStrings(column, rowCount).bytes
}

/** Writes one column at `at`; returns the position after it. */
export function encodeColumn(
  column: Column,
  rowCount: number,
  into: Uint8Array,
  view: DataView,
  at: number,
): number {
  const nulls = hasNullRow(column.nulls, rowCount)
  into[at] = WIRE_KINDS.indexOf(column.kind)
  into[at + 1] = nulls ? 1 : 0
  into[at + 2] = 0
  into[at + 3] = 0
  view.setUint32(at + 4, rowCount, true)
  let end = at + COLUMN_HEADER_BYTES
  if (nulls) {
    into.set((column.nulls as Uint8Array).subarray(0, rowCount), end)
    end += padded(rowCount)
  }
  if (column.kind === 'str') return encodeStrings(column, rowCount, into, view, at, end)
  const { values } = column
  const byteCount = VALUE_BYTES[column.kind] * rowCount
  into.set(new Uint8Array(values.buffer, values.byteOffset, byteCount), end)
  return end + padded(byteCount)
}

function hasNullRow(nulls: Uint8Array | null, rowCount: number): boolean {
  if (nulls === null) return false
  for (let i = 0; i < rowCount; i++) if (nulls[i] === 1) return true
  return false
}

interface StringPlan {
  bytes: number
  textBytes: number
  dictionary: boolean
  entries: number
  codeWidth: number
}
const plan: StringPlan = {
  bytes: 0,
  textBytes: 0,
  dictionary: false,
  entries: 0,
  codeWidth: 0,
}

/** Scratch: `newCode[c]` is valid where `stamps[c] === stamp`; `used[k]` is the pool's code of wire entry k. */
let stamps = new Int32Array(1024)
let newCode = new Int32Array(1024)
let used = new Int32Array(1024)
let stamp = 0

/** Chooses the smaller form; afterwards the scratch tables hold the dictionary's renumbering. */
function planStrings(column: StringColumn, rowCount: number): StringPlan {
  const { pool, codes, nulls } = column
  const { lengths } = pool
  let rowBytes = 0
  let entryBytes = 0
  let entries = 0
  if (codes === null) {
    for (let i = 0; i < rowCount; i++) {
      if (nulls === null || nulls[i] === 0) rowBytes += lengths[i] as number
    }
  } else {
    startRenumbering(pool.size, rowCount)
    const seen = stamps
    const current = stamp
    for (let i = 0; i < rowCount; i++) {
      if (nulls !== null && nulls[i] === 1) continue
      const code = codes[i] as number
      const length = lengths[code] as number
      rowBytes += length
      if (seen[code] === current) continue
      seen[code] = current
      newCode[code] = entries
      used[entries++] = code
      entryBytes += length
    }
  }
  const asReferences = 8 + padded(4 * rowCount) + padded(rowBytes)
  const codeWidth = entries <= 256 ? 1 : entries <= 65_536 ? 2 : 4
  const asDictionary = 8 + padded(4 * entries) + padded(entryBytes) + padded(codeWidth * rowCount)
  plan.dictionary = codes !== null && asDictionary < asReferences
  plan.bytes = plan.dictionary ? asDictionary : asReferences
  plan.textBytes = plan.dictionary ? entryBytes : rowBytes
  plan.entries = plan.dictionary ? entries : rowCount
  plan.codeWidth = plan.dictionary ? codeWidth : 0
  return plan
}

function startRenumbering(poolSize: number, rowCount: number): void {
  if (stamps.length < poolSize) {
    stamps = new Int32Array(poolSize * 2)
    newCode = new Int32Array(poolSize * 2)
    stamp = 0
  }
  if (used.length < rowCount) used = new Int32Array(rowCount * 2)
  if (stamp === 0x7fffffff) {
    stamps.fill(0)
    stamp = 0
  }
  stamp++
}

function encodeStrings(
  column: StringColumn,
  rowCount: number,
  into: Uint8Array,
  view: DataView,
  headerAt: number,
  at: number,
): number {
  const { dictionary, entries, codeWidth, textBytes } = planStrings(column, rowCount)
  const { pool, codes, nulls } = column
  into[headerAt + 2] = dictionary ? STRING_DICTIONARY : STRING_REFERENCES
  into[headerAt + 3] = codeWidth
  view.setUint32(headerAt + 4, entries, true)
  view.setUint32(at, textBytes, true)
  view.setUint32(at + 4, 0, true)
  const lengthsAt = at + 8
  const textAt = lengthsAt + padded(4 * entries)
  const lengths = wireLengths.length < entries ? new Int32Array(entries * 2) : wireLengths
  wireLengths = lengths
  let next = textAt
  for (let e = 0; e < entries; e++) {
    lengths[e] = 0
    if (!dictionary && nulls !== null && nulls[e] === 1) continue
    const entry = dictionary ? (used[e] as number) : codes === null ? e : (codes[e] as number)
    const length = pool.lengths[entry] as number
    copyBytes(pool.bytes, pool.starts[entry] as number, into, next, length)
    lengths[e] = length
    next += length
  }
  into.set(new Uint8Array(lengths.buffer, 0, 4 * entries), lengthsAt)
  const end = textAt + padded(textBytes)
  if (!dictionary || codes === null) return end
  writeCodes(codes, nulls, rowCount, codeWidth, into, end)
  return end + padded(codeWidth * rowCount)
}

/** Scratch for the sections of one column before they are copied out at whatever alignment. */
let wireLengths = new Int32Array(1024)
let wireCodes = new Int32Array(1024)

/** Writes the renumbered codes, `width` bytes each; NULL rows as 0. */
function writeCodes(
  codes: Int32Array,
  nulls: Uint8Array | null,
  rowCount: number,
  width: number,
  into: Uint8Array,
  at: number,
): void {
  if (wireCodes.length < rowCount) wireCodes = new Int32Array(rowCount * 2)
  const { buffer } = wireCodes
  const target =
    width === 1
      ? into.subarray(at, at + rowCount)
      : width === 2
        ? new Uint16Array(buffer, 0, rowCount)
        : wireCodes
  const renumbered = newCode
  for (let i = 0; i < rowCount; i++) target[i] = renumbered[codes[i] as number] as number
  if (nulls !== null) for (let i = 0; i < rowCount; i++) if (nulls[i] === 1) target[i] = 0
  if (width > 1) into.set(new Uint8Array(buffer, 0, width * rowCount), at)
}
