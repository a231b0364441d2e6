/**
 * Finds the files of a table and deals their splits to readers, round robin; lives in
 * the JobManager.
 *
 * Bounded: one listing, then no more splits. With `source.monitor-interval`: lists again and again;
 * files not seen before become splits.
 * Invariant: a file that was dealt once is never dealt again (`known` is in the checkpoint), where
 * it stands is the reader's state.
 */
import type { EnumeratorContext, SplitEnumerator } from '@millrace/connector'
import type { FileStatus } from '@millrace/platform'
import { fileErrorCode, filesystemError } from '../error-codes.ts'
import type { FileSourceConfig } from '../file-table-config.ts'
import { type FileSplit, splitsOfFile } from './file-split.ts'

interface EnumeratorState {
  readonly known: readonly string[]
  readonly pending: readonly FileSplit[]
  readonly next: number
}

const COMPRESSED = /\.(gz|zst|bz2|xz|snappy|lz4|deflate)$/

export class FileSplitEnumerator implements SplitEnumerator {
  readonly #config: FileSourceConfig
  readonly #context: EnumeratorContext
  readonly #known = new Set<string>()
  #pending: FileSplit[] = []
  #next = 0
  #listed = false
  #closed = false
  #cancelTimer: (() => void) | null = null

  constructor(config: FileSourceConfig, context: EnumeratorContext) {
    this.#config = config
    this.#context = context
  }

  async start(restored: unknown): Promise<void> {
    const state = restored as EnumeratorState | null
    if (state !== null) {
      for (const path of state.known) this.#known.add(path)
      this.#pending = [...state.pending]
      this.#next = state.next
    }
    // A bounded source's input is what the first listing found.
    if (state === null || this.#config.monitorIntervalMs !== null) await this.#discover()
    this.#listed = true
    this.#deal()
    this.#scheduleDiscovery()
  }

  addReader(_subtaskIndex: number): void {
    this.#deal()
  }

  handleReaderEvent(): void {}

  snapshot(): EnumeratorState {
    return { known: [...this.#known], pending: [...this.#pending], next: this.#next }
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  #scheduleDiscovery(): void {
    const intervalMs = this.#config.monitorIntervalMs
    if (intervalMs === null || this.#closed) return
    this.#cancelTimer = this.#context.schedule(intervalMs, () => {
      this.#discover().then(
        () => {
          if (this.#closed) return
          this.#deal()
          this.#scheduleDiscovery()
        },
        (error) => {
          if (!this.#closed) this.#context.fail(error)
        },
      )
    })
  }

  async #discover(): Promise<void> {
    const files = await this.#files()
    files.sort((a, b) => (a.path < b.path ? -1 : 1))
    for (const file of files) {
      if (this.#known.has(file.path)) continue
      if (COMPRESSED.test(file.path)) {
        throw filesystemError(
          'FILESYSTEM_FILE_UNSUPPORTED',
          `Unpack ${file.path}; compressed files are not supported yet.`,
          { location: { file: file.path } },
        )
      }
      this.#known.add(file.path)
      const follow = this.#config.monitorIntervalMs !== null
      this.#pending.push(...splitsOfFile(file.path, file.size, follow))
    }
  }

  async #files(): Promise<FileStatus[]> {
    const { filesystem } = this.#context.platform
    const { path } = this.#config
    try {
      const root = await filesystem.status(path)
      if (root === null) {
        throw filesystemError('FILESYSTEM_PATH_MISSING', `Create ${path}; it does not exist.`, {
          location: { file: path },
          hint: `Table ${this.#context.tableName} reads it; check the option 'path'.`,
        })
      }
      if (!root.isDirectory) return [root]
      const files: FileStatus[] = []
      const directories = [path]
      for (let directory = directories.pop(); directory !== undefined; ) {
        for (const entry of await filesystem.list(directory)) {
          const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
          if (name.startsWith('.') || name.startsWith('_')) continue
          if (entry.isDirectory) directories.push(entry.path)
          else files.push(entry)
        }
        directory = directories.pop()
      }
      return files
    } catch (thrown) {
      if ((thrown as { brand?: string }).brand === 'millrace-error') throw thrown
      throw filesystemError(
        'FILESYSTEM_READ_FAILED',
        `Cannot list ${path}: ${fileErrorCode(thrown)}.`,
        { cause: thrown, location: { file: path } },
      )
    }
  }

  /** Once every reader is there, so that all get their share. */
  #deal(): void {
    const readers = this.#context.registeredReaders()
    const { parallelism } = this.#context
    if (!this.#listed || readers.length < parallelism) return
    const shares: FileSplit[][] = Array.from({ length: parallelism }, () => [])
    for (const split of this.#pending) {
      shares[this.#next % parallelism]?.push(split)
      this.#next++
    }
    this.#pending = []
    for (const [subtask, share] of shares.entries()) {
      if (share.length > 0) this.#context.assignSplits(subtask, share)
    }
    if (this.#config.monitorIntervalMs !== null) return
    for (let subtask = 0; subtask < parallelism; subtask++) {
      this.#context.signalNoMoreSplits(subtask)
    }
  }
}
