/**
 * docs/configuration.md and docs/errors.md, generated from the declarations.
 *
 * `npm run docs` writes them; the test beside this file fails when they differ from what the
 * code declares.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DeclaredOption, declarations } from './declarations.ts'
import { ROOT } from './source-files.ts'

function defaultText(option: DeclaredOption): string {
  const value = option.defaultValue
  if (value === undefined) return '–'
  if (option.type === 'duration') return durationText(value as number)
  if (option.type === 'memory') return memoryText(value as number)
  return value === '' ? '(empty)' : `\`${String(value)}\``
}

function durationText(ms: number): string {
  if (ms === 0) return '`0 ms`'
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms % size === 0) return `\`${ms / size} ${unit}\``
  }
  return `\`${ms} ms\``
}

function memoryText(bytes: number): string {
  for (const [unit, size] of [
    ['gb', 2 ** 30],
    ['mb', 2 ** 20],
    ['kb', 2 ** 10],
  ] as const) {
    if (bytes !== 0 && bytes % size === 0) return `\`${bytes / size} ${unit}\``
  }
  return `\`${bytes} bytes\``
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** Page texts by path from the root. */
export async function referencePages(): Promise<Map<string, string>> {
  const { errors, options } = await declarations()
  const byPackage = new Map<string, DeclaredOption[]>()
  for (const option of options)
    byPackage.set(option.packageName, [...(byPackage.get(option.packageName) ?? []), option])
  let configuration =
    '# Configuration\n\nGenerated from the declarations by `npm run docs`. Keys come from `conf/config.yaml`-style files (`key: value`), the\nenvironment, `-D key=value`, `SET` and `WITH`, the later winning.\n'
  for (const [name, list] of [...byPackage].sort(([a], [b]) => a.localeCompare(b))) {
    configuration += `\n## ${name}\n\n| key | default | type | meaning |\n|---|---|---|---|\n`
    for (const option of list.sort((a, b) => a.key.localeCompare(b.key))) {
      const aliases =
        option.aliases.length === 0
          ? ''
          : ` (also ${option.aliases.map((a) => `\`${a}\``).join(', ')})`
      const values =
        option.values === undefined ? option.type : option.values.map((v) => `\`${v}\``).join(', ')
      configuration += `| \`${option.key}\`${aliases} | ${defaultText(option)} | ${values} | ${cell(option.description)} |\n`
    }
  }
  let errorPage =
    '# Error codes\n\nGenerated from the declarations by `npm run docs`. Domain: who can mend it. Retry: `backoff` leaves it to the restart\nstrategy, `never` fails the job at once.\n\n| code | domain | retry | when | package |\n|---|---|---|---|---|\n'
  for (const error of errors.sort((a, b) => a.code.localeCompare(b.code))) {
    errorPage += `| \`${error.code}\` | ${error.domain} | ${error.retry} | ${cell(error.description)} | ${error.packageName} |\n`
  }
  return new Map([
    ['docs/configuration.md', configuration],
    ['docs/errors.md', errorPage],
  ])
}

if (import.meta.main) {
  for (const [path, text] of await referencePages()) writeFileSync(join(ROOT, path), text)
}
