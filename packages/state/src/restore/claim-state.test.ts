/** Who takes over which state after a change of the job. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operatorId } from '@millrace/core'
import { claimState as claimNames, type StateName } from './claim-state.ts'

const claimState = (stored: readonly string[], operators: readonly string[]) =>
  claimNames(
    stored.map((id) => ({ id })),
    operators.map((id) => ({ id })),
  )
const sums = (filter: string) => operatorId('sums', filter, 'a')
const counts = (filter: string) => operatorId('counts', filter, 'a')

test('an operator takes its own state, whatever was added beside it', () => {
  const stored = [sums('n > 1'), sums('n > 2')]
  const claims = claimState(stored, [sums('n > 3'), counts(''), ...stored.toReversed()])
  assert.deepEqual(new Map(claims), new Map(stored.map((id) => [id, id])))
})

test('one whose filter was edited is found again, also beside one that stayed', () => {
  const stored = [sums('n > 1'), sums('n > 2'), counts('')]
  const claims = claimState(stored, [sums('n > 1'), sums('n > 3')])
  assert.deepEqual(
    new Map(claims),
    new Map([
      [sums('n > 1'), sums('n > 1')],
      [sums('n > 2'), sums('n > 3')],
    ]),
  )
})

test('state is not given to one of two that might be meant, nor one of two states to an operator', () => {
  assert.equal(claimState([sums('n > 1')], [sums('n > 3'), sums('n > 4')]).size, 0)
  assert.equal(claimState([sums('n > 1'), sums('n > 2')], [sums('n > 3')]).size, 0)
})

test('one to which an aggregate was added is found again, and goes before one with another filter', () => {
  const groups = (filter: string, content: string) => operatorId('groups', filter, content)
  const stored = [groups('', 'COUNT'), groups('n > 1', 'COUNT')]
  const now = [groups('', 'COUNT, SUM'), groups('n > 2', 'COUNT')]
  const found = [...claimState(stored, now)]
  assert.deepEqual(
    new Map(found),
    new Map([
      [stored[0], now[0]],
      [stored[1], now[1]],
    ]),
  )
  const both = [groups('n > 3', 'MAX')]
  assert.deepEqual([...claimState([stored[1]!], both)], [[stored[1], both[0]]])
  assert.equal(claimState(stored, both).size, 0)
})

/** A source as both ways of naming have it. */
function source(table: string, ...reads: string[]): StateName {
  const id = operatorId(reads.join(), '', table)
  return { id, byTableName: { id: operatorId(`source ${table}`, '', ''), reads } }
}

test('a source is found under another table name, and two that read the same by theirs', () => {
  const [a, b, c] = [source('a', 'topic t'), source('b', 'topic t'), source('c', 'topic t')]
  assert.equal(claimNames([a], [c]).get(a.id), c.id)
  assert.deepEqual(
    [...claimNames([a, b], [b, c])].sort(),
    [
      [a.id, c.id],
      [b.id, b.id],
    ].sort(),
  )
  assert.equal(claimNames([a, b], [c, source('d', 'topic t')]).size, 0)
})

test('a table that reads one topic more goes on; one that reads another does not', () => {
  const before = source('a', 'topic t')
  const more = source('a', 'topic s', 'topic t')
  assert.equal(claimNames([before], [more]).get(before.id), more.id)
  assert.equal(claimNames([before], [source('a', 'topic s')]).size, 0)
})

test('what an earlier build stored is found by the name of the table', () => {
  const now = source('a', 'topic t')
  const before = { id: now.byTableName?.id as string }
  assert.equal(claimNames([before], [now]).get(before.id), now.id)
  assert.equal(claimNames([before], [source('b', 'topic t')]).size, 0)
})
