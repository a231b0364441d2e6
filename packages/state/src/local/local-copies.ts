/**
 * LocalCopies: of the state files that the tasks of a slot have written, copies on the machine's
 * own disk, so that a task that is restarted in its slot need not fetch them.
 *
 * A copy has no name and ends with its slot. It is an offer, never the truth: whatever goes wrong
 * with one, the file itself is read. Invariant: a copy is read only after every byte of its file
 * was written, and of the very path, which is written once.
 */
import type { Configuration } from '@millrace/core'
import type { Filesystem, OpenFile, TemporaryFile, TemporaryFiles } from '@millrace/platform'
import { LOCAL_BACKUP, LOCAL_BACKUP_DIRECTORIES } from '../state-options.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

/** Null: the job wants no copies. */
export function localCopiesPlace(
  configuration: Configuration,
  files: TemporaryFiles,
): LocalCopiesPlace | null {
  if (!configuration.get(LOCAL_BACKUP)) return null
  const named = configuration.get(LOCAL_BACKUP_DIRECTORIES)?.split(',')[0]
  return { files, directory: named ?? temporaryDirectory(configuration, files) }
}

export interface LocalCopiesPlace {
  readonly files: TemporaryFiles
  /** On the local disk; made when missing. */
  readonly directory: string
}

export class LocalCopies {
  readonly #copies = new Map<string, TemporaryFile>()
  /** Subtask → checkpoint → the files that it consists of. */
  readonly #needed = new Map<string, Map<number, ReadonlySet<string>>>()

  /** The files and their bytes, now. */
  get size(): { readonly files: number; readonly bytes: number } {
    let bytes = 0
    for (const copy of this.#copies.values()) bytes += copy.size
    return { files: this.#copies.size, bytes }
  }

  /** `filesystem`, in which files that have a copy are read from that. */
  reading(filesystem: Filesystem): CopiedFilesystem {
    return new CopiedFilesystem(filesystem, this.#copies)
  }

  /** `filesystem`, of which each new file is copied while it is written. */
  writing(filesystem: Filesystem, place: LocalCopiesPlace): CopyingFilesystem {
    return new CopyingFilesystem(filesystem, place)
  }

  /** The subtask wrote its part of the checkpoint, which consists of `paths`. */
  keep(
    subtask: string,
    checkpointId: number,
    written: CopyingFilesystem,
    paths: ReadonlySet<string>,
  ): void {
    for (const [path, copy] of written.take()) {
      if (paths.has(path)) this.#copies.set(path, copy)
      else copy.close()
    }
    const needed = this.#needed.get(subtask) ?? new Map<number, ReadonlySet<string>>()
    this.#needed.set(subtask, needed.set(checkpointId, paths))
  }

  /** No earlier checkpoint of the subtask will be restored. */
  complete(subtask: string, checkpointId: number): void {
    const needed = this.#needed.get(subtask)
    for (const id of needed?.keys() ?? []) if (id < checkpointId) needed?.delete(id)
    this.#removeUnneeded()
  }

  /** The subtask starts from the checkpoint: no later one has become complete, or will. */
  restored(subtask: string, checkpointId: number): void {
    const needed = this.#needed.get(subtask)
    for (const id of needed?.keys() ?? []) if (id > checkpointId) needed?.delete(id)
    this.#removeUnneeded()
  }

  #removeUnneeded(): void {
    const kept = new Set<string>()
    for (const checkpoints of this.#needed.values()) {
      for (const paths of checkpoints.values()) for (const path of paths) kept.add(path)
    }
    for (const [path, copy] of this.#copies) {
      if (kept.has(path)) continue
      copy.close()
      this.#copies.delete(path)
    }
  }
}

/** Forwards all but what copies change. */
abstract class FilesystemView implements Filesystem {
  protected readonly inner: Filesystem
  constructor(inner: Filesystem) {
    this.inner = inner
  }

  get schemes(): readonly string[] {
    return this.inner.schemes ?? []
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.inner.readFile(path)
  }

  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    return this.inner.writeFileAtomic(path, bytes)
  }

  open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    return this.inner.open(path, mode)
  }

  rename(from: string, to: string): Promise<void> {
    return this.inner.rename(from, to)
  }

  syncDirectory(path: string): Promise<void> {
    return this.inner.syncDirectory(path)
  }

  list(directory: string): ReturnType<Filesystem['list']> {
    return this.inner.list(directory)
  }

  status(path: string): ReturnType<Filesystem['status']> {
    return this.inner.status(path)
  }

  makeDirectory(path: string): Promise<void> {
    return this.inner.makeDirectory(path)
  }

  remove(path: string): Promise<void> {
    return this.inner.remove(path)
  }
}

export class CopyingFilesystem extends FilesystemView {
  readonly #place: LocalCopiesPlace
  readonly #copies = new Map<string, TemporaryFile>()
  /** Why a copy could not be made, the first time. */
  failure: unknown = null

  constructor(inner: Filesystem, place: LocalCopiesPlace) {
    super(inner)
    this.#place = place
  }

  override async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    const file = await this.inner.open(path, mode)
    if (mode !== 'create') return file
    const attempt = (action: () => void): void => {
      try {
        action()
      } catch (error) {
        this.failure ??= error
        this.#copies.get(path)?.close()
        this.#copies.delete(path)
      }
    }
    attempt(() => this.#copies.set(path, this.#place.files.create(this.#place.directory)))
    return {
      read: (into, position) => file.read(into, position),
      append: async (bytes) => {
        await file.append(bytes)
        attempt(() => this.#copies.get(path)?.append(bytes))
      },
      sync: () => file.sync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    }
  }

  /** The copies, which are the caller's from then on. */
  take(): ReadonlyMap<string, TemporaryFile> {
    const taken = new Map(this.#copies)
    this.#copies.clear()
    return taken
  }

  /** What was written does not count. */
  drop(): void {
    for (const copy of this.take().values()) copy.close()
  }
}

export class CopiedFilesystem extends FilesystemView {
  readonly #copies: ReadonlyMap<string, TemporaryFile>
  /** Of those that were asked for. */
  readonly copied = new Set<string>()
  readonly fetched = new Set<string>()

  constructor(inner: Filesystem, copies: ReadonlyMap<string, TemporaryFile>) {
    super(inner)
    this.#copies = copies
  }

  override async status(path: string): ReturnType<Filesystem['status']> {
    const copy = this.#copies.get(path)
    if (copy === undefined) return this.inner.status(path)
    return { path, size: copy.size, modifiedMs: 0, isDirectory: false, inode: 'copy' }
  }

  override async open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile> {
    const copy = this.#copies.get(path)
    if (mode !== 'read' || copy === undefined) {
      if (mode === 'read') this.fetched.add(path)
      return this.inner.open(path, mode)
    }
    this.copied.add(path)
    return new CopiedFile(copy, () => {
      this.copied.delete(path)
      this.fetched.add(path)
      return this.inner.open(path, 'read')
    })
  }
}

/** Reads the copy; the file itself once that fails, or the same bytes are wanted again. */
class CopiedFile implements OpenFile {
  readonly #copy: TemporaryFile
  readonly #openFile: () => Promise<OpenFile>
  #file: OpenFile | null = null
  #lastPosition = -1

  constructor(copy: TemporaryFile, openFile: () => Promise<OpenFile>) {
    this.#copy = copy
    this.#openFile = openFile
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    // Whoever reads it twice in a row found it damaged.
    const isAgain = position === this.#lastPosition
    this.#lastPosition = position
    if (this.#file === null && !isAgain) {
      const count = Math.min(into.length, this.#copy.size - position)
      try {
        if (count > 0) this.#copy.read(into.subarray(0, count), position)
        return Math.max(0, count)
      } catch {
        // The machine's disk does not give it.
      }
    }
    this.#file ??= await this.#openFile()
    return this.#file.read(into, position)
  }

  append(): Promise<void> {
    return Promise.reject(new Error('A copy is not written to.'))
  }

  async sync(): Promise<void> {}

  truncate(): Promise<void> {
    return this.append()
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
