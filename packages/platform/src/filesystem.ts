/**
 * Files, as a port: checkpoint storage, the filesystem connector and configuration go through it.
 *
 * Durability: `writeFileAtomic` and `rename` + `syncDirectory` survive a crash at any byte;
 * `append` data is durable only after `sync`. Paths are absolute. Errors are Node's (`code`:
 * ENOENT, EACCES, EROFS, ENOSPC, EEXIST …); callers turn them into named ones. Some serve URIs as
 * paths too (`s3://bucket/file`): then errors may be named already, and files are written once.
 */
export interface FileStatus {
  readonly path: string
  readonly size: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
  /** Distinguishes a replaced file of the same name. */
  readonly inode: string
}

export interface OpenFile {
  /**
   * Reads up to `into.length` bytes at `position`; resolves with the number read (0 at the end).
   */
  read(into: Uint8Array, position: number): Promise<number>
  append(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface Filesystem {
  /** Of URIs that are served as paths; absent: none. */
  readonly schemes?: readonly string[]
  readFile(path: string): Promise<Uint8Array>
  /** Writes a temporary sibling, syncs it, renames it over `path` and syncs the directory. */
  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void>
  /**
   * `read`, `append` (created when missing, positioned at the end) or `create` (must not exist).
   */
  open(path: string, mode: 'read' | 'append' | 'create'): Promise<OpenFile>
  /** Atomic within one filesystem; replaces the target. */
  rename(from: string, to: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  list(directory: string): Promise<FileStatus[]>
  status(path: string): Promise<FileStatus | null>
  makeDirectory(path: string): Promise<void>
  /** Removes a file or a whole directory; missing is fine. */
  remove(path: string): Promise<void>
}
