/** Buckets as the platform's remote storage: what a composition root plugs in for `s3://` locations. */
import {
  type ObjectStore,
  type ObjectStores,
  type Platform,
  platformError,
  type RemoteStorage,
} from '@millrace/platform'
import { S3Connection } from './s3-connection.ts'
import { parseS3Location, S3_SCHEMES, type S3Location } from './s3-location.ts'
import { S3ObjectStore } from './s3-object-store.ts'
import type { S3Settings } from './s3-settings.ts'

export interface S3StorageSettings {
  readonly settings: S3Settings
  readonly platform: Pick<Platform, 'clock' | 'random'>
  /** The options that name locations, for messages. */
  readonly locationKeys: { readonly objects: string }
}

export class S3Storage implements RemoteStorage {
  readonly schemes = S3_SCHEMES
  readonly objectStores: ObjectStores = { open: (location) => this.#open(location) }
  readonly #options: S3StorageSettings
  readonly #connection: S3Connection

  constructor(options: S3StorageSettings) {
    this.#options = options
    this.#connection = new S3Connection(options.settings, options.platform.clock)
  }

  #open(location: string): ObjectStore {
    return new S3ObjectStore({
      connection: this.#connection,
      random: this.#options.platform.random,
      location: locationOf(location),
      locationKey: this.#options.locationKeys.objects,
    })
  }

  close(): void {
    this.#connection.close()
  }
}

function locationOf(location: string): S3Location {
  const parsed = parseS3Location(location)
  if (parsed !== null) return parsed
  throw platformError(
    'OBJECT_STORE_UNSUPPORTED',
    `Write s3://bucket/path; the location is '${location}'.`,
  )
}
