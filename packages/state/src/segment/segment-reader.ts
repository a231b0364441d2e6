/**
 * Reads a segment: header, footer and index first, then the blocks that are asked for.
 *
 * Every byte that is used has been checked against a CRC; anything else is STATE_CORRUPTED with
 * the file's name and what to do.
 */
import { crc32 } from 'node:zlib'
import { type ColumnBatch, decodeBatch, type MillraceError, type Schema } from '@millrace/core'
import type { Filesystem, OpenFile } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import type { StateHandle } from '../handle/state-handle.ts'
import { decodeItems } from './item-block.ts'
import {
  FOOTER_BYTES,
  HEADER_BYTES,
  type ItemsIndex,
  isHeader,
  type KeyedBlock,
  parseFooter,
  type SegmentIndex,
} from './segment-format.ts'

export class SegmentReader {
  readonly #handle: StateHandle
  readonly #filesystem: Filesystem
  readonly #inline: Uint8Array | null
  #file: OpenFile | null = null

  constructor(handle: StateHandle, filesystem: Filesystem) {
    this.#handle = handle
    this.#filesystem = filesystem
    this.#inline =
      handle.kind === 'inline' ? new Uint8Array(Buffer.from(handle.bytes, 'base64')) : null
  }

  /** The checked index. Throws STATE_CORRUPTED. */
  async readIndex(): Promise<SegmentIndex> {
    const { size } = this.#handle
    const actualSize = await this.#actualSize()
    if (actualSize !== size) throw this.corrupted(`it has ${actualSize} bytes instead of ${size}`)
    if (size < HEADER_BYTES + FOOTER_BYTES) throw this.corrupted(`${size} bytes are no segment`)
    if (!isHeader(await this.#read(0, HEADER_BYTES))) throw this.corrupted('its header is damaged')
    const footer = parseFooter(await this.#read(size - FOOTER_BYTES, FOOTER_BYTES), size)
    if (footer === null) throw this.corrupted('its footer is damaged')
    const json = await this.#read(footer.indexOffset, footer.indexLength)
    const actual = crc32(json)
    if (actual !== footer.indexCrc32) throw this.corrupted('its index is damaged')
    if (actual !== this.#handle.crc32) throw this.corrupted('it belongs to another checkpoint')
    return JSON.parse(new TextDecoder().decode(json)) as SegmentIndex
  }

  /** The rows of one block. Throws STATE_CORRUPTED. */
  async readBatch(block: KeyedBlock, schema: Schema): Promise<ColumnBatch> {
    const [keyGroup, offset, length, rows, expectedCrc] = block
    const bytes = await this.#read(offset, length)
    if (crc32(bytes) !== expectedCrc)
      throw this.corrupted(`key group ${keyGroup} is damaged`, offset)
    let batch: ColumnBatch
    try {
      batch = decodeBatch(bytes, 0, length, schema)
    } catch (cause) {
      throw this.corrupted(`key group ${keyGroup} does not fit its schema`, offset, cause)
    }
    if (batch.rowCount !== rows) throw this.corrupted(`key group ${keyGroup} lacks rows`, offset)
    return batch
  }

  async readItems(entry: ItemsIndex): Promise<Uint8Array[]> {
    const bytes = await this.#read(entry.offset, entry.length)
    const items = crc32(bytes) === entry.crc32 ? decodeItems(bytes, entry.count) : null
    if (items === null) throw this.corrupted(`state '${entry.name}' is damaged`, entry.offset)
    return items
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  corrupted(what: string, offset?: number, cause?: unknown): MillraceError {
    const { name } = this
    return stateError('STATE_CORRUPTED', `Cannot read the state in ${name}: ${what}.`, {
      hint: 'Restore from another retained checkpoint (execution.state-recovery.path), or start the job without one.',
      location: { file: name, ...(offset === undefined ? {} : { offset: `${offset}` }) },
      cause,
    })
  }

  get name(): string {
    return this.#handle.kind === 'file' ? this.#handle.path : 'the checkpoint’s metadata'
  }

  async #actualSize(): Promise<number> {
    if (this.#inline !== null) return this.#inline.length
    try {
      const status = await this.#filesystem.status(this.name)
      if (status !== null) return status.size
    } catch (cause) {
      throw this.corrupted((cause as Error).message, undefined, cause)
    }
    throw this.corrupted('the file is missing')
  }

  /** A new array for each call: decoded columns are views of it. */
  async #read(offset: number, length: number): Promise<Uint8Array> {
    if (offset + length > this.#handle.size) throw this.corrupted('its index is damaged', offset)
    if (this.#inline !== null) return this.#inline.slice(offset, offset + length)
    const bytes = new Uint8Array(length)
    try {
      this.#file ??= await this.#filesystem.open(this.name, 'read')
      for (let filled = 0; filled < length; ) {
        const count = await this.#file.read(bytes.subarray(filled), offset + filled)
        if (count === 0) throw new Error('the file ends early')
        filled += count
      }
    } catch (cause) {
      throw this.corrupted((cause as Error).message, offset, cause)
    }
    return bytes
  }
}
