/**
 * Files without a name, as a port: what a process keeps on its local disk for itself alone.
 *
 * Under the disk backend of keyed state. A file is gone when it is closed, and when its process
 * ends, however it ends: nothing is left to clean up, and nothing torn is ever read. Calls are made
 * at once: a read is of the machine's own disk, mostly from the page cache, where going through
 * the event loop costs ten times as much as the read. Errors are Node's (`code`: ENOSPC, EIO …).
 */
export interface TemporaryFile {
  readonly size: number
  append(bytes: Uint8Array): void
  /** Fills `into` from `position`; an Error when the file ends before. */
  read(into: Uint8Array, position: number): void
  close(): void
}

export interface TemporaryFiles {
  /** A new, empty file on the disk of `directory`, which is made when it is missing. */
  create(directory: string): TemporaryFile
  /** Where such files go when nobody says. */
  readonly defaultDirectory: string
}
