/**
 * The real platform of a process or thread of the cluster, buckets included.
 *
 * What serves buckets is loaded when one is first named.
 */
import { createRequire } from 'node:module'
import type { Platform, RemoteStorage } from '@millrace/platform'
import { createNodePlatform, type NodePlatformOptions } from '@millrace/platform/node'
import { S3_SCHEMES, type S3Settings } from '@millrace/s3'

const load = createRequire(import.meta.url)

export function processPlatform(
  s3: S3Settings,
  options: Omit<NodePlatformOptions, 'remoteStorage'>,
): Platform {
  return createNodePlatform({ ...options, remoteStorage: (ambient) => buckets(s3, ambient) })
}

function buckets(
  settings: S3Settings,
  platform: Pick<Platform, 'clock' | 'random'>,
): RemoteStorage {
  let storage: RemoteStorage | null = null
  const get = (): RemoteStorage => {
    if (storage === null) {
      const { S3Storage } = load('@millrace/s3/storage') as typeof import('@millrace/s3/storage')
      storage = new S3Storage({
        settings,
        platform,
        locationKeys: {
          objects: 'high-availability.storageDir',
          files: 'execution.checkpointing.dir',
        },
      })
    }
    return storage
  }
  return {
    schemes: S3_SCHEMES,
    objectStores: () => get().objectStores(),
    filesystem: () => get().filesystem(),
  }
}
