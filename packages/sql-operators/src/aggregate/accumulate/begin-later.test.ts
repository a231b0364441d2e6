/** Which aggregates go on with stored words, and which begin with words of their own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogicalType } from '@millrace/core'
import type { AggregateCall } from '../../operator-config.ts'
import { planAccumulators } from './accumulator-plan.ts'
import { formerNames, wordFields } from './accumulator-schema.ts'
import { beginLater } from './begin-later.ts'

const type = (kind: string, nullable = true) => ({ kind, nullable }) as LogicalType

function call(
  name: AggregateCall['function'],
  origin: string,
  of: LogicalType = type('INT'),
): AggregateCall {
  const index = origin.charCodeAt(0) - 96
  const argument = origin === '*' ? null : ({ kind: 'column', index, type: of } as const)
  return { function: name, argument, distinct: false, filter: null, resultType: of, origin }
}
const names = (calls: readonly AggregateCall[]) =>
  wordFields(planAccumulators(calls)).map(({ name }) => name)
/** As `name since n`. */
function late(calls: readonly AggregateCall[], stored: readonly string[]): string[] {
  return beginLater(calls, new Set(stored)).calls.map(({ function: name, origin, since = 0 }) => {
    return `${name}(${origin}) ${since}`
  })
}

const ROWS = call('COUNT', '*')

test('words are named for what they hold, and shared as before', () => {
  assert.deepEqual(names([ROWS, call('AVG', 'x'), call('SUM', 'x'), call('MAX', 'x')]), [
    'COUNT(*)',
    'COUNT(x)',
    'SUM(x)',
    'MAX(x)',
  ])
  assert.deepEqual(names([call('SUM', 'x', type('FLOAT')), call('AVG', 'x', type('FLOAT'))]), [
    'COUNT(*)',
    'COUNT(x)',
    'SUM(x)',
    'SUM(x) in doubles',
  ])
  const { origin: _, ...unnamed } = call('SUM', 'x')
  assert.deepEqual(names([unnamed]), ['COUNT(*)', '$1_count_0', '$2_sum_0'])
})

test('a call whose words are stored goes on with them, whoever had them', () => {
  const stored = names([call('SUM', 'x'), call('MIN', 'y')])
  assert.deepEqual(late([call('AVG', 'x'), ROWS, call('COUNT', 'y')], stored), [
    'AVG(x) 0',
    'COUNT(*) 0',
    'COUNT(y) 0',
  ])
})

test('one that would share a count that has seen more counts for itself, and is found so again', () => {
  const before = [call('MAX', 'x'), call('SUM', 'y', type('INT', false))]
  const added = [
    ...before,
    call('AVG', 'x'),
    call('MIN', 'y', type('INT', false)),
    call('SUM', 'z'),
  ]
  const { calls, begun } = beginLater(added, new Set(names(before)))
  assert.deepEqual(late(added, names(before)), [
    'MAX(x) 0',
    'SUM(y) 0',
    'AVG(x) 1',
    'MIN(y) 1',
    'SUM(z) 0',
  ])
  assert.deepEqual(
    begun.map(({ origin }) => origin),
    ['x', 'y', 'z'],
  )
  assert.deepEqual(names(calls).slice(-6), [
    'COUNT(x) since 1',
    'SUM(x) since 1',
    'COUNT(y) since 1',
    'MIN(y) since 1',
    'COUNT(z)',
    'SUM(z)',
  ])
  // The next restore, of the same statement, and of one with yet another call.
  assert.deepEqual(beginLater(added, new Set(names(calls))), { calls, begun: [] })
  const more = late([...added, call('MIN', 'x')], names(calls))
  assert.equal(more.at(-1), 'MIN(x) 2')
})

test('an AVG of what was FLOAT goes on as one of DOUBLE', () => {
  const stored = names([call('AVG', 'x', type('FLOAT'))])
  assert.deepEqual(stored, ['COUNT(*)', 'COUNT(x)', 'SUM(x) in doubles'])
  const doubles = [call('AVG', 'x', type('DOUBLE'))]
  assert.deepEqual(late(doubles, stored), ['AVG(x) 0'])
  assert.deepEqual(formerNames(planAccumulators(doubles)), { 'SUM(x)': 'SUM(x) in doubles' })
})

test('an argument that was NULL now and then keeps its own count, and one that was not counts all rows', () => {
  const nullable = [call('AVG', 'x'), call('MAX', 'x')]
  const never = [call('AVG', 'x', type('INT', false)), call('MAX', 'x', type('INT', false))]
  assert.deepEqual(names(never), ['COUNT(*)', 'SUM(x)', 'MAX(x)'])
  const kept = beginLater(never, new Set(names(nullable)))
  assert.deepEqual([names(kept.calls), kept.begun], [names(nullable), []])
  const opened = beginLater(nullable, new Set(names(never)))
  assert.deepEqual([names(opened.calls), opened.begun], [names(nullable), []])
  assert.equal(formerNames(planAccumulators(opened.calls))['COUNT(x)'], 'COUNT(*)')
  // From then on its count is stored.
  assert.deepEqual(beginLater(nullable, new Set(names(nullable))).calls, nullable)
})
