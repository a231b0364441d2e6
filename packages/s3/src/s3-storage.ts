/**
 * Buckets as the platform's remote storage: what a composition root plugs in for `s3://` locations.
 */
import type { Filesystem, ObjectStores, Platform, RemoteStorage } from '@millrace/platform'
import { S3Connection } from './s3-connection.ts'
import { locationOf, S3FileConnection } from './s3-file-connection.ts'
import { S3Filesystem } from './s3-filesystem.ts'
import { S3_SCHEMES } from './s3-location.ts'
import { S3ObjectStore } from './s3-object-store.ts'
import type { S3Settings } from './s3-settings.ts'

export interface S3StorageSettings {
  readonly settings: S3Settings
  readonly platform: Pick<Platform, 'clock' | 'random'>
  /** The options that name locations, for messages. */
  readonly locationKeys: { readonly objects: string; readonly files: string }
}

export class S3Storage implements RemoteStorage {
  readonly schemes = S3_SCHEMES
  readonly #objectStores: ObjectStores
  readonly #filesystem: Filesystem
  readonly #connection: S3Connection

  constructor({ settings, platform, locationKeys }: S3StorageSettings) {
    const connection = new S3Connection(settings, platform.clock)
    this.#connection = connection
    this.#filesystem = new S3Filesystem(new S3FileConnection(connection, locationKeys.files))
    this.#objectStores = {
      open: (location) =>
        new S3ObjectStore({
          connection,
          random: platform.random,
          location: locationOf(location),
          locationKey: locationKeys.objects,
        }),
    }
  }

  objectStores(): ObjectStores {
    return this.#objectStores
  }

  filesystem(): Filesystem {
    return this.#filesystem
  }

  close(): void {
    this.#connection.close()
  }
}
