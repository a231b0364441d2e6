/**
 * A disk as it is, for checkers that read through the port: no time passes, no fault strikes,
 * nothing can be written.
 */
import type { FileStatus, Filesystem, OpenFile } from '@millrace/platform'
import type { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'

export class InstantFilesystem implements Filesystem {
  readonly #disk: SimulatedDisk

  constructor(disk: SimulatedDisk) {
    this.#disk = disk
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.#disk.bytesOf(path)
  }

  async status(path: string): Promise<FileStatus | null> {
    const node = this.#disk.findOrNull(path, 'stat')
    if (node === null) return null
    return {
      path,
      size: node.isDirectory ? 0 : node.size,
      modifiedMs: node.modifiedMs,
      isDirectory: node.isDirectory,
      inode: this.#disk.inodeOf(node),
    }
  }

  async open(path: string): Promise<OpenFile> {
    const bytes = this.#disk.bytesOf(path)
    return {
      read: async (into, position) => {
        const part = bytes.subarray(position, position + into.length)
        into.set(part)
        return part.length
      },
      append: readOnly,
      sync: readOnly,
      truncate: readOnly,
      close: async () => {},
    }
  }

  async list(directory: string): Promise<FileStatus[]> {
    const node = this.#disk.find(directory, 'scandir')
    const names = node.isDirectory ? [...node.entries.keys()].sort() : []
    const found = await Promise.all(names.map((name) => this.status(`${directory}/${name}`)))
    return found.filter((status) => status !== null)
  }

  writeFileAtomic = readOnly
  rename = readOnly
  syncDirectory = readOnly
  makeDirectory = readOnly
  remove = readOnly
}

function readOnly(): Promise<never> {
  return Promise.reject(new Error('A checker only looks.'))
}
