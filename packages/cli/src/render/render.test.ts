/** Errors and tables as terminals show them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineErrors, toErrorData } from '@millrace/core'
import { ProgressLine } from './progress-line.ts'
import { renderError } from './render-error.ts'
import { layoutTable, rowLine } from './table.ts'

const { error } = defineErrors({
  DEMO_BAD: { domain: 'user', retry: 'never', description: 'For this test.' },
})

test('an error shows the line with carets under the whole word, the place and the hint', () => {
  const location = { line: 2, column: 3, endLine: 2, endColumn: 5 }
  const thrown = error('DEMO_BAD', 'Unknown column.', { location, hint: 'Columns: a.' })
  assert.equal(
    renderError(toErrorData(thrown), 'SELECT\n  abc FROM t'),
    [
      '[DEMO_BAD] Unknown column.',
      '  2 |   abc FROM t',
      '        ^^^',
      '  at line 2, column 3',
      '  hint: Columns: a.',
    ].join('\n'),
  )
})

test('of a very long line what surrounds the place is shown', () => {
  // Cause: a statement of one line in a file filled screens, and the carets were nowhere near.
  const sql = `SELECT ${'a, '.repeat(5000)}bad, ${'c, '.repeat(5000)}d`
  const column = sql.indexOf('bad') + 1
  const thrown = error('DEMO_BAD', 'Unknown column.', {
    location: { line: 1, column, endLine: 1, endColumn: column + 2 },
  })
  const [, shown = '', carets = ''] = renderError(toErrorData(thrown), sql).split('\n')
  assert.ok(shown.length < 180)
  assert.match(shown, /^ {2}1 \| ….*, a, bad, c, .*…$/)
  assert.equal(shown.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1), 'bad')
  const atEnd = error('DEMO_BAD', 'Unfinished.', { location: { line: 1, column: sql.length } })
  const [, last = '', caret = ''] = renderError(toErrorData(atEnd), sql).split('\n')
  assert.equal(last[caret.indexOf('^')], 'd')
})

test('causes follow with their place and never with a stack; what the runtime threw has no code', () => {
  const cause = error('DEMO_BAD', 'Inner.', {
    location: { file: '/f', offset: '7' },
    hint: 'Mend it.',
    cause: new Error('connect ECONNREFUSED'),
  })
  assert.equal(
    renderError(toErrorData(error('DEMO_BAD', 'Outer.', { cause }))),
    [
      '[DEMO_BAD] Outer.',
      '  caused by [DEMO_BAD] Inner. (file /f, byte 7)',
      '  caused by connect ECONNREFUSED',
      '  hint: Mend it.',
    ].join('\n'),
  )
})

test('a streaming table leaves room for any number, and cuts long texts only', () => {
  const headers = [
    { name: 'n', type: 'INTEGER' },
    { name: 's', type: 'VARCHAR' },
  ]
  const layout = layoutTable(headers, [['1', 'a']], 20, true)
  assert.equal(
    rowLine(layout, ['-2147483648', 'x'.repeat(30)]),
    `| -2147483648 | ${'x'.repeat(19)}… |`,
  )
  const settled = layoutTable(headers, [['1', 'a'.repeat(50)]], Number.POSITIVE_INFINITY)
  assert.equal(rowLine(settled, ['1', 'a'.repeat(50)]), `| 1 | ${'a'.repeat(50)} |`)
})

test('in a pipe a wait is a line when its reason changes, not at every step of a countdown', () => {
  // Cause: the seconds until a restart were five lines a second.
  let nowMs = 0
  let text = ''
  const writeError = (more: string) => {
    text += more
  }
  const terminal = { write() {}, writeError, interactive: false, columns: 80, rows: 24 }
  const line = new ProgressLine(terminal, { monotonicMs: () => nowMs } as never)
  for (; nowMs <= 15_000; nowMs += 200) line.update(`restarts in ${20 - nowMs / 1000} s`)
  line.update('needs 3 slots')
  assert.equal(text, 'restarts in 18 s\nrestarts in 8 s\nneeds 3 slots\n')
})
