/**
 * Takes a segment's bytes: in memory up to the threshold, beyond it in a file.
 *
 * The file counts only once `finish` has synced it and its directory; `abandon` removes what there
 * is.
 */

import type { StateHandle } from '@millrace/core'
import type { Filesystem, OpenFile } from '@millrace/platform'

/** Blocks gathered into one write. */
const WRITE_BYTES = 512 * 1024
const BLOCK_ALIGNMENT = 8

export class SegmentSink {
  readonly #filesystem: Filesystem
  /** Null: everything stays inline. */
  readonly #directory: string | null
  readonly #path: string
  readonly #memoryThreshold: number
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #file: OpenFile | null = null
  size = 0

  constructor(
    filesystem: Filesystem,
    directory: string | null,
    fileName: string,
    memoryThreshold: number,
  ) {
    this.#filesystem = filesystem
    this.#directory = directory
    this.#path = `${directory}/${fileName}`
    this.#memoryThreshold = memoryThreshold
  }

  /** Keeps `bytes` (they must not change any more). */
  async append(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.size += bytes.length
    if (this.#directory === null) return
    const limit = this.#file === null ? Math.max(this.#memoryThreshold, WRITE_BYTES) : WRITE_BYTES
    if (this.#pendingBytes > limit) await this.#writePending()
  }

  /** Pads with zeros to where a block may start. */
  async align(): Promise<void> {
    const over = this.size % BLOCK_ALIGNMENT
    if (over > 0) await this.append(new Uint8Array(BLOCK_ALIGNMENT - over))
  }

  async finish(indexCrc32: number): Promise<StateHandle> {
    if (this.#directory === null || (this.#file === null && this.size <= this.#memoryThreshold)) {
      const bytes = Buffer.concat(this.#pending).toString('base64')
      return { kind: 'inline', bytes, size: this.size, crc32: indexCrc32 }
    }
    await this.#writePending()
    const file = this.#file as OpenFile | null
    await file?.sync()
    await file?.close()
    await this.#filesystem.syncDirectory(this.#directory)
    return { kind: 'file', path: this.#path, size: this.size, crc32: indexCrc32 }
  }

  /** After a failure; itself never fails. */
  async abandon(): Promise<void> {
    if (this.#file === null) return
    try {
      await this.#file.close()
    } catch {
      // Already closed by `finish`.
    }
    try {
      await this.#filesystem.remove(this.#path)
    } catch {
      // The directory of an abandoned checkpoint is removed as a whole later.
    }
  }

  async #writePending(): Promise<void> {
    if (this.#file === null) {
      await this.#filesystem.makeDirectory(this.#directory as string)
      this.#file = await this.#filesystem.open(this.#path, 'create')
    }
    const bytes = this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    await this.#file.append(bytes)
  }
}
