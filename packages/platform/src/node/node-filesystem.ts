/**
 * The local filesystem, with the durability that `Filesystem` promises.
 *
 * A file appears under its final name only when its bytes are on disk: write a temporary sibling,
 * fsync it, rename it, fsync the directory. Errors are Node's own, with their `code`.
 */
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { FileStatus, Filesystem, OpenFile } from '../filesystem.ts'
import { plainBytes } from './plain-bytes.ts'

const OPEN_FLAGS = {
  read: constants.O_RDONLY,
  append: constants.O_RDWR | constants.O_CREAT | constants.O_APPEND,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND,
} as const

let temporaryFiles = 0

export const nodeFilesystem: Filesystem = {
  readFile: async (path) => plainBytes(await fs.readFile(path)),
  writeFileAtomic,
  async open(path, mode) {
    return new NodeOpenFile(await fs.open(path, OPEN_FLAGS[mode]))
  },
  rename: (from, to) => fs.rename(from, to),
  syncDirectory,
  async list(directory) {
    const names = (await fs.readdir(directory)).sort()
    const found = await Promise.all(names.map((name) => statusOf(join(directory, name))))
    return found.filter((status) => status !== null)
  },
  status: statusOf,
  async makeDirectory(path) {
    await makeDirectories(path)
  },
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
}

/**
 * Node's own `recursive` never comes back where the system answers ENOENT below a directory that is
 * there, as /proc does.
 */
async function makeDirectories(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await makeOneDirectory(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    if ((await statusOf(parent)) === null) await makeDirectories(parent)
    await makeOneDirectory(path)
  }
}

/** One that is there already is fine: others may be making it too. */
async function makeOneDirectory(path: string): Promise<void> {
  try {
    await fs.mkdir(path)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    if (isThere && (await fs.stat(path)).isDirectory()) return
    throw error
  }
  await syncDirectory(dirname(path))
}

async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}-${threadId}-${++temporaryFiles}.tmp`
  try {
    const file = await fs.open(temporary, 'wx')
    try {
      await writeAll(file, bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** A rename or a new file survives a power cut only once its directory is synced. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function statusOf(path: string): Promise<FileStatus | null> {
  try {
    const stats = await fs.stat(path, { bigint: true })
    return {
      path,
      size: Number(stats.size),
      modifiedMs: Number(stats.mtimeNs / 1000n) / 1000,
      isDirectory: stats.isDirectory(),
      inode: `${stats.dev}:${stats.ino}`,
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** One `write` may accept fewer bytes than given. */
async function writeAll(file: fs.FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    written += (await file.write(bytes, written, bytes.length - written, null)).bytesWritten
  }
}

class NodeOpenFile implements OpenFile {
  readonly #file: fs.FileHandle
  constructor(file: fs.FileHandle) {
    this.#file = file
  }
  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#file.read(into, 0, into.length, position)).bytesRead
  }
  append(bytes: Uint8Array): Promise<void> {
    return writeAll(this.#file, bytes)
  }
  sync(): Promise<void> {
    return this.#file.sync()
  }
  truncate(size: number): Promise<void> {
    return this.#file.truncate(size)
  }
  close(): Promise<void> {
    return this.#file.close()
  }
}
