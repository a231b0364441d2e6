/**
 * The wire form of texts: lengths, bytes, and codes where a dictionary of the entries in
 * use is smaller.
 *
 *     values  = textBytes u32 · 0 u32 · lengths i32[entries] · text · [codes u8|u16|i32[rowCount]]
 *
 * Invariant: size and encode take the same decisions from the same data. Scratch is by rows of
 * a batch and by entries up to RENUMBERED_ENTRIES_MAX, so it does not grow with a large
 * state's dictionary.
 */
import { StringColumn, StringPool } from '../column.ts'
import type { WireReader } from '../wire-reader.ts'
import { padded, type WireTarget } from '../wire-target.ts'
import type { WireHead } from './column-layout.ts'
import { copyBytes } from './string-pool.ts'
import { encodeHead, headSize } from './wire-head.ts'

const WIRE_KIND = 4
const STRING_REFERENCES = 0
const STRING_DICTIONARY = 1
/**
 * A larger dictionary is sent as references: hardly any of its entries stands twice in one batch.
 */
const RENUMBERED_ENTRIES_MAX = 1 << 18

export function stringsSize(column: StringColumn, rowCount: number): number {
  const { bytes } = planStrings(column, rowCount)
  planned = column
  plannedRows = rowCount
  return headSize(column.nulls, rowCount) + bytes
}

/**
 * The column whose plan `plan` and the scratch tables hold: its size was asked last, and it
 * is written next.
 */
let planned: StringColumn | null = null
let plannedRows = 0

interface StringPlan {
  bytes: number
  textBytes: number
  dictionary: boolean
  entries: number
  codeWidth: number
  /** As references: the bytes of all rows follow each other in the pool. */
  packed: boolean
}
const plan: StringPlan = {
  bytes: 0,
  textBytes: 0,
  dictionary: false,
  entries: 0,
  codeWidth: 0,
  packed: false,
}

/**
 * Scratch: `newCode[c]` is valid where `stamps[c] === stamp`; `used[k]` is the pool's code
 * of wire entry k.
 */
let stamps = new Int32Array(1024)
let newCode = new Int32Array(1024)
let used = new Int32Array(1024)
let stamp = 0

/** Chooses the smaller form; afterwards the scratch tables hold the dictionary's renumbering. */
function planStrings(column: StringColumn, rowCount: number): StringPlan {
  const { pool, nulls } = column
  const codes = pool.size > RENUMBERED_ENTRIES_MAX ? null : column.codes
  const { lengths } = pool
  let rowBytes = 0
  let entryBytes = 0
  let entries = 0
  plan.packed = false
  if (column.codes === null) {
    const { starts } = pool
    const first = starts[0] ?? 0
    let packed = nulls === null
    for (let i = 0; i < rowCount; i++) {
      if (nulls !== null && nulls[i] === 1) continue
      if ((starts[i] as number) !== first + rowBytes) packed = false
      rowBytes += lengths[i] as number
    }
    plan.packed = packed
  } else if (codes === null) {
    for (let i = 0; i < rowCount; i++) {
      if (nulls !== null && nulls[i] === 1) continue
      rowBytes += lengths[column.codes[i] as number] as number
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

export function encodeStrings(column: StringColumn, rowCount: number, target: WireTarget): void {
  if (planned !== column || plannedRows !== rowCount) planStrings(column, rowCount)
  planned = null
  const { dictionary, entries, codeWidth, textBytes, packed } = plan
  const { pool, codes, nulls } = column
  const form = dictionary ? STRING_DICTIONARY : STRING_REFERENCES
  encodeHead(target, WIRE_KIND, nulls, rowCount, form, codeWidth, entries)
  target.u32(textBytes)
  target.u32(0)
  if (packed) {
    target.append(new Uint8Array(pool.lengths.buffer, pool.lengths.byteOffset, 4 * entries))
    target.pad(4 * entries)
    const first = pool.starts[0] ?? 0
    target.append(pool.bytes.subarray(first, first + textBytes))
    target.pad(textBytes)
    return
  }
  const sources = dictionary ? used : codes
  appendLengths(pool, sources, dictionary ? null : nulls, entries, target)
  appendTexts(pool, sources, entries, target)
  target.pad(textBytes)
  if (dictionary) appendCodes(codes as Int32Array, nulls, rowCount, codeWidth, target)
}

/** Scratch for sections of one column. */
let wireLengths = new Int32Array(1024)
let wireCodes = new Int32Array(1024)

/** `sources`: the pool's entry of each; null when they are alike. NULL rows are empty. */
function appendLengths(
  pool: StringPool,
  sources: Int32Array | null,
  nulls: Uint8Array | null,
  entries: number,
  target: WireTarget,
): void {
  if (wireLengths.length < entries) wireLengths = new Int32Array(entries * 2)
  const into = wireLengths
  const { lengths } = pool
  if (sources === null) into.set(lengths.subarray(0, entries))
  else for (let e = 0; e < entries; e++) into[e] = lengths[sources[e] as number] as number
  if (nulls !== null) for (let e = 0; e < entries; e++) if (nulls[e] === 1) into[e] = 0
  target.append(new Uint8Array(into.buffer, 0, 4 * entries))
  target.pad(4 * entries)
}

/** The bytes of the entries whose lengths are in `wireLengths`. */
function appendTexts(
  pool: StringPool,
  sources: Int32Array | null,
  entries: number,
  target: WireTarget,
): void {
  const from = pool.bytes
  const { starts } = pool
  const lengths = wireLengths
  let { bytes, at, end } = target
  for (let e = 0; e < entries; e++) {
    const length = lengths[e] as number
    const start = starts[sources === null ? e : (sources[e] as number)] as number
    if (length <= end - at) {
      copyBytes(from, start, bytes, at, length)
      at += length
      continue
    }
    target.at = at
    target.append(from.subarray(start, start + length))
    bytes = target.bytes
    at = target.at
    end = target.end
  }
  target.at = at
}

/** The renumbered codes, `width` bytes each; NULL rows as 0. */
function appendCodes(
  codes: Int32Array,
  nulls: Uint8Array | null,
  rowCount: number,
  width: number,
  target: WireTarget,
): void {
  if (wireCodes.length < rowCount) wireCodes = new Int32Array(rowCount * 2)
  const { buffer } = wireCodes
  const into =
    width === 1
      ? new Uint8Array(buffer, 0, rowCount)
      : width === 2
        ? new Uint16Array(buffer, 0, rowCount)
        : wireCodes
  const renumbered = newCode
  for (let i = 0; i < rowCount; i++) into[i] = renumbered[codes[i] as number] as number
  if (nulls !== null) for (let i = 0; i < rowCount; i++) if (nulls[i] === 1) into[i] = 0
  target.append(new Uint8Array(buffer, 0, width * rowCount))
  target.pad(width * rowCount)
}

export function decodeStrings(
  reader: WireReader,
  rowCount: number,
  nulls: Uint8Array | null,
  head: WireHead,
): StringColumn {
  const { form, codeWidth, entries } = head
  const dictionary = form === STRING_DICTIONARY
  const wellFormed = dictionary
    ? (codeWidth === 1 || codeWidth === 2 || codeWidth === 4) && entries <= rowCount
    : form === STRING_REFERENCES && entries === rowCount
  if (!wellFormed) throw reader.corrupt(`string form ${form} of ${entries} entries`)
  const textBytes = reader.u32()
  reader.u32()
  const lengths = reader.i32Array(entries)
  const text = reader.bytes(textBytes)
  const starts = new Int32Array(entries)
  let total = 0
  for (let e = 0; e < entries; e++) {
    const length = lengths[e] as number
    if (length < 0 || length > textBytes - total) throw reader.corrupt(`text length ${length}`)
    starts[e] = total
    total += length
  }
  if (total !== textBytes) throw reader.corrupt(`${textBytes} bytes of text, ${total} used`)
  const pool = new StringPool(text, starts, lengths, entries)
  return new StringColumn(
    pool,
    dictionary ? reader.codes(rowCount, codeWidth, entries) : null,
    nulls,
  )
}
