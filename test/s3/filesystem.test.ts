/** Files and checkpoints in a bucket of a real S3 server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { toErrorData } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { DirectoryCheckpointStorage } from '@millrace/state'
import { testCheckpointStorage } from '@millrace/state/contract'
import { NEEDS_S3, type S3Fixture, startS3Fixture } from './s3-fixture.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
/** More than two parts of an upload. */
const LARGE_BYTES = 20 * 1024 * 1024 + 12_345

describe('on a real S3 server', NEEDS_S3, () => {
  let fixture: S3Fixture
  let filesystem: Filesystem
  before(async () => {
    fixture = await startS3Fixture()
    filesystem = fixture.storage().filesystem()
  })
  after(() => fixture?.dispose())

  const at = (path: string) => `${fixture.location}/${path}`
  const namesIn = async (path: string) =>
    (await filesystem.list(at(path))).map((file) => file.path.slice(at('').length))
  const uploadsLeft = async () => {
    const { server } = fixture
    const client = server.client()
    const { Uploads } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: server.bucket }),
    )
    client.destroy()
    return Uploads ?? []
  }

  testCheckpointStorage('a bucket', async () => ({
    filesystem,
    root: at('checkpoints'),
    dispose: async () => {},
  }))

  it('a file is replaced whole, looked at, listed and removed', async () => {
    assert.equal(await filesystem.status(at('d/a')), null)
    await assert.rejects(filesystem.readFile(at('d/a')), { code: 'ENOENT' })
    await filesystem.writeFileAtomic(at('d/a'), bytesOf('one'))
    await filesystem.writeFileAtomic(at('d/a'), bytesOf('three'))
    await filesystem.writeFileAtomic(at('d/empty'), bytesOf(''))
    await filesystem.writeFileAtomic(at('d/e/f/g'), bytesOf('deep'))
    assert.equal(new TextDecoder().decode(await filesystem.readFile(at('d/a'))), 'three')
    assert.equal((await filesystem.readFile(at('d/empty'))).length, 0)
    const { size, isDirectory, modifiedMs } = (await filesystem.status(at('d/a'))) ?? assert.fail()
    assert.deepEqual([size, isDirectory], [5, false])
    assert.ok(Math.abs(modifiedMs - Date.now()) < 60_000)
    assert.equal((await filesystem.status(at('d')))?.isDirectory, true)
    assert.deepEqual(await namesIn('d'), ['d/a', 'd/e', 'd/empty'])
    assert.deepEqual(
      (await filesystem.list(at('d'))).map((file) => file.isDirectory),
      [false, true, false],
    )
    await filesystem.remove(at('d/e'))
    await filesystem.remove(at('d/e'))
    assert.deepEqual(await namesIn('d'), ['d/a', 'd/empty'])
    await filesystem.remove(at('d'))
    assert.equal(await filesystem.status(at('d')), null)
    assert.deepEqual(await namesIn('d'), [])
  })

  it('a directory whose name begins another one’s is removed alone', async () => {
    await filesystem.writeFileAtomic(at('chk-1/x'), bytesOf('1'))
    await filesystem.writeFileAtomic(at('chk-10/x'), bytesOf('10'))
    await filesystem.remove(at('chk-1'))
    assert.deepEqual(await namesIn('chk-10'), ['chk-10/x'])
    await filesystem.remove(at('chk-10'))
  })

  it('more files than one answer lists are all listed and removed', async () => {
    const names = Array.from({ length: 1050 }, (_, n) => `many/${`${n}`.padStart(4, '0')}`)
    for (let i = 0; i < names.length; i += 50) {
      const some = names.slice(i, i + 50)
      await Promise.all(some.map((name) => filesystem.writeFileAtomic(at(name), bytesOf(name))))
    }
    assert.deepEqual(await namesIn('many'), names)
    await filesystem.remove(at('many'))
    assert.deepEqual(await namesIn('many'), [])
  })

  it('a new file appears when it is synced, and is not made twice', async () => {
    const file = await filesystem.open(at('new'), 'create')
    await file.append(bytesOf('hello '))
    await file.append(bytesOf('world'))
    assert.equal(await filesystem.status(at('new')), null)
    await file.sync()
    await assert.rejects(file.append(bytesOf('!')), { code: 'ENOTSUP' })
    await file.close()
    await assert.rejects(filesystem.open(at('new'), 'create'), { code: 'EEXIST' })
    await assert.rejects(filesystem.open(at('absent'), 'read'), { code: 'ENOENT' })
    const read = await filesystem.open(at('new'), 'read')
    const into = new Uint8Array(5)
    assert.equal(await read.read(into, 6), 5)
    assert.equal(new TextDecoder().decode(into), 'world')
    assert.equal(await read.read(into, 9), 2)
    assert.equal(await read.read(into, 11), 0)
    await read.close()
    const dropped = await filesystem.open(at('dropped'), 'create')
    await dropped.append(bytesOf('x'))
    await dropped.close()
    assert.equal(await filesystem.status(at('dropped')), null)
  })

  it('a large file goes up in parts and comes back as it was; one that is given up leaves nothing', async () => {
    const bytes = new Uint8Array(LARGE_BYTES)
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 10)) & 255
    const write = async (path: string) => {
      const file = await filesystem.open(at(path), 'create')
      for (let from = 0; from < bytes.length; from += 512 * 1024) {
        await file.append(bytes.subarray(from, from + 512 * 1024))
      }
      return file
    }
    const file = await write('large')
    assert.equal(await filesystem.status(at('large')), null)
    assert.equal((await uploadsLeft()).length, 1)
    await file.sync()
    await file.close()
    assert.equal((await filesystem.status(at('large')))?.size, LARGE_BYTES)
    assert.equal(Buffer.compare(await filesystem.readFile(at('large')), bytes), 0)
    const read = await filesystem.open(at('large'), 'read')
    for (const [position, length] of [
      [0, 4096],
      [LARGE_BYTES - 100, 200],
      [9_999_999, 3_000_000],
      [9_999_999, 3_000_000],
      [1, 1],
    ] as const) {
      const into = new Uint8Array(length)
      const count = await read.read(into, position)
      const expected = bytes.subarray(position, position + length)
      assert.equal(count, expected.length)
      assert.equal(Buffer.compare(into.subarray(0, count), expected), 0)
    }
    await read.close()
    const givenUp = await write('given-up')
    await givenUp.close()
    assert.equal(await filesystem.status(at('given-up')), null)
    assert.deepEqual(await uploadsLeft(), [])
  })

  it('a bucket that cannot be written to is named before the job starts', async () => {
    for (const [directory, options, code, optionKey] of [
      ['s3://no-such-bucket/c', {}, 'S3_BUCKET_MISSING', 'execution.checkpointing.dir'],
      [at('c'), { 's3.secret-key': 'guessed' }, 'S3_ACCESS_DENIED', 's3.secret-key'],
    ] as const) {
      const files = fixture.storage(options).filesystem()
      await assert.rejects(new DirectoryCheckpointStorage(directory, files).prepare(), (thrown) => {
        const error = toErrorData(thrown)
        assert.equal(error.code, 'CHECKPOINT_DIRECTORY_UNUSABLE')
        assert.equal(error.cause?.code, code)
        assert.equal(error.cause?.location?.optionKey, optionKey)
        assert.equal(error.hint, error.cause?.hint)
        return true
      })
    }
    // That may pass: the job waits for it.
    const away = fixture.storage({ 's3.endpoint': 'http://127.0.0.1:9' }).filesystem()
    await assert.rejects(new DirectoryCheckpointStorage(at('c'), away).prepare(), {
      code: 'S3_UNREACHABLE',
    })
  })
})
