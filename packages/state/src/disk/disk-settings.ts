/** What disk tables are made with. */
import type { TableOptions } from '@millrace/core'
import type { TemporaryFiles } from '@millrace/platform'
import type { ResidentSettings } from '../table/resident-table.ts'
import type { MemoryShare } from './state-memory.ts'

export interface DiskSettings extends TableOptions {
  readonly maxParallelism: number
  readonly nowMs: () => number
  readonly openedMs: number
  readonly files: TemporaryFiles
  readonly directory: string
  readonly share: MemoryShare
  /** Calls `step` again and again between other work, until it gives false. */
  readonly background: (step: () => boolean) => void
  readonly tracksChanges?: boolean
}

/** Of the table that is the cache. */
export function cacheSettings({ maxParallelism, nowMs, defaults }: DiskSettings): ResidentSettings {
  return { maxParallelism, nowMs, ...(defaults === undefined ? {} : { defaults }) }
}
