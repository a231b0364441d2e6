/**
 * S3Connection: the requests of one process to its buckets, under one deadline a call.
 *
 * The SDK is loaded with the first request: a cluster without buckets pays neither its memory (38
 * MB) nor its time (0.12 s of CPU). It never repeats a request by itself. Calls that may be
 * repeated say so, and then are, a bounded number of times; a conditional write is not, since a
 * repetition could not tell its own first try from a rival's.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '@millrace/platform'
import { explainFailure, isPassing, type S3Attempt } from './explain-failure.ts'
import type { S3Settings } from './s3-settings.ts'

export type Sdk = typeof import('@aws-sdk/client-s3')

const CONNECT_TIMEOUT_MS = 3000
/** Tries of one call that may be repeated. */
const TRIES_MAX = 4
const PAUSE_MS_MIN = 50

/** How a call is made. */
export interface CallPolicy {
  /** Of all its tries together. */
  readonly deadlineMs: number
  /** Done twice it is as good as done once. */
  readonly isRepeatable: boolean
}

/** What a request is made with; the signal goes into `send`. */
export interface Requester {
  readonly client: S3Client
  readonly sdk: Sdk
  readonly abortSignal: AbortSignal
}

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

export class S3Connection {
  readonly settings: S3Settings
  readonly #clock: Clock
  #loading: Promise<{ readonly client: S3Client; readonly sdk: Sdk }> | null = null

  constructor(settings: S3Settings, clock: Clock) {
    this.settings = settings
    this.#clock = clock
  }

  /**
   * What `request` resolves with; it handles the answers that it expects itself. Rejects with an
   * error of this package's table.
   */
  async call<T>(
    attempt: Omit<S3Attempt, 'settings'>,
    policy: CallPolicy,
    request: (requester: Requester) => Promise<T>,
  ): Promise<T> {
    const { client, sdk } = await this.#load()
    const controller = new AbortController()
    const cancel = this.#clock.setTimer(policy.deadlineMs, () => controller.abort())
    try {
      for (let tries = 1; ; tries++) {
        try {
          return await abortable(
            request({ client, sdk, abortSignal: controller.signal }),
            controller,
          )
        } catch (thrown) {
          const isOver = controller.signal.aborted
          const isRepeated = policy.isRepeatable && tries < TRIES_MAX && isPassing(thrown)
          if (isOver || !isRepeated) {
            const details = { ...attempt, settings: this.settings }
            throw explainFailure(thrown, details, isOver ? policy.deadlineMs : null)
          }
        }
        await this.pause(tries)
      }
    } finally {
      cancel()
    }
  }

  /** Before try number `tries` + 1. */
  pause(tries: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(PAUSE_MS_MIN * 2 ** (tries - 1), resolve)
    })
  }

  close(): void {
    void this.#loading?.then(({ client }) => client.destroy())
  }

  #load(): Promise<{ readonly client: S3Client; readonly sdk: Sdk }> {
    this.#loading ??= import('@aws-sdk/client-s3').then((sdk) => ({
      sdk,
      client: new sdk.S3Client(clientOptions(this.settings)),
    }))
    return this.#loading
  }
}

function clientOptions({ endpoint, region, credentials, pathStyle }: S3Settings) {
  return {
    maxAttempts: 1,
    forcePathStyle: pathStyle,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
    logger: SILENT,
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
    ...(credentials === null
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKey,
            secretAccessKey: credentials.secretKey,
          },
        }),
  }
}

/** Not every step of the SDK (finding credentials, reading a body) heeds the signal. */
function abortable<T>(work: Promise<T>, { signal }: AbortController): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Error('aborted'))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
