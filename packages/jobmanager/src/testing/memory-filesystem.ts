/**
 * Files in memory, for JobManagers on a manual clock. For tests only.
 *
 * A call is over before the clock moves on: with real files a test would wait for a disk, whose time nobody knows.
 * Errors carry Node's codes, as the port demands.
 */
import { dirname } from 'node:path'
import type { FileStatus, Filesystem, OpenFile } from '@millrace/platform'

export class MemoryFilesystem implements Filesystem {
  /** Contents by path; null is a directory. */
  readonly #entries = new Map<string, Uint8Array | null>([['/', null]])
  readonly #inodes = new Map<string, number>()
  #lastInode = 0

  /** Names in a directory, sorted; none when it is missing. For asserts. */
  namesIn(directory: string): string[] {
    return [...this.#entries.keys()]
      .filter((path) => path !== '/' && dirname(path) === directory)
      .map((path) => path.slice(path.lastIndexOf('/') + 1))
      .sort()
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.#bytesOf(path).slice()
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    this.#requireDirectory(dirname(path))
    this.#put(path, bytes.slice())
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    const isThere = this.#entries.has(path)
    if (mode === 'create' && isThere) throw failure('EEXIST', path)
    this.#requireDirectory(dirname(path))
    if (mode !== 'read' && !isThere) this.#put(path, new Uint8Array(0))
    this.#bytesOf(path)
    return {
      read: async (into, position) => {
        const part = this.#bytesOf(path).subarray(position, position + into.length)
        into.set(part)
        return part.length
      },
      append: async (bytes) => {
        const before = this.#bytesOf(path)
        const all = new Uint8Array(before.length + bytes.length)
        all.set(before)
        all.set(bytes, before.length)
        this.#entries.set(path, all)
      },
      truncate: async (size) => {
        this.#entries.set(path, this.#bytesOf(path).slice(0, size))
      },
      sync: async () => {},
      close: async () => {},
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#require(from)
    this.#requireDirectory(dirname(to))
    await this.remove(to)
    for (const path of this.#below(from)) {
      this.#put(`${to}${path.slice(from.length)}`, this.#entries.get(path) ?? null)
      this.#entries.delete(path)
    }
  }

  async syncDirectory(path: string): Promise<void> {
    this.#requireDirectory(path)
  }

  async list(directory: string): Promise<FileStatus[]> {
    this.#requireDirectory(directory)
    return this.namesIn(directory).map((name) => this.#statusOf(`${directory}/${name}`))
  }

  async status(path: string): Promise<FileStatus | null> {
    return this.#entries.has(path) ? this.#statusOf(path) : null
  }

  async makeDirectory(path: string): Promise<void> {
    if (!this.#entries.has(path)) {
      await this.makeDirectory(dirname(path))
      this.#put(path, null)
    }
    this.#requireDirectory(path)
  }

  async remove(path: string): Promise<void> {
    for (const gone of this.#below(path)) this.#entries.delete(gone)
  }

  #below(path: string): string[] {
    return [...this.#entries.keys()].filter((key) => key === path || key.startsWith(`${path}/`))
  }

  #put(path: string, content: Uint8Array | null): void {
    this.#entries.set(path, content)
    this.#inodes.set(path, ++this.#lastInode)
  }

  #require(path: string): Uint8Array | null {
    const content = this.#entries.get(path)
    if (content === undefined) throw failure('ENOENT', path)
    return content
  }

  #requireDirectory(path: string): void {
    if (this.#require(path) !== null) throw failure('ENOTDIR', path)
  }

  #bytesOf(path: string): Uint8Array {
    const content = this.#require(path)
    if (content === null) throw failure('EISDIR', path)
    return content
  }

  #statusOf(path: string): FileStatus {
    const content = this.#require(path)
    return {
      path,
      size: content?.length ?? 0,
      modifiedMs: 0,
      isDirectory: content === null,
      inode: String(this.#inodes.get(path) ?? 0),
    }
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: '${path}'`), { code, path })
}
