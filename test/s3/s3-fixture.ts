/**
 * What the tests on a real S3 server share: one server a file, a fresh prefix in its bucket, and
 * why there is none.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, NoSuchKey, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { Configuration } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { s3SettingsOf } from '@millrace/s3'
import { S3Storage } from '@millrace/s3/storage'
import { s3ServerMissing } from '../s3-server/provision.ts'
import { type S3Server, startS3Server } from '../s3-server/server.ts'

/** For `describe`: skipped, with the reason, where no server can be had. */
export const NEEDS_S3: { readonly skip: string | false } = { skip: s3ServerMissing() ?? false }

/** One that is not may not be killed. */
export const S3_SERVER_IS_OURS = (process.env.S3_ENDPOINT ?? '') === ''

export interface S3Fixture {
  readonly server: S3Server
  /** A location of its own. */
  readonly location: string
  /** A further process's view of the bucket. */
  storage(more?: Readonly<Record<string, string>>): S3Storage
  /** Of the objects below its location. */
  keys(): Promise<string[]>
  /** Their texts. */
  contents(): Promise<string>
  dispose(): Promise<void>
}

export async function startS3Fixture(): Promise<S3Fixture> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-s3-'))
  const server = await startS3Server({ directory })
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const prefix = randomUUID()
  const storages: S3Storage[] = []
  const client = server.client()
  const keys = async () => {
    const found: string[] = []
    const request = { Bucket: server.bucket, Prefix: `${prefix}/` }
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, request)) {
      for (const { Key = '' } of Contents) found.push(Key)
    }
    return found
  }
  return {
    server,
    location: `s3://${server.bucket}/${prefix}`,
    storage(more = {}) {
      const configuration = new Configuration({ ...server.properties, ...more })
      const storage = new S3Storage({
        settings: s3SettingsOf(configuration),
        platform,
        locationKeys: {
          objects: 'high-availability.storageDir',
          files: 'execution.checkpointing.dir',
        },
      })
      storages.push(storage)
      return storage
    },
    keys,
    async contents() {
      const texts: string[] = []
      for (const Key of await keys()) {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: server.bucket, Key }))
          texts.push((await Body?.transformToString()) ?? '')
        } catch (error) {
          // Removed since it was listed.
          if (!(error instanceof NoSuchKey)) throw error
        }
      }
      return texts.join('\n')
    },
    async dispose() {
      for (const storage of storages) storage.close()
      client.destroy()
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
