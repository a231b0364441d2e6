/**
 * An open file of a simulated disk: it stays what it is when its name goes to another file, as
 * an inode does.
 */
import type { OpenFile } from '@millrace/platform'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import type { DiskCalls } from './disk-calls.ts'
import type { DiskFile, DiskNode } from './disk-node.ts'
import { fileFailure } from './file-failure.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

export interface OpenedNode {
  readonly disk: SimulatedDisk
  readonly process: SimulatedProcess
  readonly calls: DiskCalls
  readonly path: string
  readonly node: DiskNode
  readonly isWritable: boolean
}

export class SimulatedOpenFile implements OpenFile {
  readonly #opened: OpenedNode
  readonly #onClose: () => void
  #closed = false

  constructor(opened: OpenedNode, onClose: () => void) {
    this.#opened = opened
    this.#onClose = onClose
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const { calls, disk, path, node } = this.#opened
    this.#checkOpen('read')
    while (position >= disk.heldFrom(path)) await this.#letThrough()
    const end = disk.heldFrom(path)
    return calls.run({
      kind: 'read',
      syscall: 'read',
      path,
      bytes: into.length,
      perform: () => {
        if (node.isDirectory) throw fileFailure('EISDIR', 'read', path)
        const there = node.bytes.subarray(position, Math.min(position + into.length, end))
        const count = calls.readable(there.length, path)
        into.set(there.subarray(0, count))
        calls.corrupt(into.subarray(0, count), path)
        return count
      },
    })
  }

  #letThrough(): Promise<void> {
    const { disk, process, path } = this.#opened
    return new Promise((resolve) => {
      disk.whenLetThrough(path, () => process.deliver(resolve))
    })
  }

  async append(bytes: Uint8Array): Promise<void> {
    // No system call: Node's handle makes none either.
    if (bytes.length === 0) return
    const { disk, process, calls, path } = this.#opened
    const file = this.#writable('write', 'EBADF')
    await calls.run({
      kind: 'append',
      syscall: 'write',
      path,
      bytes: bytes.length,
      perform: () => {
        if (disk.append(file, bytes, process.host) === bytes.length) return
        disk.faults.record('diskFull', process, path)
        throw fileFailure('ENOSPC', 'write', path)
      },
      performPart: (random) => {
        disk.append(file, bytes.subarray(0, random.between(0, bytes.length)), process.host)
      },
    })
  }

  async sync(): Promise<void> {
    const { disk, calls, path, node } = this.#opened
    this.#checkOpen('fsync')
    await syncNode(disk, calls, node, path)
  }

  async truncate(size: number): Promise<void> {
    const { disk, process, calls, path } = this.#opened
    const file = this.#writable('ftruncate', 'EINVAL')
    await calls.run({
      kind: 'change',
      syscall: 'ftruncate',
      path,
      perform: () => disk.truncate(file, size, process.host),
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
    const { calls, path } = this.#opened
    await calls.run({ kind: 'lookup', syscall: 'close', path, perform: () => {} })
  }

  #checkOpen(syscall: string): void {
    if (this.#closed) throw fileFailure('EBADF', syscall, this.#opened.path)
  }

  #writable(syscall: string, code: 'EBADF' | 'EINVAL'): DiskFile {
    const { node, path, isWritable } = this.#opened
    this.#checkOpen(syscall)
    if (!isWritable || node.isDirectory) throw fileFailure(code, syscall, path)
    return node
  }
}

/** Makes a file's contents durable, or a directory's names. */
export function syncNode(
  disk: SimulatedDisk,
  calls: DiskCalls,
  node: DiskNode,
  path: string,
): Promise<void> {
  return calls.run({
    kind: 'sync',
    syscall: 'fsync',
    path,
    perform: () => (node.isDirectory ? disk.syncDirectory(node) : disk.syncFile(node)),
    failSync: () => {
      if (!node.isDirectory) node.failSync()
    },
  })
}
