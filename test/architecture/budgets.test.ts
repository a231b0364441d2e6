/** Sizes: files and lines. Functions of more than 70 lines are found by the linter (`noExcessiveLinesPerFunction`). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { packageSources } from './source-files.ts'

const FILE_LINES_HARD = 500
const LINE_COLUMNS = 140

describe('budgets', () => {
  const sources = packageSources()

  it(`keeps files within ${FILE_LINES_HARD} lines`, () => {
    const large = sources
      .map((file) => [file.path, file.text.split('\n').length - 1] as const)
      .filter(([, lines]) => lines > FILE_LINES_HARD)
    assert.deepEqual(
      large,
      [],
      'Cut along the ideas inside: a thin class that holds state, siblings that decide.',
    )
  })

  it(`keeps lines within ${LINE_COLUMNS} columns`, () => {
    const long: string[] = []
    for (const file of sources) {
      file.text.split('\n').forEach((line, index) => {
        const isMessage = /(['"`]).{80,}\1/.test(line)
        if (line.length > LINE_COLUMNS && !isMessage)
          long.push(`${file.path}:${index + 1} (${line.length})`)
      })
    }
    assert.deepEqual(long, [])
  })

  it('names files for what they hold, never utils, helpers, impl or abstract', () => {
    const vague = /(^|[-/.])(utils?|helpers?|impl|abstract|common|misc)([-/.]|$)/i
    assert.deepEqual(
      sources
        .map((file) => file.path)
        .filter((path) => vague.test(path.replace(/^packages\//, ''))),
      [],
    )
  })

  it('opens every file with a comment that says what it is', () => {
    const silent = sources.filter(
      (file) =>
        !/^(#!.*\n)?\s*(\/\*\*|\/\/|\/\*)/.test(file.text) &&
        !/(^|\/)index\.ts$/.test(file.path) &&
        file.text.split('\n').length > 15,
    )
    assert.deepEqual(
      silent.map((file) => file.path),
      [],
    )
  })
})
