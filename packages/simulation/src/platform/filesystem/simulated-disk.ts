/**
 * SimulatedDisk: what is stored, shared by every process that mounts it or a host's own.
 *
 * Operations are immediate and whole here; `SimulatedFilesystem` gives them time and faults.
 * Everything is seen by everybody at once; what a crash leaves of it is decided by `crashHost`:
 * contents up to the last sync and names up to the last sync of their directory are sure, of
 * the rest a random part survives. A process that is killed loses nothing here: the page cache
 * is its host's.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { ProcessWorld, SimulatedProcess } from '../../world/simulated-process.ts'
import { InjectedFaults } from '../injected-faults.ts'
import { type CausedDiskFault, type DiskFaultRates, NO_DISK_FAULTS } from './disk-faults.ts'
import { DiskDirectory, DiskFile, type DiskNode } from './disk-node.ts'
import { fileFailure } from './file-failure.ts'
import { type NameEdit, NameJournal } from './name-journal.ts'

export type DiskAccess = 'writable' | 'readonly' | 'denied'

export interface StoredFile {
  readonly path: string
  readonly size: number
  readonly inode: string
  /** Survives a crash of every host, contents and name. */
  readonly isDurable: boolean
}

/** Where a path leads. */
interface Place {
  readonly parent: DiskDirectory
  readonly name: string
  readonly node: DiskNode | null
}

export class SimulatedDisk {
  readonly name: string
  readonly world: ProcessWorld
  readonly random: SeededRandom
  readonly faults: InjectedFaults<keyof DiskFaultRates, CausedDiskFault>
  /** Bytes that fit. */
  quotaBytes = Number.POSITIVE_INFINITY
  usedBytes = 0
  /** Paths of files that were removed, replaced or renamed away at some time. */
  readonly removedPaths = new Set<string>()
  /** Whether a host can reach the disk. */
  isReachable: (host: string) => boolean = () => true
  readonly #root: DiskDirectory
  readonly #journal = new NameJournal()
  readonly #access = new Map<string, DiskAccess>()
  readonly #dirty = new Set<DiskFile>()
  /** Files without a name that somebody has open. */
  readonly #orphans = new Set<DiskFile>()
  /** Files of which nobody gets the bytes from `from` on for now, with who waits for them. */
  readonly #held = new Map<string, { from: number; waiting: (() => void)[] }>()
  readonly #crashes = new Map<string, number>()
  #crashesOfAll = 0
  #nodes = 0

  constructor(world: ProcessWorld & { readonly random: SeededRandom }, name: string) {
    this.name = name
    this.world = world
    this.random = world.random.split(`disk ${name}`)
    this.faults = new InjectedFaults('disk', NO_DISK_FAULTS, this.random.split('faults'))
    this.#root = new DiskDirectory(++this.#nodes, 0)
  }

  /** Another number after each crash of the host: operations from before it are void. */
  bootOf(host: string): number {
    return (this.#crashes.get(host) ?? 0) + this.#crashesOfAll
  }

  /** Forbids changes, or anything, at and below `path`; 'writable' allows them again. */
  setAccess(path: string, access: DiskAccess): void {
    if (access === 'writable') this.#access.delete(normalPath(path))
    else this.#access.set(normalPath(path), access)
  }

  /** Throws EACCES or EROFS where the path is out of bounds. */
  checkAccess(path: string, isChange: boolean, syscall: string): void {
    if (this.#access.size === 0) return
    const normal = normalPath(path)
    for (const [prefix, access] of this.#access) {
      if (normal !== prefix && !normal.startsWith(prefix === '/' ? '/' : `${prefix}/`)) continue
      if (access === 'denied') throw fileFailure('EACCES', syscall, path)
      if (isChange) throw fileFailure('EROFS', syscall, path)
    }
  }

  find(path: string, syscall: string): DiskNode {
    const { node } = this.#place(path, syscall)
    if (node === null) throw fileFailure('ENOENT', syscall, path)
    return node
  }

  /** Null when the path leads nowhere; throws ENOTDIR when it leads through a file. */
  findOrNull(path: string, syscall: string): DiskNode | null {
    try {
      return this.#place(path, syscall).node
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return null
      throw error
    }
  }

  openForAppend(path: string, mustBeNew: boolean, host: string): DiskFile {
    const { parent, name, node } = this.#place(path, 'open')
    if (node !== null) {
      if (mustBeNew) throw fileFailure('EEXIST', 'open', path)
      if (node.isDirectory) throw fileFailure('EISDIR', 'open', path)
      return node
    }
    const file = new DiskFile(++this.#nodes, this.world.nowMs)
    this.#change(host, [{ directory: parent, name, before: null, after: file }])
    return file
  }

  /** Appends what fits and returns how much that is. */
  append(file: DiskFile, bytes: Uint8Array, host: string): number {
    const free = Math.max(0, this.quotaBytes - this.usedBytes)
    const fitting = bytes.length <= free ? bytes : bytes.subarray(0, free)
    file.append(fitting, host)
    this.usedBytes += fitting.length
    this.#touch(file)
    return fitting.length
  }

  truncate(file: DiskFile, size: number, host: string): void {
    this.usedBytes += size - file.size
    file.truncate(size, host)
    this.#touch(file)
  }

  #touch(file: DiskFile): void {
    file.modifiedMs = this.world.nowMs
    if (!file.isSynced) this.#dirty.add(file)
  }

  syncFile(file: DiskFile): void {
    file.sync()
    if (file.isSynced) this.#dirty.delete(file)
  }

  syncDirectory(directory: DiskDirectory): void {
    this.#journal.sync(directory)
  }

  makeDirectory(path: string, host: string): void {
    const { parent, name, node } = this.#place(path, 'mkdir')
    if (node !== null) throw fileFailure('EEXIST', 'mkdir', path)
    const directory = new DiskDirectory(++this.#nodes, this.world.nowMs)
    this.#change(host, [{ directory: parent, name, before: null, after: directory }])
  }

  rename(from: string, to: string, host: string): void {
    const source = this.#place(from, 'rename')
    const target = this.#place(to, 'rename')
    const { node } = source
    if (node === null) throw fileFailure('ENOENT', 'rename', from)
    if (node === target.node) return
    if (`${normalPath(to)}/`.startsWith(`${normalPath(from)}/`)) {
      throw fileFailure('EINVAL', 'rename', from)
    }
    if (`${normalPath(from)}/`.startsWith(`${normalPath(to)}/`)) {
      throw fileFailure('ENOTEMPTY', 'rename', from)
    }
    if (target.node !== null) {
      if (node.isDirectory && !target.node.isDirectory) throw fileFailure('ENOTDIR', 'rename', from)
      if (!node.isDirectory && target.node.isDirectory) throw fileFailure('EISDIR', 'rename', from)
      if (target.node.isDirectory && target.node.entries.size > 0) {
        throw fileFailure('ENOTEMPTY', 'rename', from)
      }
    }
    this.#recordRemoval(from, node)
    if (target.node !== null) this.#recordRemoval(to, target.node)
    this.#change(host, [
      { directory: target.parent, name: target.name, before: target.node, after: node },
      { directory: source.parent, name: source.name, before: node, after: null },
    ])
  }

  /** Removes a file or an empty directory. */
  removeOne(path: string, host: string): void {
    const { parent, name, node } = this.#place(path, 'unlink')
    if (node === null) throw fileFailure('ENOENT', 'unlink', path)
    if (node === this.#root || (node.isDirectory && node.entries.size > 0)) {
      throw fileFailure('ENOTEMPTY', 'rmdir', path)
    }
    this.#recordRemoval(path, node)
    this.#change(host, [{ directory: parent, name, before: node, after: null }])
  }

  /** A program opened or closed the file. */
  countHandle(file: DiskFile, change: 1 | -1): void {
    file.handles += change
    if (change < 0) this.#freeUnused(file)
  }

  /**
   * The machine stops at once (give the host or any process of it): undoes a random part of what it
   * wrote and did not sync, on this disk. Its processes are killed elsewhere.
   */
  crashHost(host: string | SimulatedProcess): void {
    const crashed = typeof host === 'string' ? host : host.host
    this.#crashes.set(crashed, (this.#crashes.get(crashed) ?? 0) + 1)
    this.#crash(crashed)
  }

  /** The disk's own machine stops: the same for everything that anybody did not sync. */
  crashAll(): void {
    this.#crashesOfAll++
    this.#crash(null)
  }

  #crash(host: string | null): void {
    const random = this.random.split(`crash ${this.faults.counts.get('crash') ?? 0}`)
    const lostNames = this.#journal.crash(host, random, (edit) => {
      const { directory, name, before, after } = edit
      // Somebody else has given the name to something since.
      if ((directory.entries.get(name) ?? null) !== after) return
      this.#put(directory, name, before)
    })
    let tornFiles = 0
    for (const file of [...this.#dirty]) {
      if (file.crash(host, random)) tornFiles++
      if (file.isSynced) this.#dirty.delete(file)
    }
    for (const file of [...this.#orphans]) if (file.names > 0) this.#orphans.delete(file)
    this.usedBytes = 0
    for (const { file } of this.#files(this.#root, '')) this.usedBytes += file.size
    for (const file of this.#orphans) this.usedBytes += file.size
    this.faults.count('crash')
    this.faults.count('crashLostNames', lostNames)
    this.faults.count('crashTornFiles', tornFiles)
    const about = `${lostNames} names undone, ${tornFiles} files torn`
    this.world.log.add(this.world.nowMs, this.name, 'disk crash', `${host ?? 'all'}: ${about}`)
  }

  /** Every file at or below `directory`, by path. For checkers: takes no time. */
  files(directory = '/'): StoredFile[] {
    const start = this.findOrNull(directory, 'scandir')
    if (start === null) return []
    const prefix = normalPath(directory)
    const found = start.isDirectory
      ? this.#files(start, prefix === '/' ? '' : prefix)
      : [{ path: prefix, file: start, parent: this.#place(prefix, 'stat').parent }]
    const unsynced = this.#journal.unsynced()
    return found
      .map(({ path, file, parent }) => ({
        path,
        size: file.size,
        inode: this.inodeOf(file),
        isDurable:
          file.isSynced &&
          !unsynced.some(
            (edit) =>
              edit.directory === parent && edit.name === path.slice(path.lastIndexOf('/') + 1),
          ),
      }))
      .sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  exists(path: string): boolean {
    return this.findOrNull(path, 'stat') !== null
  }

  /**
   * A copy of a file's bytes. For checkers: takes no time, knows no faults. Throws ENOENT, EISDIR.
   */
  bytesOf(path: string): Uint8Array {
    const node = this.find(path, 'open')
    if (node.isDirectory) throw fileFailure('EISDIR', 'read', path)
    return node.bytes.slice()
  }

  /** Puts a file there durably, with its directories: inputs of a run. */
  place(path: string, bytes: Uint8Array): void {
    const parts = partsOf(path)
    for (let depth = 1; depth < parts.length; depth++) {
      const directory = `/${parts.slice(0, depth).join('/')}`
      if (!this.exists(directory)) this.makeDirectory(directory, '')
      this.syncDirectory(this.#place(directory, 'mkdir').parent)
    }
    const file = this.openForAppend(path, true, '')
    file.append(bytes, '')
    file.sync()
    this.usedBytes += bytes.length
    this.syncDirectory(this.#place(path, 'open').parent)
  }

  /** Appends to a file durably, whatever the quota: input that grows. Throws ENOENT. */
  extend(path: string, bytes: Uint8Array): void {
    const node = this.find(path, 'open')
    if (node.isDirectory) throw fileFailure('EISDIR', 'open', path)
    node.append(bytes, '')
    node.sync()
    node.modifiedMs = this.world.nowMs
    this.usedBytes += bytes.length
  }

  /**
   * Reads get nothing from byte `from` on, and wait there, though the file is as long as it
   * is: a slow mount.
   */
  holdBack(path: string, from: number): void {
    const waiting = this.#held.get(path)?.waiting ?? []
    this.#held.set(path, { from, waiting: [] })
    for (const goOn of waiting) goOn()
  }

  /** Up to which byte a file gives its contents now. */
  heldFrom(path: string): number {
    return this.#held.get(path)?.from ?? Number.POSITIVE_INFINITY
  }

  /** Calls `goOn` once, when `holdBack` has let more through. */
  whenLetThrough(path: string, goOn: () => void): void {
    this.#held.get(path)?.waiting.push(goOn)
  }

  inodeOf(node: DiskNode): string {
    return `${this.name}:${node.number}`
  }

  #files(
    directory: DiskDirectory,
    path: string,
  ): { path: string; file: DiskFile; parent: DiskDirectory }[] {
    return [...directory.entries].flatMap(([name, node]) =>
      node.isDirectory
        ? this.#files(node, `${path}/${name}`)
        : [{ path: `${path}/${name}`, file: node, parent: directory }],
    )
  }

  #recordRemoval(path: string, node: DiskNode): void {
    if (!node.isDirectory) this.removedPaths.add(normalPath(path))
    else {
      for (const { path: inner } of this.#files(node, normalPath(path))) {
        this.removedPaths.add(inner)
      }
    }
  }

  #change(host: string, edits: readonly NameEdit[]): void {
    this.#journal.add(host, edits)
    for (const { directory, name, after } of edits) this.#put(directory, name, after)
  }

  #put(directory: DiskDirectory, name: string, node: DiskNode | null): void {
    const before = directory.entries.get(name)
    if (node !== null && !node.isDirectory) node.names++
    if (node === null) directory.entries.delete(name)
    else directory.entries.set(name, node)
    if (before !== undefined && !before.isDirectory) {
      before.names--
      this.#freeUnused(before)
    }
    directory.modifiedMs = this.world.nowMs
  }

  /** A file without a name and without readers takes no space. */
  #freeUnused(file: DiskFile): void {
    if (file.names > 0) return
    if (file.handles > 0) this.#orphans.add(file)
    else {
      this.#orphans.delete(file)
      this.usedBytes = Math.max(0, this.usedBytes - file.size)
    }
  }

  #place(path: string, syscall: string): Place {
    const parts = partsOf(path)
    const name = parts.pop()
    if (name === undefined) return { parent: this.#root, name: '', node: this.#root }
    let parent = this.#root
    for (const part of parts) {
      const next = parent.entries.get(part)
      if (next === undefined) throw fileFailure('ENOENT', syscall, path)
      if (!next.isDirectory) throw fileFailure('ENOTDIR', syscall, path)
      parent = next
    }
    return { parent, name, node: parent.entries.get(name) ?? null }
  }
}

function partsOf(path: string): string[] {
  if (!path.startsWith('/')) throw new Error(`Give an absolute path; it is '${path}'.`)
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}

function normalPath(path: string): string {
  return `/${partsOf(path).join('/')}`
}
