/** Where this process's files without a name go when no option of their own says. */
import type { Configuration } from '@millrace/core'
import type { TemporaryFiles } from '@millrace/platform'
import { TEMPORARY_DIRECTORIES } from './state-options.ts'

export function temporaryDirectory(configuration: Configuration, files: TemporaryFiles): string {
  return configuration.get(TEMPORARY_DIRECTORIES)?.split(/[,:]/)[0] ?? files.defaultDirectory
}
