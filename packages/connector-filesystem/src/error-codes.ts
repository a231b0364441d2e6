/** Errors of the filesystem connector. */
import { defineErrors } from '@millrace/core'

export const { error: filesystemError, declarations: FILESYSTEM_CONNECTOR_ERRORS } = defineErrors({
  FILESYSTEM_PATH_MISSING: {
    domain: 'user',
    retry: 'never',
    description: 'The path of a filesystem table that is read does not exist.',
  },
  FILESYSTEM_FILE_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description: 'A file to read is of a kind that cannot be read, such as a compressed one.',
  },
  FILESYSTEM_FILE_VANISHED: {
    domain: 'external',
    retry: 'never',
    description: 'A file was removed or moved while a table over it was being read.',
  },
  FILESYSTEM_FILE_SHRUNK: {
    domain: 'external',
    retry: 'never',
    description: 'A file became shorter than the position up to which it had been read.',
  },
  FILESYSTEM_LINE_TOO_LONG: {
    domain: 'data',
    retry: 'never',
    description: 'A line of a file is longer than the table’s `source.line-length.max`.',
  },
  FILESYSTEM_READ_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A file or directory of a table cannot be read.',
  },
  FILESYSTEM_WRITE_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A part file cannot be written, synced or renamed.',
  },
})

/** The `code` of a Node file error, e.g. ENOENT. */
export function fileErrorCode(thrown: unknown): string {
  return (thrown as { code?: string } | null)?.code ?? 'unknown error'
}
