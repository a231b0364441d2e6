/**
 * What requests to a bucket come to when they fail: which are repeated, what is known of a write,
 * and what is said.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ErrorData, toErrorData } from '@millrace/core'
import type { Clock, ObjectStore } from '@millrace/platform'
import {
  failure,
  HttpBucket,
  keepingConditions,
  LOCATION_KEY,
  SECRET,
  stored,
} from './testing/http-bucket.ts'

// Nothing that this machine knows of AWS shall matter.
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
Object.assign(process.env, {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
})

const BYTES = new TextEncoder().encode('content')
let bucket: HttpBucket
let store: ObjectStore
before(async () => {
  bucket = await HttpBucket.start()
})
beforeEach(async () => {
  store = await bucket.provenStore()
})
after(() => bucket.close())

async function rejection(work: Promise<unknown>): Promise<ErrorData> {
  const result = await work.then(
    (value) => assert.fail(`resolved with ${value}`),
    (error: unknown) => toErrorData(error),
  )
  assert.ok(!JSON.stringify(result).includes(SECRET), 'the secret key is in the error')
  return result
}

for (const [code, status, expected, optionKey, text] of [
  ['NoSuchBucket', 404, 'S3_BUCKET_MISSING', LOCATION_KEY, /Create the bucket 'bucket'/],
  ['AccessDenied', 403, 'S3_ACCESS_DENIED', 's3.access-key', /s3:PutObject.*'bucket'/],
  ['InvalidAccessKeyId', 403, 'S3_ACCESS_DENIED', 's3.access-key', /correct 's3.access-key'/],
  ['SignatureDoesNotMatch', 403, 'S3_ACCESS_DENIED', 's3.secret-key', /correct 's3.secret-key'/],
  ['ExpiredToken', 403, 'S3_ACCESS_DENIED', 's3.access-key', /renew/],
  ['PermanentRedirect', 301, 'S3_REGION_WRONG', 's3.region', /it is 'us-east-1'/],
  ['AuthorizationHeaderMalformed', 400, 'S3_REGION_WRONG', 's3.region', /eu-central-1/],
  ['InvalidRequest', 400, 'S3_REQUEST_FAILED', LOCATION_KEY, /InvalidRequest/],
] as const) {
  test(`${status} ${code} is ${expected}, names ${optionKey} and is not repeated`, async () => {
    const more = code === 'AuthorizationHeaderMalformed' ? '<Region>eu-central-1</Region>' : ''
    bucket.answer = () => failure(status, code, `${code}, signed with ${SECRET}`, more)
    for (const call of [() => store.get('k'), () => store.putIf('k', BYTES, null)]) {
      bucket.requests.length = 0
      const error = await rejection(call())
      assert.equal(error.code, expected)
      assert.equal(error.location?.optionKey, optionKey)
      assert.match(`${error.message} ${error.hint}`, text)
      // Whoever waits for the outcome of a write must ask again.
      assert.equal(error.retry, 'backoff')
      assert.equal(bucket.requests.length, 1)
    }
  })
}

test('a read is repeated when the server stumbles, a bounded number of times', async () => {
  let stumbles = 2
  bucket.answer = () =>
    stumbles-- > 0 ? failure(503, 'SlowDown') : { ...stored('7'), body: 'as it was' }
  assert.equal((await store.get('k'))?.version, '"7"')
  assert.equal(bucket.requests.length, 3)
  bucket.requests.length = 0
  bucket.answer = () => failure(500, 'InternalError')
  assert.equal((await rejection(store.get('k'))).code, 'S3_REQUEST_FAILED')
  assert.equal(bucket.requests.length, 4)
})

test('a read whose answer breaks off is repeated', async () => {
  let breaks = 1
  bucket.answer = (_request, response) => {
    if (breaks-- <= 0) return { ...stored('8'), body: 'whole' }
    response.writeHead(200, { etag: '"8"', 'content-length': '100' }).write('ha')
    setImmediate(() => response.destroy())
    return null
  }
  assert.equal(new TextDecoder().decode((await store.get('k'))?.bytes), 'whole')
})

test('a write with an unknown outcome is rejected and sent once', async () => {
  const unknown: [string, string, HttpBucket['answer']][] = [
    ['an error of the server', 'S3_REQUEST_FAILED', () => failure(500, 'InternalError')],
    ['a proxy’s page', 'S3_REQUEST_FAILED', () => ({ status: 502, body: '<html>Bad' })],
    [
      'a connection that is reset after it was sent',
      'S3_UNREACHABLE',
      (_request, response) => {
        response.destroy()
        return null
      },
    ],
  ]
  for (const [what, code, answer] of unknown) {
    bucket.requests.length = 0
    bucket.answer = answer
    assert.equal((await rejection(store.putIf('k', BYTES, '"1"'))).code, code, what)
    assert.equal(bucket.requests.length, 1, what)
  }
})

test('a file is written again when the server stumbles, and not when it is not permitted', async () => {
  const files = bucket.storage().filesystem()
  let stumbles = 2
  bucket.answer = () => (stumbles-- > 0 ? failure(500, 'InternalError') : stored('1'))
  await files.writeFileAtomic('s3://bucket/c/_metadata', BYTES)
  assert.equal(bucket.requests.length, 3)
  assert.ok(bucket.requests.every(({ path }) => path.startsWith('/bucket/c/_metadata')))
  bucket.requests.length = 0
  bucket.answer = () => failure(403, 'AccessDenied')
  const error = await rejection(files.writeFileAtomic('s3://bucket/c/_metadata', BYTES))
  assert.equal(error.code, 'S3_ACCESS_DENIED')
  assert.equal(bucket.requests.length, 1)
})

test('a refused condition is an answer: the object has another version', async () => {
  bucket.answer = () => failure(412, 'PreconditionFailed')
  assert.equal(await store.putIf('k', BYTES, null), null)
  assert.equal(await store.putIf('k', BYTES, '"1"'), null)
  bucket.answer = () => failure(404, 'NoSuchKey')
  assert.equal(await store.putIf('k', BYTES, '"1"'), null)
  const conditions = bucket.requests.map(({ headers }) => [
    headers['if-none-match'],
    headers['if-match'],
  ])
  assert.deepEqual(conditions, [
    ['*', undefined],
    [undefined, '"1"'],
    [undefined, '"1"'],
  ])
})

test('a write that meets another one under way is sent again, a bounded number of times', async () => {
  let conflicts = 2
  bucket.answer = () => (conflicts-- > 0 ? failure(409, 'ConditionalRequestConflict') : stored('9'))
  assert.equal(await store.putIf('k', BYTES, '"1"'), '"9"')
  bucket.requests.length = 0
  bucket.answer = () => failure(409, 'ConditionalRequestConflict')
  assert.equal((await rejection(store.putIf('k', BYTES, '"1"'))).code, 'S3_REQUEST_FAILED')
  assert.equal(bucket.requests.length, 6)
})

test('a 404 that is not about the object never says that there is none', async () => {
  bucket.answer = () => ({ status: 404, body: 'no such page' })
  assert.equal((await rejection(store.get('k'))).code, 'S3_REQUEST_FAILED')
  assert.equal((await rejection(store.putIf('k', BYTES, '"1"'))).code, 'S3_REQUEST_FAILED')
})

test('a server that ignores conditions is refused before anything is written', async () => {
  let writes = 0
  for (const ignored of ['if-none-match', 'if-match']) {
    const keeping = keepingConditions()
    bucket.answer = (request, response) => {
      const isIgnored = request.method === 'PUT' && request.headers[ignored] !== undefined
      return isIgnored ? stored(`${++writes}`) : keeping(request, response)
    }
    bucket.requests.length = 0
    const fresh = bucket.storage().objectStores().open('s3://bucket/ha')
    const error = await rejection(fresh.putIf('leader', BYTES, null))
    assert.equal(error.code, 'S3_CONDITIONS_IGNORED')
    assert.equal(error.location?.optionKey, LOCATION_KEY)
    assert.deepEqual(
      bucket.requests.filter(({ path }) => !path.includes('conditional-write-probe')),
      [],
    )
  }
})

test('an endpoint where nobody listens is named', async () => {
  const options = { 's3.endpoint': 'http://127.0.0.1:9', 's3.path.style.access': 'false' }
  const error = await rejection(bucket.storage(options).objectStores().open('s3://bucket').get('k'))
  assert.equal(error.code, 'S3_UNREACHABLE')
  assert.equal(error.location?.optionKey, 's3.endpoint')
  assert.match(error.message, /ECONNREFUSED/)
  assert.match(error.hint ?? '', /http:\/\/127.0.0.1:9.*'s3.path.style.access' to true/)
})

test('a request that is never answered ends at its deadline, a write as unknown', async () => {
  const deadlines: (() => void)[] = []
  const clock = {
    setTimer: (delayMs: number, action: () => void) => {
      assert.equal(delayMs, 10_000)
      deadlines.push(action)
      return () => {}
    },
  } as Clock
  const slow = bucket.storage({}, clock).objectStores().open('s3://bucket/ha')
  bucket.answer = keepingConditions()
  await slow.putIf('proof', BYTES, null)
  const arrival = Promise.withResolvers<void>()
  bucket.answer = () => {
    arrival.resolve()
    return null
  }
  const write = rejection(slow.putIf('k', BYTES, null))
  await arrival.promise
  for (const pass of deadlines) pass()
  const error = await write
  assert.equal(error.code, 'S3_UNREACHABLE')
  assert.match(error.message, /Cannot write 'k' in s3:\/\/bucket: no answer within 10000 ms/)
})

test('without credentials or a region it is said where they come from', async () => {
  const lonely = { 's3.access-key': undefined, 's3.secret-key': undefined } as never
  const without = bucket.storage(lonely)
  const denied = await rejection(without.objectStores().open('s3://bucket').get('k'))
  assert.equal(denied.code, 'S3_ACCESS_DENIED')
  assert.match(denied.hint ?? '', /'s3.access-key' and 's3.secret-key', or AWS_ACCESS_KEY_ID/)
  const nowhere = bucket.storage({ 's3.endpoint': '' })
  const error = await rejection(nowhere.objectStores().open('s3://bucket').get('k'))
  assert.equal(error.code, 'S3_REGION_WRONG')
  assert.equal(error.location?.optionKey, 's3.region')
})

test('the secret key is signed with, never sent', async () => {
  bucket.answer = keepingConditions()
  await store.putIf('k', BYTES, null)
  assert.match(bucket.requests[0]?.headers.authorization ?? '', /Credential=KEY\//)
  assert.ok(!JSON.stringify(bucket.requests).includes(SECRET))
})
