/**
 * The layers: imports are those of ARCHITECTURE.md's table, in both directions, through the front
 * door, without circles; folders too.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { describe, it } from 'node:test'
import { importTable, packageSources, ROOT } from './source-files.ts'

const sources = packageSources()
const rows = importTable()

function packageImports(packageName: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const file of sources) {
    if (file.packageName !== packageName || file.isTest) continue
    for (const { specifier } of file.imports) {
      const target = /^@millrace\/([a-z0-9-]+)/.exec(specifier)?.[1]
      if (target !== undefined && target !== packageName) found.set(target, file.path)
    }
  }
  return found
}

/** Circles of folders that are left to end, as the test prints them. */
const FOLDERS_IN_CIRCLES: readonly string[] = []

/**
 * Folder below `src` → those that its files import; tests and files of the package's
 * root stand apart.
 */
function folderImports(packageName: string): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  const folderOf = (path: string) => /^packages\/[^/]+\/src\/([^/]+)\//.exec(path)?.[1]
  for (const file of sources) {
    const from = folderOf(file.path)
    if (file.packageName !== packageName || file.isTest || from === undefined) continue
    const targets = graph.get(from) ?? []
    for (const { specifier } of file.imports) {
      if (!specifier.startsWith('.')) continue
      const to = folderOf(posix.join(dirname(file.path), specifier))
      if (to !== undefined && to !== from) targets.push(to)
    }
    graph.set(from, targets)
  }
  return new Map([...graph].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The first circle that a walk from each node in turn meets, its first node repeated at the
 * end; null without.
 */
function circleOf(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>()
  const visit = (node: string, trail: readonly string[]): readonly string[] | null => {
    const at = trail.indexOf(node)
    if (at >= 0) return [...trail.slice(at), node]
    if (done.has(node)) return null
    for (const target of graph.get(node) ?? []) {
      const circle = visit(target, [...trail, node])
      if (circle !== null) return circle
    }
    done.add(node)
    return null
  }
  for (const node of graph.keys()) {
    const circle = visit(node, [])
    if (circle !== null) return circle
  }
  return null
}

describe('the import table of ARCHITECTURE.md', () => {
  it('has a row for every package and no other', () => {
    const packages = readdirSync(join(ROOT, 'packages')).sort()
    assert.deepEqual(rows.map((row) => row.packageName).sort(), packages)
  })

  for (const row of rows) {
    it(`holds for ${row.packageName}: nothing else is imported, and all that is listed is`, () => {
      const actual = packageImports(row.packageName)
      for (const [target, path] of actual) {
        assert.ok(
          row.mayImport.has(target),
          `${path} imports @millrace/${target}, which ARCHITECTURE.md does not allow '${row.packageName}'. ` +
            'Move the code to the package that may, or inject what it needs.',
        )
      }
      for (const target of row.mayImport) {
        assert.ok(
          actual.has(target),
          `'${row.packageName}' no longer imports '${target}': take it out of the row.`,
        )
      }
    })

    it(`agrees with package.json for ${row.packageName}`, () => {
      const text = readFileSync(join(ROOT, 'packages', row.packageName, 'package.json'), 'utf8')
      const declared = Object.keys(JSON.parse(text).dependencies ?? {})
        .filter((name) => name.startsWith('@millrace/'))
        .map((name) => name.slice('@millrace/'.length))
      assert.deepEqual(declared.sort(), [...row.mayImport].sort())
    })
  }
})

describe('imports', () => {
  it('go through a package’s door: no path into another package', () => {
    for (const file of sources) {
      for (const { specifier } of file.imports) {
        if (!specifier.startsWith('.')) {
          assert.ok(
            !/^@millrace\/[a-z0-9-]+\/src\//.test(specifier),
            `${file.path} reaches into ${specifier}: import the package by name.`,
          )
          continue
        }
        const target = posix.join(dirname(file.path), specifier)
        assert.ok(
          target.startsWith(`packages/${file.packageName}/`) || file.isTest,
          `${file.path} leaves its package by ${specifier}.`,
        )
      }
    }
  })

  it('form no circle between files, types included', () => {
    const graph = new Map<string, string[]>()
    for (const file of sources) {
      const targets = file.imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => posix.join(dirname(file.path), specifier))
      graph.set(file.path, targets)
    }
    const circle = circleOf(graph)
    assert.equal(
      circle,
      null,
      `Import circle: ${circle?.join(' → ')}. Give what both need (often a type) a file of its own.`,
    )
  })

  it('between the folders of a package go one way', () => {
    const circles: string[] = []
    for (const { packageName } of rows) {
      const circle = circleOf(folderImports(packageName))
      if (circle !== null) circles.push(`${packageName}: ${circle.join(' → ')}`)
    }
    assert.deepEqual(
      circles,
      FOLDERS_IN_CIRCLES,
      'Folders stand in the order in which data passes them: move the file that looks back, or what both need. ' +
        'The list of circles that are left may only shrink.',
    )
  })

  it('are declared: every external package is a dependency in its package.json', () => {
    for (const file of sources) {
      if (file.isTest) continue
      const text = readFileSync(join(ROOT, 'packages', file.packageName, 'package.json'), 'utf8')
      const declared = new Set(Object.keys(JSON.parse(text).dependencies ?? {}))
      for (const { specifier } of file.imports) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
        if (name === `@millrace/${file.packageName}`) continue
        assert.ok(
          declared.has(name),
          `${file.path} imports ${name}, which its package.json does not list.`,
        )
      }
    }
  })
})
