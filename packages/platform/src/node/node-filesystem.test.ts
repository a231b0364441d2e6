/** The local filesystem: atomic writes, error codes, open files. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nodeFilesystem as filesystem } from './node-filesystem.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-filesystem-'))
after(() => rmSync(root, { recursive: true, force: true }))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = async (path: string): Promise<string> =>
  new TextDecoder().decode(await filesystem.readFile(path))

test('an atomic write replaces the file and leaves no temporary one', async () => {
  const path = join(root, 'a.txt')
  await filesystem.writeFileAtomic(path, bytes('one'))
  await filesystem.writeFileAtomic(path, bytes('two'))
  assert.equal(await text(path), 'two')
  assert.deepEqual(
    (await filesystem.list(root)).map((file) => file.path),
    [path],
  )
  await filesystem.remove(path)
})

test('many atomic writes of one file at a time leave one of them, whole', async () => {
  const path = join(root, 'raced.txt')
  const contents = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(50_000))
  await Promise.all(contents.map((content) => filesystem.writeFileAtomic(path, bytes(content))))
  assert.ok(contents.includes(await text(path)))
  assert.equal((await filesystem.list(root)).length, 1)
  await filesystem.remove(path)
})

test('a failed atomic write keeps the code, the old file, and no temporary one', async () => {
  const directory = join(root, 'taken')
  await filesystem.makeDirectory(join(directory, 'child'))
  await assert.rejects(filesystem.writeFileAtomic(directory, bytes('x')), { code: 'EISDIR' })
  await assert.rejects(filesystem.writeFileAtomic(join(root, 'no', 'a'), bytes('x')), {
    code: 'ENOENT',
  })
  assert.deepEqual(
    (await filesystem.list(root)).map((file) => file.path),
    [directory],
  )
  await filesystem.remove(directory)
})

test('append continues at the end, create refuses an existing file, read sees any position', async () => {
  const path = join(root, 'log')
  const created = await filesystem.open(path, 'create')
  await created.append(bytes('hello '))
  await created.sync()
  await created.close()
  await assert.rejects(filesystem.open(path, 'create'), { code: 'EEXIST' })
  const appended = await filesystem.open(path, 'append')
  await appended.append(bytes('world'))
  const into = new Uint8Array(5)
  assert.equal(await appended.read(into, 6), 5)
  assert.equal(new TextDecoder().decode(into), 'world')
  await appended.truncate(5)
  await appended.append(bytes('!'))
  await appended.close()
  assert.equal(await text(path), 'hello!')
  const read = await filesystem.open(path, 'read')
  assert.equal(await read.read(into, 4), 2)
  assert.equal(await read.read(into, 6), 0)
  await read.close()
  await assert.rejects(filesystem.open(join(root, 'absent'), 'read'), { code: 'ENOENT' })
  await filesystem.remove(path)
})

test('status tells size, time, kind and identity; null when there is nothing', async () => {
  const path = join(root, 'status')
  assert.equal(await filesystem.status(path), null)
  writeFileSync(path, 'abc')
  const first = await filesystem.status(path)
  assert.equal(first?.size, 3)
  assert.equal(first?.isDirectory, false)
  assert.ok(Math.abs((first?.modifiedMs ?? 0) - Date.now()) < 60_000)
  await filesystem.writeFileAtomic(path, bytes('abc'))
  assert.notEqual((await filesystem.status(path))?.inode, first?.inode)
  assert.equal((await filesystem.status(root))?.isDirectory, true)
  await filesystem.remove(path)
})

test('directories are made with their parents, listed in order, removed whole; missing is fine', async () => {
  const directory = join(root, 'x', 'y')
  await filesystem.makeDirectory(directory)
  await filesystem.makeDirectory(directory)
  for (const name of ['b', 'a', 'c']) writeFileSync(join(directory, name), name)
  const names = (await filesystem.list(directory)).map((file) => file.path.at(-1))
  assert.deepEqual(names, ['a', 'b', 'c'])
  await filesystem.rename(join(directory, 'a'), join(directory, 'b'))
  assert.equal(await text(join(directory, 'b')), 'a')
  await filesystem.remove(join(root, 'x'))
  await filesystem.remove(join(root, 'x'))
  await assert.rejects(filesystem.list(directory), { code: 'ENOENT' })
  assert.ok(!Buffer.isBuffer(new Uint8Array(0)))
})
