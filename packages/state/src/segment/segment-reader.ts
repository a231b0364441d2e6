/**
 * Reads a segment: header, footer and index first, then the blocks that are asked for.
 *
 * Every byte that is used has been checked against a CRC. What fails its check is read again before
 * it counts as STATE_CORRUPTED (with the file's name and what to do): the bytes may have been
 * damaged on their way. A disk that does not give them is STATE_UNREADABLE, and may do so later.
 */
import { crc32 } from 'node:zlib'
import {
  type ColumnBatch,
  decodeBatch,
  isMillraceError,
  type MillraceError,
  type Schema,
  type StateHandle,
} from '@millrace/core'
import type { Filesystem, OpenFile } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { decodeItems } from './item-block.ts'
import {
  FOOTER_BYTES,
  HEADER_BYTES,
  type ItemsIndex,
  isHeader,
  type KeyedBlock,
  newerVersion,
  parseFooter,
  SEGMENT_VERSION,
  type SegmentIndex,
} from './segment-format.ts'

/** So often bytes are read that fail their check. */
const READS_MAX = 3

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

  /** The checked index. Throws STATE_CORRUPTED, STATE_UNREADABLE, STATE_VERSION_UNSUPPORTED. */
  async readIndex(): Promise<SegmentIndex> {
    const { size } = this.#handle
    const actualSize = await this.#actualSize()
    if (actualSize !== size) throw this.corrupted(`it has ${actualSize} bytes instead of ${size}`)
    if (size < HEADER_BYTES + FOOTER_BYTES) throw this.corrupted(`${size} bytes are no segment`)
    if ((await this.#read(0, HEADER_BYTES, isHeader)) === null) {
      await this.#refuseNewer()
      throw this.corrupted('its header is damaged')
    }
    const footerAt = size - FOOTER_BYTES
    // The handle knows the index's CRC: without that, one wrong bit of the footer would look like a
    // damaged index.
    const isFooter = (bytes: Uint8Array): boolean =>
      parseFooter(bytes, size)?.indexCrc32 === this.#handle.crc32
    const footerBytes = await this.#read(footerAt, FOOTER_BYTES, isFooter)
    const footer = footerBytes === null ? null : parseFooter(footerBytes, size)
    if (footer === null) {
      throw this.corrupted('its footer is damaged, or it belongs to another checkpoint')
    }
    const json = await this.#readWithCrc(footer.indexOffset, footer.indexLength, footer.indexCrc32)
    if (json === null) throw this.corrupted('its index is damaged')
    return JSON.parse(new TextDecoder().decode(json)) as SegmentIndex
  }

  async #refuseNewer(): Promise<void> {
    const any = (): boolean => true
    const header = await this.#read(0, HEADER_BYTES, any)
    const footer = await this.#read(this.#handle.size - FOOTER_BYTES, FOOTER_BYTES, any)
    const version = header === null || footer === null ? null : newerVersion(header, footer)
    if (version === null) return
    const { name } = this
    throw stateError(
      'STATE_VERSION_UNSUPPORTED',
      `Restore with a newer Millrace: the state in ${name} has version ${version}, this build reads up to ${SEGMENT_VERSION}.`,
      {
        hint: 'Or restore from a checkpoint that this version wrote, or start the job without one.',
        location: { file: name },
      },
    )
  }

  /** The rows of one block. Throws STATE_CORRUPTED, STATE_UNREADABLE. */
  async readBatch(block: KeyedBlock, schema: Schema): Promise<ColumnBatch> {
    const [keyGroup, offset, length, rows, expectedCrc] = block
    const bytes = await this.#readWithCrc(offset, length, expectedCrc)
    if (bytes === null) throw this.corrupted(`key group ${keyGroup} is damaged`, offset)
    let batch: ColumnBatch
    try {
      batch = decodeBatch(bytes, 0, length, schema)
    } catch (cause) {
      throw this.corrupted(`key group ${keyGroup} does not fit its schema`, offset, cause)
    }
    if (batch.rowCount !== rows) throw this.corrupted(`key group ${keyGroup} lacks rows`, offset)
    return batch
  }

  /** All blocks of `index`, as they lie: nothing is decoded. Throws as `readBatch`. */
  async verify({ tables, items }: SegmentIndex): Promise<void> {
    for (const { blocks } of tables) {
      for (const [keyGroup, offset, length, , expected] of blocks) {
        if ((await this.#readWithCrc(offset, length, expected)) !== null) continue
        throw this.corrupted(`key group ${keyGroup} is damaged`, offset)
      }
    }
    for (const { name, offset, length, crc32: expected } of items) {
      if ((await this.#readWithCrc(offset, length, expected)) !== null) continue
      throw this.corrupted(`state '${name}' is damaged`, offset)
    }
  }

  async readItems(entry: ItemsIndex): Promise<Uint8Array[]> {
    const bytes = await this.#readWithCrc(entry.offset, entry.length, entry.crc32)
    const items = bytes === null ? null : decodeItems(bytes, entry.count)
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

  #unreadable(cause: unknown, offset?: number): MillraceError {
    const { name } = this
    return stateError(
      'STATE_UNREADABLE',
      `Cannot read the state in ${name}: ${(cause as Error).message}.`,
      {
        hint: 'Check the disk of the checkpoint directory; it is tried again with the next restart.',
        location: { file: name, ...(offset === undefined ? {} : { offset: `${offset}` }) },
        cause,
      },
    )
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
      throw this.#unreadable(cause)
    }
    throw this.corrupted('the file is missing')
  }

  #readWithCrc(offset: number, length: number, expected: number): Promise<Uint8Array | null> {
    return this.#read(offset, length, (bytes) => crc32(bytes) === expected)
  }

  /** A new array for each call: decoded columns are views of it. Null: it is not `isGood`. */
  async #read(
    offset: number,
    length: number,
    isGood: (bytes: Uint8Array) => boolean,
  ): Promise<Uint8Array | null> {
    if (offset + length > this.#handle.size) return null
    if (this.#inline !== null) {
      const bytes = this.#inline.slice(offset, offset + length)
      return isGood(bytes) ? bytes : null
    }
    for (let reads = 0; reads < READS_MAX; reads++) {
      const bytes = await this.#readOnce(offset, length)
      if (isGood(bytes)) return bytes
    }
    return null
  }

  async #readOnce(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    try {
      this.#file ??= await this.#filesystem.open(this.name, 'read')
      for (let filled = 0; filled < length; ) {
        const count = await this.#file.read(bytes.subarray(filled), offset + filled)
        if (count === 0) throw this.corrupted('the file ends early', offset)
        filled += count
      }
    } catch (cause) {
      if (isMillraceError(cause)) throw cause
      throw this.#unreadable(cause, offset)
    }
    return bytes
  }
}
