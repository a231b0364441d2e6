/** The oracle at the edge: sums that wrap, and -0, as Java and the reference engine have them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { call, column, evaluate, literal } from '../model/expression.ts'
import type { Aggregate, AggregateName } from '../model/query.ts'
import { BIGINT, DOUBLE, printedText, type SqlValue } from '../model/sql-type.ts'
import { aggregateOf } from './aggregates.ts'
import { queryRows } from './query-rows.ts'

function aggregate(name: AggregateName, kind: 'BIGINT' | 'DOUBLE', distinct = false): Aggregate {
  return { name: 'a', function: name, distinct, argument: column('x', { kind }), filter: null }
}
const rows = (...values: SqlValue[]) => values.map((x) => ({ x }))

describe('the oracle', () => {
  it('wraps sums of BIGINT, and the sum that an average divides', () => {
    const large = rows(2n ** 62n, 2n ** 62n, 2n ** 62n)
    assert.equal(aggregateOf(aggregate('SUM', 'BIGINT'), large), -(2n ** 62n))
    assert.equal(aggregateOf(aggregate('AVG', 'BIGINT'), large), -(2n ** 62n) / 3n)
    const least = literal(-(2n ** 63n), BIGINT)
    assert.equal(evaluate(call('ABS BIGINT', least), {}), -(2n ** 63n))
    assert.equal(evaluate(call('negate BIGINT', least), {}), -(2n ** 63n))
  })

  it('tells -0 from 0 as text, key, distinct value and extreme, in any order', () => {
    const zero = column('x', DOUBLE)
    assert.equal(evaluate(call('CAST DOUBLE AS STRING', zero), { x: -0 }), '-0.0')
    assert.equal(printedText(-0, DOUBLE), '-0.0')
    for (const values of [rows(0, -0), rows(-0, 0)]) {
      assert.ok(Object.is(aggregateOf(aggregate('MIN', 'DOUBLE'), values), -0))
      assert.ok(Object.is(aggregateOf(aggregate('MAX', 'DOUBLE'), values), 0))
      assert.ok(Object.is(aggregateOf(aggregate('SUM', 'DOUBLE'), values), 0))
      assert.equal(aggregateOf(aggregate('COUNT', 'DOUBLE', true), values), 2n)
      const keys = [{ name: 'k', expression: zero }]
      const groups = queryRows(
        {
          kind: 'group',
          input: { kind: 'scan', table: 't' },
          where: null,
          keys,
          aggregates: [],
          having: null,
        },
        { tables: new Map([['t', values]]), finalWatermarkMs: 0 },
      )
      assert.equal(groups.length, 2)
    }
  })

  it('has -0 where Java has it: from CEIL, SIGN and minus, not from ROUND, TRUNCATE and ABS', () => {
    const of = (name: string, x: number) =>
      evaluate(call(`${name} DOUBLE`, column('x', DOUBLE)), { x })
    assert.ok(Object.is(of('CEIL', -0.5), -0))
    assert.ok(Object.is(of('SIGN', -0), -0))
    assert.ok(Object.is(of('negate', 0), -0))
    assert.ok(Object.is(of('ROUND', -0.4), 0))
    assert.ok(Object.is(of('TRUNCATE', -0.5), 0))
    assert.ok(Object.is(of('ABS', -0), 0))
  })
})
