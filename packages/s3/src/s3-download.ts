/**
 * A file of a bucket, open for reading: ranges, read ahead, since readers ask for a header, an
 * index and small blocks.
 *
 * What is read twice in a row is fetched again: a reader does so when bytes fail their check.
 */
import type { OpenFile } from '@millrace/platform'
import { statusOf } from './explain-failure.ts'
import { fileError, isMissing, missingFile, type S3FileConnection } from './s3-file-connection.ts'

const READ_AHEAD_BYTES = 1024 * 1024
const RANGE_NOT_SATISFIABLE = 416

interface Chunk {
  readonly start: number
  readonly bytes: Uint8Array
}

export class S3Download implements OpenFile {
  readonly #connection: S3FileConnection
  readonly #path: string
  #chunk: Chunk
  #last = ''

  private constructor(connection: S3FileConnection, path: string, chunk: Chunk) {
    this.#connection = connection
    this.#path = path
    this.#chunk = chunk
  }

  /** Rejects with ENOENT. */
  static async open(connection: S3FileConnection, path: string): Promise<S3Download> {
    return new S3Download(connection, path, await fetchChunk(connection, path, 0, 0))
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const asked = `${position}+${into.length}`
    const isAgain = asked === this.#last
    this.#last = asked
    if (isAgain || !this.#has(position)) {
      this.#chunk = await fetchChunk(this.#connection, this.#path, position, into.length)
    }
    const { start, bytes } = this.#chunk
    const found = bytes.subarray(position - start, position - start + into.length)
    into.set(found)
    return found.length
  }

  #has(position: number): boolean {
    const { start, bytes } = this.#chunk
    return position >= start && position < start + bytes.length
  }

  async append(): Promise<void> {
    throw readOnly(this.#path)
  }

  async sync(): Promise<void> {}

  async truncate(): Promise<void> {
    throw readOnly(this.#path)
  }

  async close(): Promise<void> {
    this.#chunk = { start: 0, bytes: new Uint8Array(0) }
  }
}

async function fetchChunk(
  connection: S3FileConnection,
  path: string,
  start: number,
  lengthMin: number,
): Promise<Chunk> {
  const end = start + Math.max(lengthMin, READ_AHEAD_BYTES) - 1
  const bytes = await connection.call('read', path, async (place, { client, sdk, abortSignal }) => {
    try {
      const request = new sdk.GetObjectCommand({ ...place, Range: `bytes=${start}-${end}` })
      const { Body } = await client.send(request, { abortSignal })
      return (await Body?.transformToByteArray()) ?? new Uint8Array(0)
    } catch (error) {
      // Beyond the end there is nothing.
      if (statusOf(error) === RANGE_NOT_SATISFIABLE) return new Uint8Array(0)
      if (isMissing(error)) return null
      throw error
    }
  })
  if (bytes === null) throw missingFile(path)
  return { start, bytes }
}

const readOnly = (path: string) => fileError('EBADF', 'the file is open for reading', path)
