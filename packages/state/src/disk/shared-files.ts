/**
 * SharedFiles: many small runs in few files.
 *
 * A run has a stretch of a file to itself: it is written from its beginning to its end before the
 * next one of the same file is begun. A file goes with the last run that lies in it. Invariant: of
 * one file at most one run is being written.
 */
import type { TemporaryFile, TemporaryFiles } from '@millrace/platform'
import type { RunFile } from './run.ts'

/** A file that is larger takes no further runs. */
const FILE_BYTES_MAX = 64 * 1024 * 1024

export class SharedFiles {
  readonly #files: TemporaryFiles
  readonly #directory: string
  /** Files that may take another run. */
  readonly #idle = new Set<SharedFile>()

  constructor(files: TemporaryFiles, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /** A stretch for one run. Throws what the platform throws. */
  create(): RunFile {
    const [idle] = this.#idle
    const shared = idle ?? { file: this.#files.create(this.#directory), runs: 0 }
    this.#idle.delete(shared)
    shared.runs++
    return new Stretch(
      shared,
      () => {
        if (shared.file.size < FILE_BYTES_MAX) this.#idle.add(shared)
      },
      () => {
        if (--shared.runs > 0) return
        this.#idle.delete(shared)
        shared.file.close()
      },
    )
  }
}

interface SharedFile {
  readonly file: TemporaryFile
  /** That lie in it. */
  runs: number
}

class Stretch implements RunFile {
  size = 0
  readonly #file: TemporaryFile
  readonly #start: number
  readonly #sealed: () => void
  readonly #closed: () => void
  #isSealed = false

  constructor({ file }: SharedFile, sealed: () => void, closed: () => void) {
    this.#file = file
    this.#start = file.size
    this.#sealed = sealed
    this.#closed = closed
  }

  append(bytes: Uint8Array): void {
    this.#file.append(bytes)
    this.size += bytes.length
  }

  read(into: Uint8Array, position: number): void {
    this.#file.read(into, this.#start + position)
  }

  seal(): void {
    if (this.#isSealed) return
    this.#isSealed = true
    this.#sealed()
  }

  close(): void {
    this.seal()
    this.#closed()
  }
}
