/**
 * Files in memory, for tests: calls that are over at once, and a process that stops dead after a
 * given number of steps.
 *
 * A step is an operation that changes something, or one written byte. It keeps apart what a program
 * sees and what a power cut leaves: a file's contents count once it is synced, its name once its
 * directory is. `afterCrash` gives the disk as found afterwards, in the worst case (nothing
 * unsynced survived), the best, or a torn one (names survived, unsynced contents in part).
 * Directories are durable at once. Errors carry Node's codes, as the port demands; `testFilesystem`
 * says the same of it as of the real one.
 */
import { dirname } from 'node:path'
import type { FileStatus, Filesystem, OpenFile } from '../filesystem.ts'

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
  return Object.assign(new Error(`${code}: '${path}'`), { code, path })
}

export class MemoryFilesystem implements Filesystem {
  /** Inode number by path. */
  readonly #directories = new Map<string, number>([['/', 0]])
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

  afterCrash(image: CrashImage): MemoryFilesystem {
    const found = new MemoryFilesystem()
    for (const [path, number] of this.#directories) found.#directories.set(path, number)
    const names = image === 'unsynced-lost' ? this.#durable : this.#seen
    for (const [path, { data, synced }] of names) {
      const torn = synced.length + (data.length - synced.length) / 2
      if (image === 'unsynced-lost') found.set(path, synced)
      else found.set(path, data.slice(0, image === 'unsynced-torn' ? torn : data.length))
    }
    return found
  }

  /** Puts a file there, durably. */
  set(path: string, data: Uint8Array): void {
    const inode = { number: ++this.#inodes, data, synced: data }
    this.#seen.set(path, inode)
    this.#durable.set(path, inode)
  }

  /** Files, sorted. */
  paths(): string[] {
    return [...this.#seen.keys()].sort()
  }

  /** Names in a directory, sorted; none when it is missing. For asserts. */
  namesIn(directory: string): string[] {
    return [...this.#directories.keys(), ...this.#seen.keys()]
      .filter((path) => path !== '/' && dirname(path) === directory)
      .map((path) => path.slice(path.lastIndexOf('/') + 1))
      .sort()
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.#inode(path).data.slice()
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`
    const file = await this.open(temporary, 'create')
    try {
      await file.append(bytes)
      await file.sync()
      await this.rename(temporary, path)
    } catch (error) {
      // A process that has crashed tidies nothing up.
      if (!this.#crashed) this.#seen.delete(temporary)
      throw error
    }
    await this.syncDirectory(dirname(path))
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    if (mode === 'read') return this.#handle(this.#inode(path))
    this.#step()
    this.#requireDirectory(dirname(path))
    if (mode === 'create' && this.#exists(path)) throw failure('EEXIST', path)
    if (this.#exists(path)) return this.#handle(this.#inode(path))
    const inode = { number: ++this.#inodes, data: new Uint8Array(0), synced: new Uint8Array(0) }
    this.#seen.set(path, inode)
    return this.#handle(inode)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step()
    this.#requireDirectory(dirname(to))
    if (this.#directories.has(from)) {
      this.#renameDirectory(from, to)
      return
    }
    const inode = this.#inode(from)
    if (this.#directories.has(to)) throw failure('EISDIR', to)
    this.#seen.set(to, inode)
    if (from !== to) this.#seen.delete(from)
  }

  #renameDirectory(from: string, to: string): void {
    if (this.#seen.has(to)) throw failure('ENOTDIR', to)
    if (this.namesIn(to).length > 0) throw failure('ENOTEMPTY', to)
    for (const entries of [this.#directories, this.#seen, this.#durable] as Map<
      string,
      unknown
    >[]) {
      for (const [path, entry] of [...entries]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue
        entries.delete(path)
        entries.set(`${to}${path.slice(from.length)}`, entry)
      }
    }
  }

  async syncDirectory(path: string): Promise<void> {
    this.#step()
    this.#requireDirectory(path)
    for (const name of [...this.#durable.keys()]) {
      if (dirname(name) === path && !this.#seen.has(name)) this.#durable.delete(name)
    }
    for (const [name, inode] of this.#seen) {
      if (dirname(name) === path) this.#durable.set(name, inode)
    }
  }

  async list(directory: string): Promise<FileStatus[]> {
    this.#requireDirectory(directory)
    const base = directory === '/' ? '' : directory
    return this.namesIn(directory).map((name) => this.#statusOf(`${base}/${name}`))
  }

  async status(path: string): Promise<FileStatus | null> {
    return this.#exists(path) ? this.#statusOf(path) : null
  }

  async makeDirectory(path: string): Promise<void> {
    this.#step()
    this.#makeDirectory(path)
  }

  #makeDirectory(path: string): void {
    if (this.#seen.has(path)) throw failure('EEXIST', path)
    if (this.#directories.has(path)) return
    this.#makeDirectory(dirname(path))
    this.#directories.set(path, ++this.#inodes)
  }

  async remove(path: string): Promise<void> {
    const isBelow = (name: string) => name === path || name.startsWith(`${path}/`)
    // Names that come late in the alphabet go first: a discard must not rely on a kinder order.
    for (const name of [...this.#seen.keys()].filter(isBelow).sort().reverse()) {
      this.#step()
      this.#seen.delete(name)
    }
    for (const directory of [...this.#directories.keys()].filter(isBelow)) {
      this.#step()
      this.#directories.delete(directory)
    }
  }

  #exists(path: string): boolean {
    return this.#seen.has(path) || this.#directories.has(path)
  }

  #requireDirectory(path: string): void {
    if (this.#directories.has(path)) return
    throw failure(this.#seen.has(path) ? 'ENOTDIR' : 'ENOENT', path)
  }

  #inode(path: string): Inode {
    const inode = this.#seen.get(path)
    if (inode === undefined) throw failure(this.#directories.has(path) ? 'EISDIR' : 'ENOENT', path)
    return inode
  }

  #statusOf(path: string): FileStatus {
    const file = this.#seen.get(path)
    const number = file?.number ?? this.#directories.get(path)
    return {
      path,
      size: file?.data.length ?? 0,
      modifiedMs: 0,
      isDirectory: file === undefined,
      inode: String(number),
    }
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
