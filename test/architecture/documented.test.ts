/** What is documented is what is declared, in both directions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { declarations } from './declarations.ts'
import { referencePages } from './reference-pages.ts'
import { packageSources, ROOT } from './source-files.ts'

describe('the reference pages', () => {
  it('say exactly what the code declares (npm run docs writes them)', async () => {
    for (const [path, text] of await referencePages()) {
      assert.equal(
        readFileSync(join(ROOT, path), 'utf8'),
        text,
        `${path} is out of date: npm run docs`,
      )
    }
  })

  it('name each error code once', async () => {
    const codes = (await declarations()).errors.map((error) => error.code)
    assert.deepEqual(
      codes.filter((code, index) => codes.indexOf(code) !== index),
      [],
    )
  })

  it('describe one key alike wherever it is declared', async () => {
    const seen = new Map<string, string>()
    for (const option of (await declarations()).options) {
      const shape = JSON.stringify([option.type, option.defaultValue, option.aliases])
      const before = seen.get(option.key)
      if (option.packageName.startsWith('connector')) continue
      assert.ok(
        before === undefined || before === shape,
        `'${option.key}' is declared twice, differently: ${before} and ${shape}`,
      )
      seen.set(option.key, shape)
    }
  })

  it('cover codes that are really raised', async () => {
    const everything = packageSources()
      .filter((f) => !f.isTest)
      .map((f) => f.text)
      .join('\n')
    for (const { code } of (await declarations()).errors) {
      const uses = everything.split(new RegExp(`\\b${code}\\b`)).length - 1
      assert.ok(uses >= 2, `${code} is declared and never raised.`)
    }
  })
})
