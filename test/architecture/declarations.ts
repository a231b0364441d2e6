/**
 * All config options and error codes that the packages declare, found by loading the files
 * that declare them.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ConfigOption, ErrorDeclaration } from '@millrace/core'
import { packageSources, ROOT } from './source-files.ts'

export interface DeclaredError extends ErrorDeclaration {
  readonly code: string
  readonly packageName: string
}
export interface DeclaredOption extends ConfigOption<unknown> {
  readonly packageName: string
}

function isOption(value: unknown): value is ConfigOption<unknown> {
  const seen = value as Partial<ConfigOption<unknown>> | null
  return (
    typeof seen?.key === 'string' &&
    Array.isArray(seen.aliases) &&
    typeof seen.description === 'string'
  )
}

function isErrorTable(value: unknown): value is Record<string, ErrorDeclaration> {
  if (typeof value !== 'object' || value === null) return false
  const entries = Object.values(value) as Partial<ErrorDeclaration>[]
  return (
    entries.length > 0 &&
    entries.every(
      (e) =>
        typeof e?.domain === 'string' &&
        typeof e.retry === 'string' &&
        typeof e.description === 'string',
    )
  )
}

/** Loads every file that declares, and gathers what it exports. */
export async function declarations(): Promise<{
  errors: DeclaredError[]
  options: DeclaredOption[]
}> {
  const errors: DeclaredError[] = []
  const options = new Map<string, DeclaredOption>()
  for (const file of packageSources()) {
    if (file.isTest) continue
    const declaresErrors = /=\s*defineErrors\(/.test(file.text)
    const declaresOptions =
      /\boption\.(string|boolean|int|long|double|duration|memory|enum)\(/.test(file.text)
    if (!declaresErrors && !declaresOptions) continue
    const module: Record<string, unknown> = await import(pathToFileURL(join(ROOT, file.path)).href)
    for (const exported of Object.values(module)) {
      if (declaresErrors && isErrorTable(exported)) {
        for (const [code, declaration] of Object.entries(exported))
          errors.push({ code, packageName: file.packageName, ...declaration })
      }
      if (!declaresOptions) continue
      const candidates = isOption(exported)
        ? [exported]
        : typeof exported === 'object' && exported !== null
          ? Object.values(exported)
          : []
      for (const candidate of candidates) {
        if (isOption(candidate))
          options.set(`${file.packageName} ${candidate.key}`, {
            ...candidate,
            packageName: file.packageName,
          })
      }
    }
  }
  return { errors, options: [...options.values()] }
}
