/**
 * A new file of a bucket: there when `sync` has resolved, before that not at all.
 *
 * Up to one part is gathered in memory and put at once; a larger file goes up part by part, and is
 * given up as a whole when it is closed before `sync`. After `sync` it does not change any more.
 */
import type { OpenFile } from '@millrace/platform'
import { fileError, type S3FileConnection } from './s3-file-connection.ts'

/** At least 5 MiB, as S3 wants it; with 10,000 parts a file has at most 80 GiB. */
const PART_BYTES = 8 * 1024 * 1024

interface Part {
  readonly PartNumber: number
  readonly ETag: string | undefined
}

export class S3Upload implements OpenFile {
  readonly #connection: S3FileConnection
  readonly #path: string
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #uploadId: string | null = null
  #parts: Part[] = []
  #isWhole = false

  constructor(connection: S3FileConnection, path: string) {
    this.#connection = connection
    this.#path = path
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#isWhole) throw fileError('ENOTSUP', 'a file of a bucket is written once', this.#path)
    this.#pending.push(bytes.slice())
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes >= PART_BYTES) await this.#sendPart()
  }

  async sync(): Promise<void> {
    if (this.#isWhole) return
    if (this.#uploadId === null) {
      await putFile(this.#connection, this.#path, this.#takePending())
    } else {
      if (this.#pendingBytes > 0) await this.#sendPart()
      await this.#complete(this.#uploadId)
    }
    this.#isWhole = true
  }

  async close(): Promise<void> {
    this.#takePending()
    const UploadId = this.#uploadId
    this.#uploadId = null
    if (this.#isWhole || UploadId === null) return
    await this.#connection.call('give up', this.#path, (place, { client, sdk, abortSignal }) =>
      client.send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId }), { abortSignal }),
    )
  }

  async read(): Promise<number> {
    throw fileError('EBADF', 'the file is being written', this.#path)
  }

  async truncate(): Promise<void> {
    throw fileError('ENOTSUP', 'a file of a bucket is written once', this.#path)
  }

  #takePending(): Uint8Array {
    const bytes = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    return bytes
  }

  async #sendPart(): Promise<void> {
    const Body = this.#takePending()
    this.#uploadId ??= await this.#begin()
    const upload = { UploadId: this.#uploadId, PartNumber: this.#parts.length + 1 }
    const { ETag } = await this.#connection.call(
      'write',
      this.#path,
      (place, { client, sdk, abortSignal }) =>
        client.send(new sdk.UploadPartCommand({ ...place, ...upload, Body }), { abortSignal }),
    )
    this.#parts.push({ PartNumber: upload.PartNumber, ETag })
  }

  #begin(): Promise<string> {
    return this.#connection.call('write', this.#path, async (place, requester) => {
      const { client, sdk, abortSignal } = requester
      const request = new sdk.CreateMultipartUploadCommand(place)
      const { UploadId } = await client.send(request, { abortSignal })
      if (UploadId === undefined) throw new Error('the answer is incomplete')
      return UploadId
    })
  }

  async #complete(UploadId: string): Promise<void> {
    const MultipartUpload = { Parts: this.#parts }
    await this.#connection.call('write', this.#path, (place, { client, sdk, abortSignal }) =>
      client.send(new sdk.CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload }), {
        abortSignal,
      }),
    )
  }
}

/** Replaces what is there, at once. */
export async function putFile(
  connection: S3FileConnection,
  path: string,
  Body: Uint8Array,
): Promise<void> {
  await connection.call('write', path, (place, { client, sdk, abortSignal }) =>
    client.send(new sdk.PutObjectCommand({ ...place, Body }), { abortSignal }),
  )
}
