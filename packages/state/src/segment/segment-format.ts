/**
 * The segment: one operator's state in one subtask, as a file or an inline blob.
 *
 *     segment = header · block* · index · footer   (little endian)
 *     header  = magic u32 'MRSG' · version u32 · 0 u64
 *     block   = one encoded ColumnBatch of one key group | items of one list or union state
 *     items   = (length u32 · bytes)*
 *     index   = JSON (`SegmentIndex`), UTF-8
 *     footer  = index offset u64 · index length u32 · index crc32 u32 · magic u32 · version u32
 *
 * Version 2 builds upon segments of earlier checkpoints: its tables have the entries that were
 * written since, and `removed` ones the keys of those that went.
 *
 * Blocks start at multiples of 8 (gaps are zero), so that decoded columns are views. Every block's
 * CRC stands in the index, the index's in the footer and in the handle: whichever byte is damaged,
 * reading says so.
 */
import { crc32 } from 'node:zlib'
import type { KeyGroupRange, Schema, StoredExpiry } from '@millrace/core'

export const SEGMENT_MAGIC = 0x4753524d
/** What this build reads up to. */
export const SEGMENT_VERSION = 2
/** Of a segment with all entries: what readers of before know. */
export const FULL_SEGMENT_VERSION = 1
export const HEADER_BYTES = 16
export const FOOTER_BYTES = 24

/** `keyGroup · offset · length · rows · crc32` of one encoded batch. */
export type KeyedBlock = readonly [number, number, number, number, number]

export interface TableIndex {
  readonly name: string
  readonly schema: Schema
  /** By ascending key group. */
  readonly blocks: readonly KeyedBlock[]
  /**
   * Its rows are keys whose entries in earlier segments are gone. It stands before the table of the
   * same name.
   */
  readonly removed?: true
  /** By what entries of it were forgotten; absent: they were not. */
  readonly expiry?: StoredExpiry
}

export interface ItemsIndex {
  readonly name: string
  readonly kind: 'list' | 'union'
  readonly count: number
  readonly offset: number
  readonly length: number
  readonly crc32: number
}

export interface SegmentIndex {
  readonly operatorId: string
  readonly subtaskIndex: number
  readonly checkpointId: number
  readonly keyGroups: KeyGroupRange
  readonly tables: readonly TableIndex[]
  readonly items: readonly ItemsIndex[]
}

export interface SegmentFooter {
  readonly indexOffset: number
  readonly indexLength: number
  readonly indexCrc32: number
}

export function segmentHeader(version: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, SEGMENT_MAGIC, true)
  view.setUint32(4, version, true)
  return bytes
}

/** The index and the footer behind it, for a segment of `offset` bytes so far. */
export function segmentTail(
  index: SegmentIndex,
  offset: number,
  version: number,
): { readonly bytes: Uint8Array; readonly indexCrc32: number } {
  const json = new TextEncoder().encode(JSON.stringify(index))
  const bytes = new Uint8Array(json.length + FOOTER_BYTES)
  const view = new DataView(bytes.buffer)
  const indexCrc32 = crc32(json)
  bytes.set(json)
  view.setBigUint64(json.length, BigInt(offset), true)
  view.setUint32(json.length + 8, json.length, true)
  view.setUint32(json.length + 12, indexCrc32, true)
  view.setUint32(json.length + 16, SEGMENT_MAGIC, true)
  view.setUint32(json.length + 20, version, true)
  return { bytes, indexCrc32 }
}

/**
 * The version that both ends of a segment name, when it is newer than what this build reads; else
 * null. Wrong bits in one of them are damage.
 */
export function newerVersion(header: Uint8Array, footer: Uint8Array): number | null {
  const head = new DataView(header.buffer, header.byteOffset, header.byteLength)
  const foot = new DataView(footer.buffer, footer.byteOffset, footer.byteLength)
  const version = head.getUint32(4, true)
  const isSegment =
    head.getUint32(0, true) === SEGMENT_MAGIC && foot.getUint32(16, true) === SEGMENT_MAGIC
  if (!isSegment || foot.getUint32(20, true) !== version) return null
  return version > SEGMENT_VERSION ? version : null
}

/** Null when the bytes are no footer of a segment of `size` bytes. */
export function parseFooter(bytes: Uint8Array, size: number): SegmentFooter | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(16, true) !== SEGMENT_MAGIC) return null
  if (!isKnownVersion(view.getUint32(20, true))) return null
  const indexOffset = Number(view.getBigUint64(0, true))
  const indexLength = view.getUint32(8, true)
  if (indexOffset + indexLength + FOOTER_BYTES !== size || indexOffset < HEADER_BYTES) return null
  return { indexOffset, indexLength, indexCrc32: view.getUint32(12, true) }
}

/** Whether the bytes are exactly a segment's header. */
export function isHeader(bytes: Uint8Array): boolean {
  if (bytes.length !== HEADER_BYTES) return false
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true)
  const expected = segmentHeader(version)
  return isKnownVersion(version) && expected.every((byte, i) => bytes[i] === byte)
}

function isKnownVersion(version: number): boolean {
  return version >= FULL_SEGMENT_VERSION && version <= SEGMENT_VERSION
}
