/** Options of a `'connector' = 'filesystem'` table. */
import { FORMAT_OPTION } from '@millrace/connector'
import { option } from '@millrace/core'

export const PATH = option.string({
  key: 'path',
  defaultValue: undefined as string | undefined,
  description:
    'Absolute path, or file: URI, of a file or directory. Hidden files (`.…`, `_…`) are not read. A sink writes into it as a directory.',
})
export const MONITOR_INTERVAL = option.duration({
  key: 'source.monitor-interval',
  defaultValue: undefined as number | undefined,
  description:
    'How often to look for new files and for growth of known ones. Not set: the files found at the start are read to their end, once. ' +
    'A file that is read to its end may grow, and holds the watermark until it is idle (`table.exec.source.idle-timeout`, `scan.watermark.idle-timeout`; by default for good).',
})
export const LINE_LENGTH_MAX = option.memory({
  key: 'source.line-length.max',
  defaultValue: 32 * 1024 * 1024,
  description:
    'Bytes of the longest line that is read; a longer one fails the job, for a line is held in memory as a whole.',
})
export const ROLLING_FILE_SIZE = option.memory({
  key: 'sink.rolling-policy.file-size',
  defaultValue: 128 * 1024 * 1024,
  description: 'A part file that has reached this size is closed and another begun.',
})
export const ROLLING_INTERVAL = option.duration({
  key: 'sink.rolling-policy.rollover-interval',
  defaultValue: 30 * 60_000,
  description: 'Accepted; part files are rolled at every checkpoint, which is at least as often.',
})
export const ROLLING_CHECK_INTERVAL = option.duration({
  key: 'sink.rolling-policy.check-interval',
  defaultValue: 60_000,
  description: 'Accepted; sizes are checked with every batch.',
})

export const FILESYSTEM_TABLE_OPTIONS = [
  PATH,
  FORMAT_OPTION,
  MONITOR_INTERVAL,
  LINE_LENGTH_MAX,
  ROLLING_FILE_SIZE,
  ROLLING_INTERVAL,
  ROLLING_CHECK_INTERVAL,
] as const
