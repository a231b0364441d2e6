/**
 * Options of S3, locations of buckets, and that neither costs anything before the first request.
 */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { Configuration } from '@millrace/core'

const loaded: string[] = []
registerHooks({
  resolve(specifier, context, next) {
    loaded.push(specifier)
    return next(specifier, context)
  },
})
const { s3SettingsOf, withoutS3Secrets } = await import('./index.ts')
const { S3Storage } = await import('./s3-storage.ts')
const { parseS3Location } = await import('./s3-location.ts')
const { createNodePlatform } = await import('@millrace/platform/node')

const settingsOf = (options: Record<string, string>) => s3SettingsOf(new Configuration(options))

test('without options AWS is meant, with an endpoint its usual region', () => {
  const none = { endpoint: null, region: null, credentials: null, pathStyle: false }
  assert.deepEqual(settingsOf({}), none)
  const minio = settingsOf({
    's3.endpoint': 'http://minio:9000',
    's3.access.key': 'k',
    's3.secret-key': 's',
    's3.path-style-access': 'true',
  })
  assert.deepEqual(minio, {
    endpoint: 'http://minio:9000',
    region: 'us-east-1',
    credentials: { accessKey: 'k', secretKey: 's' },
    pathStyle: true,
  })
  assert.equal(settingsOf({ 's3.endpoint': 'minio:9000' }).endpoint, 'https://minio:9000')
})

test('half of the credentials and an endpoint that is no URL are refused by name', () => {
  for (const [options, optionKey] of [
    [{ 's3.access-key': 'k' }, 's3.secret-key'],
    [{ 's3.secret-key': 'very-secret' }, 's3.access-key'],
    [{ 's3.endpoint': 'ftp://minio' }, 's3.endpoint'],
  ] as const) {
    assert.throws(
      () => settingsOf(options as never),
      (error: Error & { code?: string; location?: { optionKey?: string } }) =>
        error.code === 'S3_OPTIONS_INVALID' &&
        error.location?.optionKey === optionKey &&
        !error.message.includes('very-secret'),
    )
  }
})

test('a configuration is passed on without the secret key', () => {
  const passedOn = withoutS3Secrets({ 's3.secret-key': 'x', 's3.secret.key': 'y', a: 'b' })
  assert.deepEqual(passedOn, { a: 'b' })
})

test('a location is a bucket and a path', () => {
  for (const scheme of ['s3', 's3a', 's3p', 'S3']) {
    const parsed = parseS3Location(`${scheme}://bucket//a/b/`)
    assert.deepEqual(parsed, { bucket: 'bucket', path: 'a/b' })
  }
  assert.deepEqual(parseS3Location('s3://bucket'), { bucket: 'bucket', path: '' })
  for (const location of ['s3:/bucket', 's3://', 's3:///a', 'gs://bucket', '/a']) {
    assert.equal(parseS3Location(location), null, location)
  }
})

test('the SDK is loaded with the first request, and not before', async () => {
  const isSdk = (specifier: string) => specifier.startsWith('@aws-sdk/')
  const platform = createNodePlatform({
    logger: { level: 'off' },
    remoteStorage: (ambient) =>
      new S3Storage({
        settings: settingsOf({
          's3.endpoint': 'http://127.0.0.1:9',
          's3.path.style.access': 'true',
        }),
        platform: ambient,
        locationKeys: {
          objects: 'high-availability.storageDir',
          files: 'execution.checkpointing.dir',
        },
      }),
  })
  const store = platform.objectStores.open('s3a://bucket/ha')
  assert.deepEqual(loaded.filter(isSdk), [])
  await assert.rejects(store.get('k'))
  assert.ok(loaded.some(isSdk))
  assert.throws(() => platform.objectStores.open('s3://'), { code: 'OBJECT_STORE_UNSUPPORTED' })
  assert.throws(() => platform.objectStores.open('gs://b'), { code: 'OBJECT_STORE_UNSUPPORTED' })
})
