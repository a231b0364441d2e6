/**
 * What a process of the cluster makes sure of before it serves: that every value it was
 * given can be read.
 *
 * Else a wrong one shows much later, in the first job that reads it.
 */
import type { Configuration } from '@millrace/core'
import { knownConfigOptions } from '../registry/known-config-keys.ts'

/** Throws CONFIG_VALUE_INVALID for the first declared option whose text does not fit. */
export function checkConfiguration(configuration: Configuration): void {
  for (const option of knownConfigOptions()) configuration.get(option)
}
