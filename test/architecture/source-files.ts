/** The project's own TypeScript files, read once, for the structure tests. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

export interface SourceFile {
  /** From the root, with `/`. */
  readonly path: string
  readonly packageName: string
  readonly text: string
  readonly isTest: boolean
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[]
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)(\s+type)?\b[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(text: string): SourceFile['imports'] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\//g, '')
  return [...withoutComments.matchAll(IMPORT)].map((match) => ({
    specifier: (match[2] ?? match[3] ?? match[4]) as string,
    typeOnly: match[1] !== undefined,
  }))
}

/** Every .ts file under packages/<name>/src. */
export function packageSources(): SourceFile[] {
  return globSync('packages/*/src/**/*.ts', { cwd: ROOT }).map((found) => {
    const path = relative(ROOT, join(ROOT, found)).split(sep).join('/')
    const text = readFileSync(join(ROOT, path), 'utf8')
    return {
      path,
      packageName: path.split('/')[1] as string,
      text,
      isTest: /\.(test|fuzz|bench)\.ts$/.test(path) || path.includes('/testing/'),
      imports: importsOf(text),
    }
  })
}

export interface ImportRow {
  readonly packageName: string
  readonly mayImport: ReadonlySet<string>
}

/** The rows of ARCHITECTURE.md's table "Packages and who may import whom". */
export function importTable(): ImportRow[] {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const section = text.split(/^## Packages and who may import whom$/m)[1]?.split(/^## /m)[0] ?? ''
  const rows: ImportRow[] = []
  for (const line of section.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim())
    const name = /^`([a-z0-9-]+)`$/.exec(cells[2] ?? '')?.[1]
    if (name === undefined) continue
    const mayImport = new Set((cells[4] ?? '').split(/\s+/).filter((word) => /^[a-z]/.test(word)))
    rows.push({ packageName: name, mayImport })
  }
  return rows
}
