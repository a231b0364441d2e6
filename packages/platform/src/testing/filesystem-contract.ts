/**
 * What every `Filesystem` with directories must do: the local one, the one in memory, the
 * simulated one.
 *
 *     testFilesystem('a directory', async () => ({ filesystem, root, dispose }))
 *
 * Errors carry Node's codes. What survives a crash is each implementation's own test: only
 * they can crash.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Filesystem } from '../filesystem.ts'

export interface FilesystemFixture {
  readonly filesystem: Filesystem
  /** An empty directory. */
  readonly root: string
  dispose(): Promise<void>
  /** Lets the filesystem's time pass until `work` is settled; absent: it passes by itself. */
  drive?<T>(work: Promise<T>): Promise<T>
}

const text = new TextDecoder()
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content)

class Files {
  fixture!: FilesystemFixture

  run<T>(action: (filesystem: Filesystem) => Promise<T>): Promise<T> {
    const work = action(this.fixture.filesystem)
    return this.fixture.drive?.(work) ?? work
  }

  path(name: string): string {
    return `${this.fixture.root}/${name}`
  }

  write(name: string, content: string): Promise<void> {
    return this.run((fs) => fs.writeFileAtomic(this.path(name), bytesOf(content)))
  }

  async text(name: string): Promise<string> {
    return text.decode(await this.run((fs) => fs.readFile(this.path(name))))
  }

  async names(directory = ''): Promise<string[]> {
    const path = directory === '' ? this.fixture.root : this.path(directory)
    const found = await this.run((fs) => fs.list(path))
    for (const status of found) assert.ok(status.path.startsWith(`${path}/`))
    return found.map((status) => status.path.slice(path.length + 1))
  }

  fails(code: string, action: (filesystem: Filesystem) => Promise<unknown>): Promise<void> {
    return assert.rejects(this.run(action), { code })
  }
}

export function testFilesystem(name: string, make: () => Promise<FilesystemFixture>): void {
  describe(`files in ${name}`, () => {
    const files = new Files()
    before(async () => {
      files.fixture = await make()
    })
    after(() => files.fixture.dispose())

    testContents(files)
    testHandles(files)
    testNames(files)
  })
}

function testContents(files: Files): void {
  test('an atomic write makes the file or replaces it, and leaves no other', async () => {
    await files.write('a.txt', 'one')
    await files.write('a.txt', 'two')
    assert.equal(await files.text('a.txt'), 'two')
    assert.deepEqual(await files.names(), ['a.txt'])
    await files.run((fs) => fs.remove(files.path('a.txt')))
  })

  test('a failed atomic write says why, and leaves what was there', async () => {
    await files.run((fs) => fs.makeDirectory(files.path('taken/child')))
    await files.fails('EISDIR', (fs) => fs.writeFileAtomic(files.path('taken'), bytesOf('x')))
    await files.fails('ENOENT', (fs) => fs.writeFileAtomic(files.path('no/a'), bytesOf('x')))
    assert.deepEqual(await files.names(), ['taken'])
    await files.run((fs) => fs.remove(files.path('taken')))
  })

  test('what is written and what is read belong to the caller', async () => {
    const bytes = bytesOf('mine')
    await files.run((fs) => fs.writeFileAtomic(files.path('own'), bytes))
    bytes.fill(0)
    const read = await files.run((fs) => fs.readFile(files.path('own')))
    read.fill(0)
    assert.equal(await files.text('own'), 'mine')
    await files.run((fs) => fs.remove(files.path('own')))
  })

  test('reading what is not there, or is a directory, fails by its code', async () => {
    await files.fails('ENOENT', (fs) => fs.readFile(files.path('absent')))
    await files.fails('ENOENT', (fs) => fs.open(files.path('absent'), 'read'))
    await files.fails('EISDIR', (fs) => fs.readFile(files.fixture.root))
  })
}

function testHandles(files: Files): void {
  test('append goes on at the end, create refuses a file that is there, any position can be read', async () => {
    const path = files.path('log')
    const created = await files.run((fs) => fs.open(path, 'create'))
    await files.run(() => created.append(bytesOf('hello ')))
    await files.run(() => created.sync())
    await files.run(() => created.close())
    await files.fails('EEXIST', (fs) => fs.open(path, 'create'))
    const appended = await files.run((fs) => fs.open(path, 'append'))
    await files.run(() => appended.append(bytesOf('world')))
    const into = new Uint8Array(5)
    assert.equal(await files.run(() => appended.read(into, 6)), 5)
    assert.equal(text.decode(into), 'world')
    await files.run(() => appended.truncate(5))
    await files.run(() => appended.append(bytesOf('!')))
    await files.run(() => appended.close())
    assert.equal(await files.text('log'), 'hello!')
    const read = await files.run((fs) => fs.open(path, 'read'))
    assert.equal(await files.run(() => read.read(into, 4)), 2)
    assert.equal(await files.run(() => read.read(into, 6)), 0)
    await files.run(() => read.close())
    await files.run((fs) => fs.remove(path))
  })

  test('an open file goes on giving what it was, though its name is replaced or removed', async () => {
    const path = files.path('held')
    await files.write('held', 'before')
    const held = await files.run((fs) => fs.open(path, 'read'))
    await files.write('held', 'after!')
    await files.run((fs) => fs.remove(path))
    const into = new Uint8Array(6)
    assert.equal(await files.run(() => held.read(into, 0)), 6)
    assert.equal(text.decode(into), 'before')
    await files.run(() => held.close())
    assert.equal(await files.run((fs) => fs.status(path)), null)
  })

  test('a file cannot be made where there is no directory', async () => {
    await files.fails('ENOENT', (fs) => fs.open(files.path('no/file'), 'create'))
    await files.fails('ENOENT', (fs) => fs.open(files.path('no/file'), 'append'))
    assert.deepEqual(await files.names(), [])
  })
}

function testNames(files: Files): void {
  test('status tells size, kind and identity; null when there is nothing', async () => {
    const path = files.path('status')
    const status = () => files.run((fs) => fs.status(path))
    assert.equal(await status(), null)
    await files.write('status', 'abc')
    const first = await status()
    assert.deepEqual([first?.path, first?.size, first?.isDirectory], [path, 3, false])
    const appended = await files.run((fs) => fs.open(path, 'append'))
    await files.run(() => appended.append(bytesOf('d')))
    await files.run(() => appended.close())
    assert.deepEqual([(await status())?.size, (await status())?.inode], [4, first?.inode])
    await files.write('status', 'abc')
    assert.notEqual((await status())?.inode, first?.inode)
    const root = await files.run((fs) => fs.status(files.fixture.root))
    assert.equal(root?.isDirectory, true)
    await files.run((fs) => fs.remove(path))
  })

  test('directories are made with their parents, again without harm, never over a file', async () => {
    await files.run((fs) => fs.makeDirectory(files.path('x/y')))
    await files.run((fs) => fs.makeDirectory(files.path('x/y')))
    await files.write('x/y/file', 'f')
    await files.fails('EEXIST', (fs) => fs.makeDirectory(files.path('x/y/file')))
    assert.deepEqual(await files.names('x'), ['y'])
    await files.run((fs) => fs.remove(files.path('x')))
  })

  test('a list is in order and holds files and directories; of anything else it fails', async () => {
    await files.run((fs) => fs.makeDirectory(files.path('l/d')))
    for (const name of ['b', 'a', 'c']) await files.write(`l/${name}`, name)
    await files.write('l/d/inner', 'not listed')
    assert.deepEqual(await files.names('l'), ['a', 'b', 'c', 'd'])
    await files.fails('ENOENT', (fs) => fs.list(files.path('absent')))
    await files.fails('ENOTDIR', (fs) => fs.list(files.path('l/a')))
    await files.run((fs) => fs.remove(files.path('l')))
  })

  test('a rename replaces a file, takes a directory with what is in it, and needs its source', async () => {
    await files.run((fs) => fs.makeDirectory(files.path('from/deep')))
    await files.write('from/a', 'a')
    await files.write('from/b', 'b')
    await files.write('from/deep/c', 'c')
    await files.run((fs) => fs.rename(files.path('from/a'), files.path('from/b')))
    assert.equal(await files.text('from/b'), 'a')
    await files.run((fs) => fs.rename(files.path('from'), files.path('to')))
    assert.deepEqual(await files.names('to'), ['b', 'deep'])
    assert.equal(await files.text('to/deep/c'), 'c')
    await files.fails('ENOENT', (fs) => fs.rename(files.path('from'), files.path('again')))
    await files.run((fs) => fs.syncDirectory(files.fixture.root))
    await files.run((fs) => fs.remove(files.path('to')))
  })

  test('a removal takes a directory whole; what is missing is fine', async () => {
    await files.run((fs) => fs.makeDirectory(files.path('r/s')))
    await files.write('r/s/file', 'f')
    await files.run((fs) => fs.remove(files.path('r')))
    await files.run((fs) => fs.remove(files.path('r')))
    assert.deepEqual(await files.names(), [])
    await files.fails('ENOENT', (fs) => fs.readFile(files.path('r/s/file')))
  })
}
