/**
 * SimulatedFilesystem: a `SimulatedDisk` as one process sees it, through the `Filesystem` port.
 *
 * Each system call takes simulated time and does its work at an event of its own in between, see
 * `DiskCalls`. What Node does in several calls (an atomic write, the removal of a directory) is
 * several here, so that a kill falls between them.
 */
import { posix } from 'node:path'
import type { FileStatus, Filesystem, OpenFile } from '@millrace/platform'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import { START_OF_TIME_MS } from '../simulated-clock.ts'
import { type CallKind, DiskCalls } from './disk-calls.ts'
import type { DiskFile, DiskNode } from './disk-node.ts'
import { fileFailure } from './file-failure.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import { SimulatedOpenFile, syncNode } from './simulated-open-file.ts'

const { dirname, join } = posix

export class SimulatedFilesystem implements Filesystem {
  readonly #disk: SimulatedDisk
  readonly #process: SimulatedProcess
  readonly #calls: DiskCalls
  readonly #open = new Set<{ readonly file: DiskFile }>()
  #temporaryFiles = 0

  constructor(disk: SimulatedDisk, process: SimulatedProcess) {
    this.#disk = disk
    this.#process = process
    this.#calls = new DiskCalls(disk, process)
    process.onExit(() => {
      for (const { file } of this.#open) disk.countHandle(file, -1)
      this.#open.clear()
    })
  }

  async readFile(path: string): Promise<Uint8Array> {
    const expected = this.#disk.findOrNull(path, 'open')
    return this.#calls.run({
      kind: 'read',
      syscall: 'open',
      path,
      bytes: expected === null || expected.isDirectory ? 0 : expected.size,
      perform: () => {
        const bytes = this.#disk.bytesOf(path)
        this.#calls.corrupt(bytes, path)
        return bytes
      },
    })
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.${this.#process.name}-${++this.#temporaryFiles}.tmp`
    try {
      const file = await this.open(temporary, 'create')
      try {
        await file.append(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await this.rename(temporary, path)
    } catch (error) {
      await this.remove(temporary)
      throw error
    }
    await this.syncDirectory(dirname(path))
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    const { host } = this.#process
    return this.#run(mode === 'read' ? 'lookup' : 'change', 'open', path, () =>
      this.#handle(
        path,
        mode === 'read'
          ? this.#disk.find(path, 'open')
          : this.#disk.openForAppend(path, mode === 'create', host),
        mode !== 'read',
      ),
    )
  }

  #handle(path: string, node: DiskNode, isWritable: boolean): OpenFile {
    const opened = {
      disk: this.#disk,
      process: this.#process,
      calls: this.#calls,
      path,
      node,
      isWritable,
    }
    if (node.isDirectory || !this.#process.alive) return new SimulatedOpenFile(opened, () => {})
    const entry = { file: node }
    this.#open.add(entry)
    this.#disk.countHandle(node, 1)
    return new SimulatedOpenFile(opened, () => {
      if (this.#open.delete(entry)) this.#disk.countHandle(node, -1)
    })
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#run('change', 'rename', from, () => {
      this.#disk.checkAccess(to, true, 'rename')
      this.#disk.rename(from, to, this.#process.host)
    })
  }

  async syncDirectory(path: string): Promise<void> {
    const node = await this.#run('lookup', 'open', path, () => this.#disk.find(path, 'open'))
    await syncNode(this.#disk, this.#calls, node, path)
  }

  async list(directory: string): Promise<FileStatus[]> {
    const names = await this.#run('lookup', 'scandir', directory, () => {
      const node = this.#disk.find(directory, 'scandir')
      if (!node.isDirectory) throw fileFailure('ENOTDIR', 'scandir', directory)
      return [...node.entries.keys()].sort()
    })
    if (names.length === 0) return []
    const found = await this.#run('lookup', 'stat', directory, () =>
      names.map((name) => this.#statusOf(join(directory, name))),
    )
    return found.filter((status) => status !== null)
  }

  async status(path: string): Promise<FileStatus | null> {
    return this.#run('lookup', 'stat', path, () => this.#statusOf(path))
  }

  #statusOf(path: string): FileStatus | null {
    const node = this.#disk.findOrNull(path, 'stat')
    if (node === null) return null
    return {
      path,
      size: node.isDirectory ? 0 : node.size,
      modifiedMs: START_OF_TIME_MS + node.modifiedMs,
      isDirectory: node.isDirectory,
      inode: this.#disk.inodeOf(node),
    }
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await this.#makeOneDirectory(path)
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error
      const parent = dirname(path)
      if ((await this.status(parent)) === null) await this.makeDirectory(parent)
      await this.#makeOneDirectory(path)
    }
  }

  async #makeOneDirectory(path: string): Promise<void> {
    const { host } = this.#process
    try {
      await this.#run('change', 'mkdir', path, () => this.#disk.makeDirectory(path, host))
    } catch (error) {
      const isThere = (error as { code?: string }).code === 'EEXIST'
      if (isThere && (await this.status(path))?.isDirectory === true) return
      throw error
    }
    await this.syncDirectory(dirname(path))
  }

  async remove(path: string): Promise<void> {
    const children = await this.#run('lookup', 'lstat', path, () => {
      const node = this.#disk.findOrNull(path, 'lstat')
      if (node === null) return null
      return node.isDirectory ? [...node.entries.keys()] : []
    })
    if (children === null) return
    // At a time, as Node does: which of them goes first is chance.
    await Promise.all(children.map((name) => this.remove(join(path, name))))
    await this.#run('change', 'unlink', path, () => {
      if (this.#disk.findOrNull(path, 'unlink') === null) return
      this.#disk.removeOne(path, this.#process.host)
    })
  }

  #run<T>(kind: CallKind, syscall: string, path: string, perform: () => T): Promise<T> {
    return this.#calls.run({ kind, syscall, path, perform })
  }
}
