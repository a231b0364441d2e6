/**
 * The configuration of a process: file, then environment, then `-D`, the later winning.
 *
 * File: `config.yaml` in `MILLRACE_CONF_DIR` (default `./conf` when it is there), lines of `key:
 * value`, flat or nested. Environment: `MILLRACE_PROPERTIES`, the same. A key that nobody declares
 * gets a warning that names the nearest known one. The secret key of S3 goes to the process's
 * platform alone: jobs, sessions and REST get a configuration without it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Configuration, configError, nearestName } from '@millrace/core'
import { type S3Settings, s3SettingsOf, withoutS3Secrets } from '@millrace/s3'
import { knownConfigKeys } from '../registry/known-config-keys.ts'

interface ConfigLine {
  readonly indent: number
  readonly key: string
  readonly value: string
}

/**
 * `key: value` lines, or sections as YAML nests them (`taskmanager:` and below it, indented,
 * `numberOfTaskSlots: 4`); `#` comments, blank lines and `---` are skipped. Throws
 * CONFIG_FILE_INVALID with the line.
 */
export function parseConfigLines(text: string, source: string): [string, string][] {
  const lines = text.split('\n').flatMap((raw, index) => configLine(raw, index + 1, source) ?? [])
  const entries: [string, string][] = []
  const sections: { readonly indent: number; readonly prefix: string }[] = []
  lines.forEach(({ indent, key, value }, index) => {
    while (sections.length > 0 && (sections.at(-1) as { indent: number }).indent >= indent)
      sections.pop()
    const name = `${sections.at(-1)?.prefix ?? ''}${key}`
    const opensSection = value === '' && (lines[index + 1]?.indent ?? 0) > indent
    if (opensSection) sections.push({ indent, prefix: `${name}.` })
    else entries.push([name, value.replace(/^(['"])(.*)\1$/, '$2')])
  })
  return entries
}

function configLine(raw: string, line: number, source: string): ConfigLine | null {
  const text = raw.replace(/(^|\s)#.*$/, '').trimEnd()
  if (text.trim() === '' || text === '---') return null
  const match = /^(\s*)([^\s:]+)\s*:\s*(.*)$/.exec(text)
  if (match === null) {
    throw configError('CONFIG_FILE_INVALID', `Write 'key: value'; the line is '${raw.trim()}'.`, {
      location: { file: source, line, column: 1 },
    })
  }
  const [, indent, key, value] = match as unknown as [string, string, string, string]
  return { indent: indent.length, key, value }
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
  /** Without secrets. */
  readonly configuration: Configuration
  readonly s3: S3Settings
  readonly warnings: readonly string[]
}

/**
 * Merges the layers; `properties` are those of `-D`. Throws CONFIG_FILE_INVALID,
 * S3_OPTIONS_INVALID.
 */
export function loadConfiguration(
  properties: Readonly<Record<string, string>>,
): LoadedConfiguration {
  const merged = new Configuration(fileEntries())
    .withOverrides(parseConfigLines(process.env.MILLRACE_PROPERTIES ?? '', 'MILLRACE_PROPERTIES'))
    .withOverrides(properties)
  const configuration = new Configuration(withoutS3Secrets(merged.toObject()))
  return {
    configuration,
    s3: s3SettingsOf(merged),
    warnings: unknownKeyWarnings(configuration.keys()),
  }
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
