/**
 * What a filesystem table's options come to: planned once, carried in the JobGraph as plain data,
 * read by enumerator, readers and writers.
 */

export interface FileSourceConfig {
  readonly path: string
  readonly format: string
  readonly options: Readonly<Record<string, string>>
  /** Null: bounded. */
  readonly monitorIntervalMs: number | null
  readonly lineBytesMax: number
}

export interface FileSinkConfig {
  readonly path: string
  readonly format: string
  readonly options: Readonly<Record<string, string>>
  readonly fileSizeMax: number
}
