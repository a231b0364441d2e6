/** The layers: imports are those of ARCHITECTURE.md's table, in both directions, through the front door, without cycles. */
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

  it('of values form no cycle between files', () => {
    const graph = new Map<string, string[]>()
    for (const file of sources) {
      const targets = file.imports
        .filter((found) => found.specifier.startsWith('.') && !found.typeOnly)
        .map((found) => posix.join(dirname(file.path), found.specifier))
      graph.set(file.path, targets)
    }
    const done = new Set<string>()
    const visit = (path: string, trail: readonly string[]): void => {
      const at = trail.indexOf(path)
      assert.equal(at, -1, `Import cycle: ${[...trail.slice(Math.max(at, 0)), path].join(' → ')}`)
      if (done.has(path)) return
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
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
