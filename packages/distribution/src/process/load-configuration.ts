/**
 * The configuration of a process: file, then environment, then `-D`, the later winning.
 *
 * File: `config.yaml` in `MILLRACE_CONF_DIR` (default `./conf` when it is there), lines of `key: value`.
 * Environment: `MILLRACE_PROPERTIES`, the same
 * lines. A key that nobody declares gets a warning that names the nearest known one.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Configuration, configError, nearestName } from '@millrace/core'
import { knownConfigKeys } from './known-config-keys.ts'

/** `key: value` lines; `#` comments and blank lines are skipped. Throws CONFIG_FILE_INVALID with the line. */
export function parseConfigLines(text: string, source: string): [string, string][] {
  const entries: [string, string][] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/(^|\s)#.*$/, '').trim()
    if (line === '') return
    const match = /^([^\s:]+)\s*:\s*(.*)$/.exec(line)
    if (match === null) {
      throw configError('CONFIG_FILE_INVALID', `Write 'key: value'; the line is '${raw.trim()}'.`, {
        location: { file: source, line: index + 1, column: 1 },
      })
    }
    entries.push([match[1] as string, (match[2] as string).replace(/^(['"])(.*)\1$/, '$2')])
  })
  return entries
}

function fileEntries(): [string, string][] {
  const named = process.env.MILLRACE_CONF_DIR
  const path = join(resolve(named ?? 'conf'), 'config.yaml')
  if (!existsSync(path)) {
    if (named === undefined) return []
    throw configError(
      'CONFIG_FILE_INVALID',
      `Put a config.yaml into MILLRACE_CONF_DIR; there is none at ${path}.`,
      {
        location: { file: path },
      },
    )
  }
  return parseConfigLines(readFileSync(path, 'utf8'), path)
}

export interface LoadedConfiguration {
  readonly configuration: Configuration
  readonly warnings: readonly string[]
}

/** Merges the layers; `properties` are those of `-D`. */
export function loadConfiguration(
  properties: Readonly<Record<string, string>>,
): LoadedConfiguration {
  const configuration = new Configuration(fileEntries())
    .withOverrides(parseConfigLines(process.env.MILLRACE_PROPERTIES ?? '', 'MILLRACE_PROPERTIES'))
    .withOverrides(properties)
  return { configuration, warnings: unknownKeyWarnings(configuration.keys()) }
}

/** A warning a key that no option declares. */
export function unknownKeyWarnings(keys: Iterable<string>): string[] {
  const known = knownConfigKeys()
  const warnings: string[] = []
  for (const key of keys) {
    if (known.has(key)) continue
    const nearest = nearestName(key, known)
    warnings.push(
      `Unknown configuration key '${key}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
    )
  }
  return warnings
}
