/**
 * Rows shown before their checkpoint: a restart shows none twice and takes back what does
 * not come again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResultRow, ResultRowKind } from '@millrace/rest-api'
import { ShownRows } from './shown-rows.ts'

const KINDS: Record<string, ResultRowKind> = {
  '+': 'INSERT',
  '-': 'DELETE',
  '<': 'UPDATE_BEFORE',
  '>': 'UPDATE_AFTER',
}
/** `+a >b` → an INSERT of a and an UPDATE_AFTER of b. */
const rows = (text: string): ResultRow[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({ kind: KINDS[word[0] as string] as ResultRowKind, fields: [word.slice(1)] }))
const text = (shown: readonly ResultRow[]) =>
  shown
    .map(({ kind, fields }) => {
      const [sign] = Object.entries(KINDS).find(([, each]) => each === kind) as [string, string]
      return `${sign}${fields[0]}`
    })
    .join(' ')

test('rows are shown at once, and those made again after a restart are not, in whichever order', () => {
  const shown = new ShownRows(100)
  assert.equal(text(shown.take(0, rows('+a +b'), 0)), '+a +b')
  assert.equal(text(shown.take(2, rows('+c +d +c'), 1)), '+c +d +c')
  shown.restart(2)
  assert.equal(text(shown.take(2, rows('+d +c +e'), 2)), '+e')
  assert.equal(text(shown.take(5, rows('+c +c'), 2)), '+c')
})

test('what does not come again is taken back once a checkpoint covers as many rows', () => {
  const shown = new ShownRows(100)
  shown.take(0, rows('+a +b +c'), 1)
  shown.restart(1)
  assert.equal(text(shown.take(1, rows('+c +x'), 1)), '+x')
  assert.equal(
    text(shown.take(3, [], 2)),
    '',
    'a checkpoint that covers fewer rows settles nothing',
  )
  assert.equal(text(shown.take(3, rows('+y'), 3)), '+y -b')
  assert.equal(text(shown.take(4, [], 4)), '')
})

test('updates that a restart makes in other steps end at the same rows', () => {
  const shown = new ShownRows(100)
  shown.take(0, rows('+k3'), 1)
  shown.take(1, rows('<k3 >k5 <k5 >k7'), 1)
  shown.restart(1)
  assert.equal(text(shown.take(1, rows('<k3 >k6'), 1)), '>k6')
  assert.equal(text(shown.take(3, rows('<k6 >k7'), 1)), '<k6')
  assert.equal(text(shown.take(5, [], 5)), '')
})

test('nothing is taken back while rows that are final already have not been read', () => {
  // Cause: a client that reads slowly learns of checkpoints beyond the page that it has.
  const shown = new ShownRows(100)
  shown.take(0, rows('+a +b +c'), 0)
  shown.restart(0)
  assert.equal(text(shown.take(0, rows('+c'), 3)), '')
  assert.equal(text(shown.take(1, rows('+b'), 3)), '')
  assert.equal(text(shown.take(2, rows('+x +a'), 4)), '+x')
})

test('a second restart before things are settled compares with both runs', () => {
  const shown = new ShownRows(100)
  shown.take(0, rows('+a +b'), 0)
  shown.restart(0)
  assert.equal(text(shown.take(0, rows('+b +c'), 0)), '+c')
  shown.restart(0)
  assert.equal(text(shown.take(0, rows('+c +d'), 0)), '+d')
  assert.equal(text(shown.settle()), '-a -b')
})

test('without a checkpoint a query that starts anew shows only what is new', () => {
  const shown = new ShownRows(100)
  shown.take(0, rows('+a +b'), 0)
  shown.restart(0)
  assert.equal(text(shown.take(0, rows('+a +b +c'), 0)), '+c')
})

test('more rows between two checkpoints than are remembered: a restart is then an error, and only then', () => {
  const shown = new ShownRows(4)
  shown.take(0, rows('+a +b +c +d +e +f'), 0)
  assert.throws(() => shown.restart(0), { code: 'COLLECT_ROWS_REPEATED' })
  const covered = new ShownRows(4)
  covered.take(0, rows('+a +b +c +d +e +f'), 0)
  covered.take(6, rows('+g'), 6)
  covered.restart(6)
  assert.equal(text(covered.take(6, rows('+g +h'), 6)), '+h')
})
