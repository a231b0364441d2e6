/**
 * The configuration of a command that a person types: as of any process, and what is wrong with
 * its keys is said on the terminal.
 */
import { type LoadedConfiguration, loadConfiguration } from './load-configuration.ts'
import { nodeTerminal } from './node-terminal.ts'

/** Throws CONFIG_FILE_INVALID, S3_OPTIONS_INVALID. */
export function clientConfiguration(
  properties: Readonly<Record<string, string>>,
): Omit<LoadedConfiguration, 'warnings'> {
  const { warnings, ...loaded } = loadConfiguration(properties)
  for (const warning of warnings) nodeTerminal.writeError(`Warning: ${warning}\n`)
  return loaded
}
