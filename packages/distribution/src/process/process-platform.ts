/** The real platform of a process or thread of the cluster, buckets included. */

import type { Platform } from '@millrace/platform'
import { createNodePlatform, type NodePlatformOptions } from '@millrace/platform/node'
import { type S3Settings, S3Storage } from '@millrace/s3'

export function processPlatform(
  settings: S3Settings,
  options: Omit<NodePlatformOptions, 'remoteStorage'>,
): Platform {
  return createNodePlatform({
    ...options,
    remoteStorage: (ambient) =>
      new S3Storage({
        settings,
        platform: ambient,
        locationKeys: { objects: 'high-availability.storageDir' },
      }),
  })
}
