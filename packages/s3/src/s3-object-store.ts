/**
 * An object store in a bucket: conditional writes are PUT with `If-None-Match: *` or
 * `If-Match: <version>`.
 *
 * A key `jobs/<id>/record` of the store at `s3://bucket/ha` is the object
 * `ha/jobs/<id>/record@object`: the ending lets one key begin another where a server keeps objects
 * as files. A version is an ETag (see object-stamp.ts). A server that ignores conditions would let
 * two JobManagers lead at once, so before the first write it has to refuse one.
 */
import type { MillraceError } from '@millrace/core'
import type { ObjectStore, Random, StoredObject } from '@millrace/platform'
import { s3Error } from './error-codes.ts'
import { nameOf, statusOf } from './explain-failure.ts'
import { withoutStamp, withStamp } from './object-stamp.ts'
import type { CallPolicy, Requester, S3Connection } from './s3-connection.ts'
import type { S3Location } from './s3-location.ts'

const OBJECT_SUFFIX = '@object'
const DEADLINE_MS = 10_000
const REPEATABLE: CallPolicy = { deadlineMs: DEADLINE_MS, isRepeatable: true }
const ONCE: CallPolicy = { deadlineMs: DEADLINE_MS, isRepeatable: false }
/** How often a write is sent that the server turns away because another one is under way. */
const CONFLICT_TRIES_MAX = 6

const PRECONDITION_FAILED = 412
const CONFLICT = 409
const NOT_FOUND = 404

export interface S3ObjectStoreSettings {
  readonly connection: S3Connection
  readonly random: Random
  readonly location: S3Location
  /** The option that names the location. */
  readonly locationKey: string
}

export class S3ObjectStore implements ObjectStore {
  readonly #connection: S3Connection
  readonly #random: Random
  readonly #bucket: string
  /** Of every object; ends in a slash unless the store is the whole bucket. */
  readonly #root: string
  readonly #locationKey: string
  #proof: Promise<void> | null = null

  constructor({ connection, random, location, locationKey }: S3ObjectStoreSettings) {
    this.#connection = connection
    this.#random = random
    this.#bucket = location.bucket
    this.#root = location.path === '' ? '' : `${location.path}/`
    this.#locationKey = locationKey
  }

  get(key: string): Promise<StoredObject | null> {
    const Key = this.#objectKey(key)
    return this.#call(`read '${key}'`, REPEATABLE, async ({ client, sdk, abortSignal }) => {
      const request = new sdk.GetObjectCommand({ Bucket: this.#bucket, Key })
      try {
        const { Body, ETag } = await client.send(request, { abortSignal })
        if (Body === undefined || ETag === undefined) throw incomplete()
        return { bytes: withoutStamp(await Body.transformToByteArray()), version: ETag }
      } catch (error) {
        if (isObjectMissing(error)) return null
        throw error
      }
    })
  }

  async putIf(key: string, bytes: Uint8Array, expected: string | null): Promise<string | null> {
    const stored = withStamp(bytes, this.#random)
    const objectKey = this.#objectKey(key)
    await this.#proveConditions()
    return this.#write(`write '${key}'`, objectKey, stored, expected)
  }

  list(prefix: string): Promise<string[]> {
    const Prefix = `${this.#root}${prefix.split('/').map(encodePart).join('/')}`
    return this.#call(`list '${prefix}'`, REPEATABLE, async ({ client, sdk, abortSignal }) => {
      const pages = sdk.paginateListObjectsV2(
        { client },
        { Bucket: this.#bucket, Prefix },
        { abortSignal },
      )
      const keys: string[] = []
      for await (const { Contents = [] } of pages) {
        for (const { Key = '' } of Contents) {
          const key = this.#keyOf(Key)
          if (key?.startsWith(prefix)) keys.push(key)
        }
      }
      return keys.sort()
    })
  }

  async remove(key: string): Promise<void> {
    await this.#delete(`remove '${key}'`, this.#objectKey(key))
  }

  async #delete(what: string, Key: string): Promise<void> {
    await this.#call(what, REPEATABLE, async ({ client, sdk, abortSignal }) => {
      const request = new sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key })
      try {
        await client.send(request, { abortSignal })
      } catch (error) {
        if (!isObjectMissing(error)) throw error
      }
    })
  }

  #write(
    what: string,
    Key: string,
    Body: Uint8Array,
    expected: string | null,
  ): Promise<string | null> {
    const condition = expected === null ? { IfNoneMatch: '*' } : { IfMatch: expected }
    return this.#call(what, ONCE, async ({ client, sdk, abortSignal }) => {
      for (let tries = 1; ; tries++) {
        const request = new sdk.PutObjectCommand({ Bucket: this.#bucket, Key, Body, ...condition })
        try {
          const { ETag } = await client.send(request, { abortSignal })
          if (ETag === undefined) throw incomplete()
          return ETag
        } catch (error) {
          // There is none, so it has not the version expected.
          if (statusOf(error) === PRECONDITION_FAILED) return null
          if (expected !== null && isObjectMissing(error)) return null
          // Nothing was written, and which of the writes under way wins is not known yet.
          if (statusOf(error) !== CONFLICT || tries === CONFLICT_TRIES_MAX) throw error
        }
        await this.#connection.pause(tries)
      }
    })
  }

  #proveConditions(): Promise<void> {
    this.#proof ??= this.#tryConditions().catch((error) => {
      this.#proof = null
      throw error
    })
    return this.#proof
  }

  async #tryConditions(): Promise<void> {
    const name = Buffer.from(this.#random.bytes(8)).toString('hex')
    const key = `${this.#root}conditional-write-probe-${name}`
    const what = 'try conditional writes'
    const write = (expected: string | null) =>
      this.#write(what, key, withStamp(new Uint8Array(0), this.#random), expected)
    const first = await write(null)
    const isRefused = first !== null && (await write(null)) === null
    const second = first === null ? null : await write(first)
    const isStaleRefused = first !== null && second !== null && (await write(first)) === null
    await this.#delete(what, key)
    if (!isRefused || !isStaleRefused) throw this.#conditionsIgnored()
  }

  #conditionsIgnored(): MillraceError {
    return s3Error(
      'S3_CONDITIONS_IGNORED',
      `Use another server for s3://${this.#bucket}: this one does not keep If-None-Match and If-Match of writes.`,
      {
        hint: `Without them '${this.#locationKey}' would let two JobManagers lead at once; AWS S3, MinIO and others keep them.`,
        location: { optionKey: this.#locationKey },
      },
    )
  }

  #call<T>(
    what: string,
    policy: CallPolicy,
    request: (requester: Requester) => Promise<T>,
  ): Promise<T> {
    const attempt = { what, bucket: this.#bucket, locationKey: this.#locationKey }
    return this.#connection.call(attempt, policy, request)
  }

  #objectKey(key: string): string {
    const parts = key.split('/')
    if (parts.some((part) => part === '')) throw new Error(`'${key}' is no key of an object`)
    return `${this.#root}${parts.map(encodePart).join('/')}${OBJECT_SUFFIX}`
  }

  /** Null: no object of ours. */
  #keyOf(objectKey: string): string | null {
    if (!objectKey.endsWith(OBJECT_SUFFIX)) return null
    const encoded = objectKey.slice(this.#root.length, -OBJECT_SUFFIX.length)
    try {
      return encoded.split('/').map(decodeURIComponent).join('/')
    } catch {
      return null
    }
  }
}

/** No encoded part contains `@` or is what servers and proxies take for a way up. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/^\./, '%2E')
}

/** A 404 alone may come from a proxy, or be about the bucket. */
function isObjectMissing(error: unknown): boolean {
  return statusOf(error) === NOT_FOUND && nameOf(error) === 'NoSuchKey'
}

function incomplete(): Error {
  return new Error('the answer is incomplete')
}
