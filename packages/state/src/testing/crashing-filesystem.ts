/**
 * A filesystem in memory that stops dead after a given number of steps, for tests.
 *
 * A step is an operation or one written byte. It keeps apart what a program sees and what a power
 * cut leaves: file contents count once the file is synced, names once their directory is.
 * `afterCrash` gives the disk as found afterwards, in the worst case (nothing unsynced survived),
 * the best, or a torn one (names survived, unsynced contents in part).
 */
import type { FileStatus, Filesystem, OpenFile } from '@millrace/platform'

interface Inode {
  readonly number: number
  data: Uint8Array
  synced: Uint8Array
}

export type CrashImage = 'unsynced-lost' | 'unsynced-kept' | 'unsynced-torn'
export const CRASH_IMAGES: readonly CrashImage[] = [
  'unsynced-lost',
  'unsynced-kept',
  'unsynced-torn',
]

export class Crash extends Error {}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

export class CrashingFilesystem implements Filesystem {
  readonly #directories = new Set<string>([''])
  readonly #seen = new Map<string, Inode>()
  readonly #durable = new Map<string, Inode>()
  #inodes = 0
  #crashed = false
  /** Steps taken so far. */
  steps = 0
  /** The step that fails, as all after it. */
  crashAt = Number.POSITIVE_INFINITY
  /** Error code that writes fail with, instead of a crash. */
  writeErrorCode: string | null = null

  afterCrash(image: CrashImage): CrashingFilesystem {
    const found = new CrashingFilesystem()
    for (const directory of this.#directories) found.#directories.add(directory)
    const names = image === 'unsynced-lost' ? this.#durable : this.#seen
    for (const [path, inode] of names) {
      const torn = inode.synced.length + (inode.data.length - inode.synced.length) / 2
      const length = {
        'unsynced-lost': 0,
        'unsynced-kept': inode.data.length,
        'unsynced-torn': torn,
      }
      const data = image === 'unsynced-lost' ? inode.synced : inode.data.slice(0, length[image])
      found.set(path, data)
    }
    return found
  }

  /** Puts a file there, durably. */
  set(path: string, data: Uint8Array): void {
    const inode = { number: ++this.#inodes, data, synced: data }
    this.#seen.set(path, inode)
    this.#durable.set(path, inode)
  }

  paths(): string[] {
    return [...this.#seen.keys()].sort()
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.#inode(path).data.slice()
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.open(`${path}.tmp`, 'create')
    await file.append(bytes)
    await file.sync()
    await file.close()
    await this.rename(`${path}.tmp`, path)
    await this.syncDirectory(parentOf(path))
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    if (mode === 'read') return this.#handle(this.#inode(path))
    this.#step()
    if (!this.#directories.has(parentOf(path))) throw failure('ENOENT', path)
    const known = this.#seen.get(path)
    if (known !== undefined) {
      if (mode === 'create') throw failure('EEXIST', path)
      return this.#handle(known)
    }
    const inode = { number: ++this.#inodes, data: new Uint8Array(0), synced: new Uint8Array(0) }
    this.#seen.set(path, inode)
    return this.#handle(inode)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step()
    this.#seen.set(to, this.#inode(from))
    this.#seen.delete(from)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#step()
    for (const name of [...this.#durable.keys()]) {
      if (parentOf(name) === path && !this.#seen.has(name)) this.#durable.delete(name)
    }
    for (const [name, inode] of this.#seen) {
      if (parentOf(name) === path) this.#durable.set(name, inode)
    }
  }

  async list(directory: string): Promise<FileStatus[]> {
    if (!this.#directories.has(directory)) throw failure('ENOENT', directory)
    const children = [...this.#directories, ...this.#seen.keys()].filter(
      (path) => path !== '' && parentOf(path) === directory,
    )
    return Promise.all(children.sort().map(async (path) => (await this.status(path)) as FileStatus))
  }

  async status(path: string): Promise<FileStatus | null> {
    const isDirectory = this.#directories.has(path)
    const inode = this.#seen.get(path)
    if (!isDirectory && inode === undefined) return null
    const size = inode?.data.length ?? 0
    return { path, size, modifiedMs: 0, isDirectory, inode: `${inode?.number ?? path}` }
  }

  async makeDirectory(path: string): Promise<void> {
    this.#step()
    const parts = path.split('/')
    for (let depth = 1; depth <= parts.length; depth++) {
      this.#directories.add(parts.slice(0, depth).join('/'))
    }
  }

  async remove(path: string): Promise<void> {
    // The metadata last: a discard must not rely on a kinder order.
    for (const name of [...this.#seen.keys()].sort().reverse()) {
      if (name !== path && !name.startsWith(`${path}/`)) continue
      this.#step()
      this.#seen.delete(name)
    }
    for (const directory of [...this.#directories]) {
      if (directory !== path && !directory.startsWith(`${path}/`)) continue
      this.#step()
      this.#directories.delete(directory)
    }
  }

  #inode(path: string): Inode {
    const inode = this.#seen.get(path)
    if (inode === undefined) throw failure('ENOENT', path)
    return inode
  }

  #handle(inode: Inode): OpenFile {
    return {
      read: async (into, position) => {
        const part = inode.data.subarray(position, position + into.length)
        into.set(part)
        return part.length
      },
      append: async (bytes) => {
        const writable = Math.min(bytes.length, Math.max(0, this.crashAt - this.steps - 1))
        const data = new Uint8Array(inode.data.length + writable)
        data.set(inode.data)
        data.set(bytes.subarray(0, writable), inode.data.length)
        if (!this.#crashed && this.writeErrorCode === null) inode.data = data
        this.#step(bytes.length)
      },
      sync: async () => {
        this.#step()
        inode.synced = inode.data
      },
      truncate: async (size) => {
        this.#step()
        inode.data = inode.data.slice(0, size)
      },
      close: async () => {},
    }
  }

  #step(count = 1): void {
    this.steps += count
    if (this.#crashed || this.steps >= this.crashAt) {
      this.#crashed = true
      throw new Crash('The process has crashed.')
    }
    if (this.writeErrorCode !== null) throw failure(this.writeErrorCode, 'written file')
  }
}
