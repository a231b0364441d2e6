/**
 * Sizes: files and lines. Functions of more than 70 lines are found by the linter
 * (`noExcessiveLinesPerFunction`).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { packageSources } from './source-files.ts'

const FILE_LINES_HARD = 500
/** Lines that hold one long text are not code. */
const COLUMNS = 100

const COMMENT = /^\s*(\/\/|\/?\*)/
/** A text that could not be shorter by breaking the line: nearly all of it. */
const LONG_TEXT = /(['"`]).{60,}\1/

/** Numbers of the lines of code that are longer than `columns`. */
function longCodeLines(text: string, columns: number): number[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.length <= columns || COMMENT.test(line)) return []
    const held = LONG_TEXT.exec(line)?.[0].length ?? 0
    return line.length - held <= columns - 60 && held > 0 ? [] : [index + 1]
  })
}

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

  it(`keeps code within ${COLUMNS} columns`, () => {
    const long = sources.flatMap((file) =>
      longCodeLines(file.text, COLUMNS).map((line) => `${file.path}:${line}`),
    )
    assert.deepEqual(long, [], `${long.length} lines are longer; the formatter breaks code at 100.`)
  })

  it(`keeps comments within ${COLUMNS} columns`, () => {
    const long = sources.flatMap((file) =>
      file.text
        .split('\n')
        .flatMap((line, index) =>
          line.length > COLUMNS && COMMENT.test(line) ? [`${file.path}:${index + 1}`] : [],
        ),
    )
    assert.deepEqual(long, [])
  })

  it('counts a line as code unless it is a comment, or as long as its one text', () => {
    const text = [
      'const a = 1 // b'.padEnd(101, 'b'),
      `  // ${'c'.repeat(100)}`,
      `  'Set the option to ${'x'.repeat(90)}',`,
      `const short = f('x') + ${'y'.repeat(90)}`,
    ].join('\n')
    assert.deepEqual(longCodeLines(text, 100), [1, 4])
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
