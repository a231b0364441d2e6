/**
 * Files in buckets, as far as checkpoints need them; paths are `s3://bucket/directory/file`.
 *
 * A file appears whole and is durable then, so there is nothing to sync. A directory is what names
 * begin with: it need not be made, and is gone with its last file. Nothing is renamed or appended
 * to, since a bucket can do neither.
 */
import type { FileStatus, Filesystem, OpenFile } from '@millrace/platform'
import { S3Download } from './s3-download.ts'
import {
  fileError,
  isMissing,
  locationOf,
  missingFile,
  type S3FileConnection,
} from './s3-file-connection.ts'
import { S3_SCHEMES } from './s3-location.ts'
import { putFile, S3Upload } from './s3-upload.ts'

const REMOVALS_AT_ONCE = 8

export class S3Filesystem implements Filesystem {
  readonly schemes = S3_SCHEMES
  readonly #connection: S3FileConnection
  constructor(connection: S3FileConnection) {
    this.#connection = connection
  }

  async readFile(path: string): Promise<Uint8Array> {
    const bytes = await this.#connection.call('read', path, async (place, requester) => {
      const { client, sdk, abortSignal } = requester
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand(place), { abortSignal })
        return (await Body?.transformToByteArray()) ?? new Uint8Array(0)
      } catch (error) {
        if (isMissing(error)) return null
        throw error
      }
    })
    if (bytes === null) throw missingFile(path)
    return bytes
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    await putFile(this.#connection, path, bytes)
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    if (mode === 'read') return S3Download.open(this.#connection, path)
    if (mode === 'append') throw unsupported('appending to a file', path)
    if ((await this.#fileStatus(path)) !== null) {
      throw fileError('EEXIST', 'file already exists', path)
    }
    return new S3Upload(this.#connection, path)
  }

  async rename(from: string): Promise<void> {
    throw unsupported('renaming', from)
  }

  async syncDirectory(): Promise<void> {}

  async makeDirectory(): Promise<void> {}

  async list(directory: string): Promise<FileStatus[]> {
    const base = directory.replace(/\/+$/, '')
    const found: FileStatus[] = []
    for await (const { files, directories } of this.#pages(base, true)) {
      for (const file of files) found.push({ ...file, path: `${base}/${file.path}` })
      for (const name of directories) found.push(directoryStatus(`${base}/${name}`))
    }
    return found.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async status(path: string): Promise<FileStatus | null> {
    const status = locationOf(path).path === '' ? null : await this.#fileStatus(path)
    if (status !== null) return status
    for await (const { files, directories } of this.#pages(path, true)) {
      if (files.length > 0 || directories.length > 0) return directoryStatus(path)
    }
    return null
  }

  async remove(path: string): Promise<void> {
    const { bucket, path: key } = locationOf(path)
    if (key === '') throw unsupported('removing a whole bucket', path)
    const below: string[] = []
    for await (const { files } of this.#pages(path, false)) {
      for (const file of files) below.push(`s3://${bucket}/${key}/${file.path}`)
    }
    for (let i = 0; i < below.length; i += REMOVALS_AT_ONCE) {
      await Promise.all(below.slice(i, i + REMOVALS_AT_ONCE).map((file) => this.#delete(file)))
    }
    await this.#delete(path)
  }

  async #delete(path: string): Promise<void> {
    await this.#connection.call('remove', path, async (place, { client, sdk, abortSignal }) => {
      try {
        await client.send(new sdk.DeleteObjectCommand(place), { abortSignal })
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    })
  }

  #fileStatus(path: string): Promise<FileStatus | null> {
    return this.#connection.call('look at', path, async (place, requester) => {
      const { client, sdk, abortSignal } = requester
      try {
        const head = await client.send(new sdk.HeadObjectCommand(place), { abortSignal })
        const { ContentLength = 0, LastModified, ETag = '' } = head
        const modifiedMs = LastModified?.getTime() ?? 0
        return { path, size: ContentLength, modifiedMs, isDirectory: false, inode: ETag }
      } catch (error) {
        if (isMissing(error)) return null
        throw error
      }
    })
  }

  /**
   * What is in a directory, with names relative to it; only its own children unless not `isFlat`.
   */
  async *#pages(directory: string, isFlat: boolean): AsyncGenerator<Page> {
    let ContinuationToken: string | undefined
    do {
      const token = ContinuationToken
      const { page, next } = await this.#connection.call(
        'list',
        directory,
        async ({ Bucket, Key }, { client, sdk, abortSignal }) => {
          const Prefix = Key === '' ? '' : `${Key}/`
          const request = new sdk.ListObjectsV2Command({
            Bucket,
            Prefix,
            ...(isFlat ? { Delimiter: '/' } : {}),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          })
          const answer = await client.send(request, { abortSignal })
          return { page: pageOf(answer, Prefix.length), next: answer.NextContinuationToken }
        },
      )
      yield page
      ContinuationToken = next
    } while (ContinuationToken !== undefined)
  }
}

interface Page {
  /** `path` is the name below the directory. */
  readonly files: readonly FileStatus[]
  readonly directories: readonly string[]
}

function pageOf(
  answer: {
    readonly Contents?: readonly {
      readonly Key?: string
      readonly Size?: number
      readonly LastModified?: Date
      readonly ETag?: string
    }[]
    readonly CommonPrefixes?: readonly { readonly Prefix?: string }[]
  },
  prefixLength: number,
): Page {
  const files: FileStatus[] = []
  for (const { Key = '', Size = 0, LastModified, ETag = '' } of answer.Contents ?? []) {
    const path = Key.slice(prefixLength)
    // Some tools put an empty object in a directory's place.
    if (path === '') continue
    const modifiedMs = LastModified?.getTime() ?? 0
    files.push({ path, size: Size, modifiedMs, isDirectory: false, inode: ETag })
  }
  const directories = (answer.CommonPrefixes ?? []).map(({ Prefix = '' }) =>
    Prefix.slice(prefixLength).replace(/\/$/, ''),
  )
  return { files, directories }
}

function directoryStatus(path: string): FileStatus {
  return { path, size: 0, modifiedMs: 0, isDirectory: true, inode: path }
}

function unsupported(what: string, path: string): Error {
  return fileError('ENOTSUP', `a bucket does not permit ${what}`, path)
}
