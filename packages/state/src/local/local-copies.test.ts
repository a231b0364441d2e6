/** Copies of state files: an offer that is never worse than the file itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TemporaryFile, TemporaryFiles } from '@millrace/platform'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { LocalCopies } from './local-copies.ts'

const PATH = '/c/job/chk-1/op.state'
const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i)

/** A disk of one file after another, which can be damaged. */
class Disk implements TemporaryFiles {
  readonly defaultDirectory = '/tmp'
  readonly files: { bytes: number[]; isOpen: boolean }[] = []
  isFull = false
  isUnreadable = false

  create(): TemporaryFile {
    const file = { bytes: [] as number[], isOpen: true }
    this.files.push(file)
    return {
      get size() {
        return file.bytes.length
      },
      append: (bytes) => {
        if (this.isFull) throw new Error('ENOSPC')
        file.bytes.push(...bytes)
      },
      read: (into, position) => {
        if (this.isUnreadable || !file.isOpen) throw new Error('EIO')
        into.set(file.bytes.slice(position, position + into.length))
      },
      close: () => {
        file.isOpen = false
      },
    }
  }
}

async function written(disk: Disk) {
  const filesystem = new MemoryFilesystem()
  await filesystem.makeDirectory('/c/job/chk-1')
  const copies = new LocalCopies()
  const writing = copies.writing(filesystem, { files: disk, directory: '/tmp' })
  const file = await writing.open(PATH, 'create')
  await file.append(BYTES.subarray(0, 60))
  await file.append(BYTES.subarray(60))
  await file.sync()
  await file.close()
  copies.keep('v/0', 1, writing, new Set([PATH]))
  return { filesystem, copies, writing }
}

async function read(copies: LocalCopies, filesystem: MemoryFilesystem, times = 1) {
  const reading = copies.reading(filesystem)
  const file = await reading.open(PATH, 'read')
  const into = new Uint8Array(50)
  for (let i = 0; i < times; i++) assert.equal(await file.read(into, 30), 50)
  await file.close()
  return { bytes: into, from: reading.copied.size === 1 ? 'copy' : 'file' }
}

test('a copy is read instead of its file, and has its size', async () => {
  const { filesystem, copies } = await written(new Disk())
  assert.deepEqual(await read(copies, filesystem), { bytes: BYTES.slice(30, 80), from: 'copy' })
  assert.equal((await copies.reading(filesystem).status(PATH))?.size, BYTES.length)
  const end = await copies.reading(filesystem).open(PATH, 'read')
  assert.equal(await end.read(new Uint8Array(50), 90), 10)
  assert.equal(await end.read(new Uint8Array(50), 100), 0)
})

test('what is asked for again is damaged, and comes from the file', async () => {
  const disk = new Disk()
  const { filesystem, copies } = await written(disk)
  disk.files[0]?.bytes.fill(0)
  assert.notDeepEqual((await read(copies, filesystem)).bytes, BYTES.slice(30, 80))
  assert.deepEqual(await read(copies, filesystem, 2), { bytes: BYTES.slice(30, 80), from: 'file' })
})

test('a copy that cannot be read costs nothing but itself', async () => {
  const disk = new Disk()
  const { filesystem, copies } = await written(disk)
  disk.isUnreadable = true
  assert.deepEqual(await read(copies, filesystem), { bytes: BYTES.slice(30, 80), from: 'file' })
})

test('a full disk leaves the file without a copy, and says so', async () => {
  const disk = new Disk()
  disk.isFull = true
  const { filesystem, copies, writing } = await written(disk)
  assert.match(String(writing.failure), /ENOSPC/)
  assert.equal(copies.size.files, 0)
  assert.equal(disk.files[0]?.isOpen, false)
  assert.deepEqual(await read(copies, filesystem), { bytes: BYTES.slice(30, 80), from: 'file' })
})

test('a copy stays while some subtask may start from it', async () => {
  const disk = new Disk()
  const { filesystem, copies } = await written(disk)
  const next = copies.writing(filesystem, { files: disk, directory: '/tmp' })
  copies.keep('v/0', 2, next, new Set([PATH]))
  copies.complete('v/0', 2)
  assert.equal(copies.size.files, 1)
  copies.restored('v/0', 1)
  assert.deepEqual([copies.size.files, disk.files[0]?.isOpen], [0, false])
})
