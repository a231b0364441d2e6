/**
 * A server on loopback that answers each request as a test says, and a store whose
 * requests go there.
 *
 * It knows nothing of S3: what a real server does is tried on a real one (test/s3). This is for
 * answers that a real one gives rarely, or never when one waits for them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Configuration } from '@millrace/core'
import type { Clock, ObjectStore } from '@millrace/platform'
import { createNodePlatform } from '@millrace/platform/node'
import { s3SettingsOf } from '../s3-settings.ts'
import { S3Storage } from '../s3-storage.ts'

export const SECRET = 'never-to-be-seen/+='
export const LOCATION_KEY = 'high-availability.storageDir'

export interface BucketRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request; null leaves it without an answer. */
export type Answer = (
  request: BucketRequest,
  response: ServerResponse,
) => {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
} | null

/** The error document of an S3 server. */
export const failure = (status: number, code: string, message = code, more = '') => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`,
})

export const stored = (version: string) => ({ status: 200, headers: { etag: `"${version}"` } })

export class HttpBucket {
  readonly requests: BucketRequest[] = []
  answer: Answer = () => failure(500, 'NoAnswerSet')
  readonly #server: Server
  readonly #storages: S3Storage[] = []

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<HttpBucket> {
    const bucket = new HttpBucket()
    await new Promise<void>((done) => bucket.#server.listen(0, '127.0.0.1', done))
    return bucket
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  storage(more: Readonly<Record<string, string>> = {}, clock?: Clock): S3Storage {
    const platform = createNodePlatform({ logger: { level: 'off' } })
    const configuration = new Configuration({
      's3.endpoint': this.endpoint,
      's3.access-key': 'KEY',
      's3.secret-key': SECRET,
      's3.path.style.access': 'true',
      ...more,
    })
    const storage = new S3Storage({
      settings: s3SettingsOf(configuration),
      platform: { random: platform.random, clock: clock ?? platform.clock },
      locationKeys: { objects: LOCATION_KEY, files: 'execution.checkpointing.dir' },
    })
    this.#storages.push(storage)
    return storage
  }

  /** A store that has seen already that the server keeps conditions; requests from then on. */
  async provenStore(): Promise<ObjectStore> {
    const store = this.storage().objectStores().open('s3://bucket/ha')
    this.answer = keepingConditions()
    await store.putIf('proof', new Uint8Array(0), null)
    this.requests.length = 0
    return store
  }

  async close(): Promise<void> {
    for (const storage of this.#storages) storage.close()
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const { method = '', url = '', headers } = request
    const seen = { method, path: url, headers, body: Buffer.concat(chunks).toString('latin1') }
    this.requests.push(seen)
    const answer = this.answer(seen, response)
    if (answer !== null) response.writeHead(answer.status, answer.headers).end(answer.body)
  }
}

/** Just enough of a bucket to write under conditions. */
export function keepingConditions(): Answer {
  const versions = new Map<string, string>()
  let writes = 0
  return ({ method, path, headers }) => {
    const key = path.replace(/\?.*/, '')
    const version = versions.get(key)
    if (method === 'DELETE') {
      versions.delete(key)
      return { status: 204 }
    }
    const isRefused =
      headers['if-none-match'] === '*'
        ? version !== undefined
        : headers['if-match'] !== `"${version}"`
    if (isRefused) return failure(412, 'PreconditionFailed')
    versions.set(key, `${++writes}`)
    return stored(`${writes}`)
  }
}
