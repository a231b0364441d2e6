/**
 * Requests for the files of one process, by path: what reading, writing and removing them
 * have in common.
 *
 * Every one may be repeated: a file is written whole, under a name of its own.
 */
import { platformError } from '@millrace/platform'
import { nameOf, statusOf } from './explain-failure.ts'
import type { CallPolicy, Requester, S3Connection } from './s3-connection.ts'
import { parseS3Location, type S3Location } from './s3-location.ts'

/** Enough for a part of an upload on a slow line. */
const DEADLINE_MS = 60_000
const POLICY: CallPolicy = { deadlineMs: DEADLINE_MS, isRepeatable: true }

export class S3FileConnection {
  readonly #connection: S3Connection
  readonly #locationKey: string
  constructor(connection: S3Connection, locationKey: string) {
    this.#connection = connection
    this.#locationKey = locationKey
  }

  /** `request` gets the bucket and the key of `path`. */
  call<T>(
    verb: string,
    path: string,
    request: (
      place: { readonly Bucket: string; readonly Key: string },
      by: Requester,
    ) => Promise<T>,
  ): Promise<T> {
    const { bucket, path: key } = locationOf(path)
    const attempt = { what: `${verb} '${key}'`, bucket, locationKey: this.#locationKey }
    return this.#connection.call(attempt, POLICY, (requester) =>
      request({ Bucket: bucket, Key: key }, requester),
    )
  }
}

/** Throws OBJECT_STORE_UNSUPPORTED. */
export function locationOf(location: string): S3Location {
  const parsed = parseS3Location(location)
  if (parsed !== null) return parsed
  throw platformError(
    'OBJECT_STORE_UNSUPPORTED',
    `Write s3://bucket/path; the location is '${location}'.`,
  )
}

/** As Node's own errors of files. */
export function fileError(code: string, what: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${what}, '${path}'`), { code })
}

export const missingFile = (path: string) => fileError('ENOENT', 'no such file or directory', path)

/** An answer to HEAD has no body that could say more. */
export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404 && ['NoSuchKey', 'NotFound'].includes(nameOf(error))
}
