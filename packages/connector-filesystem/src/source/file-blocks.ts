/**
 * Reads one split's file in blocks, one block ahead of what is being decoded.
 *
 * Two reused buffers: while lines of `bytes[position … filled)` are taken, the next block is read
 * behind a headroom in the other, into which the rest of a cut line is copied. Invariant: `offset`
 * is the file offset of `bytes[position]`.
 */
import { isMillraceError } from '@millrace/core'
import type { OpenFile, Platform } from '@millrace/platform'
import { fileErrorCode, filesystemError } from '../error-codes.ts'
import type { FilePosition } from './file-split.ts'

export const BLOCK_BYTES = 512 * 1024
const HEADROOM_BYTES = 64 * 1024
const EMPTY = new Uint8Array(0)

export class FileBlocks {
  readonly path: string
  bytes: Uint8Array = EMPTY
  view: DataView = new DataView(EMPTY.buffer)
  position = 0
  filled = 0
  offset: number
  /** The last read found nothing more. */
  atEnd = false
  readonly #platform: Platform
  readonly #end: number | null
  readonly #onReady: () => void
  readonly #onError: (error: unknown) => void
  #file: OpenFile | null = null
  #readOffset: number
  #next: Uint8Array | null = null
  #nextFilled = 0
  #spare: Uint8Array | null = null
  #reading = false
  #closed = false

  constructor(
    platform: Platform,
    position: FilePosition,
    onReady: () => void,
    onError: (error: unknown) => void,
  ) {
    this.#platform = platform
    this.path = position.path
    this.#end = position.end
    this.offset = position.offset
    this.#readOffset = position.offset
    this.#onReady = onReady
    this.#onError = onError
  }

  /** Starts reading the next block, unless one is there or on its way. */
  readAhead(): void {
    if (this.#reading || this.#next !== null || this.atEnd || this.#closed) return
    this.#reading = true
    this.#read().then(
      () => {
        this.#reading = false
        if (this.#closed) void this.#closeFile()
        else this.#onReady()
      },
      (thrown) => {
        this.#reading = false
        if (this.#closed) void this.#closeFile()
        else this.#onError(this.#named(thrown))
      },
    )
  }

  /** Looks again whether the file has grown. */
  retryEnd(): void {
    this.atEnd = false
    this.readAhead()
  }

  /**
   * Makes the block read ahead, if there is one, follow what is left of the current one; false when
   * there is none.
   */
  advance(): boolean {
    const next = this.#next
    if (next === null) return false
    const rest = this.filled - this.position
    if (rest <= HEADROOM_BYTES) {
      next.set(this.bytes.subarray(this.position, this.filled), HEADROOM_BYTES - rest)
      if (this.bytes.length === next.length) this.#spare = this.bytes
      this.#use(next, HEADROOM_BYTES - rest, this.#nextFilled)
    } else {
      // A line longer than the headroom: one buffer for all of it, doubled so that long
      // lines stay linear.
      const block = this.#nextFilled - HEADROOM_BYTES
      const joined = new Uint8Array(Math.max(2 * rest, rest + block))
      joined.set(this.bytes.subarray(this.position, this.filled))
      joined.set(next.subarray(HEADROOM_BYTES, this.#nextFilled), rest)
      this.#spare = next
      this.#use(joined, 0, rest + block)
    }
    this.#next = null
    return true
  }

  #use(bytes: Uint8Array, position: number, filled: number): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.position = position
    this.filled = filled
  }

  /** Moves on to `position` in the block. */
  consumeTo(position: number): void {
    this.offset += position - this.position
    this.position = position
  }

  async #read(): Promise<void> {
    this.#file ??= await this.#platform.filesystem.open(this.path, 'read')
    const buffer = this.#spare ?? new Uint8Array(HEADROOM_BYTES + BLOCK_BYTES)
    this.#spare = null
    const count = await this.#file.read(buffer.subarray(HEADROOM_BYTES), this.#readOffset)
    if (count > 0) {
      this.#readOffset += count
      this.#nextFilled = HEADROOM_BYTES + count
      this.#next = buffer
      return
    }
    this.#spare = buffer
    await this.#checkEnd()
    this.atEnd = true
  }

  /** The file must still be there, and as long as it was. */
  async #checkEnd(): Promise<void> {
    const location = { file: this.path, offset: String(this.offset) }
    const status = await this.#platform.filesystem.status(this.path)
    if (status === null) throw this.#vanished()
    const expected = Math.max(this.#readOffset, this.#end ?? 0)
    if (status.size >= expected) return
    throw filesystemError(
      'FILESYSTEM_FILE_SHRUNK',
      `Restore ${this.path}: it has ${status.size} bytes, ${expected} were there before.`,
      { location, hint: 'Files of a table may grow, but not be rewritten while they are read.' },
    )
  }

  #vanished(): Error {
    return filesystemError('FILESYSTEM_FILE_VANISHED', `Restore ${this.path}: it is gone.`, {
      location: { file: this.path, offset: String(this.offset) },
      hint: 'Files of a table must stay where they are while they are read.',
    })
  }

  #named(thrown: unknown): unknown {
    if (isMillraceError(thrown)) return thrown
    if (fileErrorCode(thrown) === 'ENOENT') return this.#vanished()
    return filesystemError(
      'FILESYSTEM_READ_FAILED',
      `Cannot read ${this.path}: ${fileErrorCode(thrown)}.`,
      { cause: thrown, location: { file: this.path } },
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    if (!this.#reading) await this.#closeFile()
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }
}
