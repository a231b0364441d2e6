/** Errors and tables as terminals show them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineErrors, toErrorData } from '@millrace/core'
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
    { name: 'n', type: 'INT' },
    { name: 's', type: 'STRING' },
  ]
  const layout = layoutTable(headers, [['1', 'a']], 20, true)
  assert.equal(
    rowLine(layout, ['-2147483648', 'x'.repeat(30)]),
    `| -2147483648 | ${'x'.repeat(19)}… |`,
  )
  const settled = layoutTable(headers, [['1', 'a'.repeat(50)]], Number.POSITIVE_INFINITY)
  assert.equal(rowLine(settled, ['1', 'a'.repeat(50)]), `| 1 | ${'a'.repeat(50)} |`)
})
