/** Which stored columns can be taken over, and as what. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field, LogicalType, StateTableSpec } from '@millrace/core'
import { layoutOf } from '../table/table-layout.ts'
import { matchTables, sideBySide } from './match-tables.ts'

const type = (kind: string, more: object = {}): LogicalType =>
  ({ kind, nullable: true, ...more }) as LogicalType
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: false }
const LONG: LogicalType = { kind: 'BIGINT', nullable: false }
const COUNT: Field = { name: 'COUNT(*)', type: DOUBLE, holds: type('BIGINT') }

function spec(value: readonly Field[], key = type('INT'), ttlMs = 0): StateTableSpec {
  return {
    name: 'groups',
    key: { fields: [{ name: 'k', type: key }] },
    sub: null,
    value: { fields: value },
    ttlMs,
  }
}

function match(before: StateTableSpec, now: StateTableSpec) {
  const found = matchTables(layoutOf(before).schema, layoutOf(now))
  if (typeof found === 'string') return found
  const { sources, added, removed, widened } = found
  const names = (fields: readonly Field[]) => fields.map(({ name }) => name)
  return {
    sources,
    added: names(added),
    removed: names(removed),
    widened: widened.map(({ now }) => now.name),
  }
}

const sum = (name: string, holds: LogicalType, held: LogicalType = DOUBLE): Field => ({
  name,
  type: held,
  holds,
})

test('columns of the value go by name, whatever their order; others are added and dropped', () => {
  const [a, b, c] = ['A', 'B', 'C'].map((name) => sum(name, type('INT'))) as [Field, Field, Field]
  assert.deepEqual(match(spec([COUNT, a, b]), spec([COUNT, b, c])), {
    sources: [0, 1, 3, -1],
    added: ['C'],
    removed: ['A'],
    widened: [],
  })
})

test('a time to live that comes or goes is no change of the columns', () => {
  const none = { added: [], removed: [], widened: [] }
  const ttl = spec([COUNT], undefined, 1000)
  assert.deepEqual(match(spec([COUNT]), ttl), { sources: [0, -1, 1], ...none })
  assert.deepEqual(match(ttl, spec([COUNT])), { sources: [0, 2], ...none })
})

test('a wider type converts, a narrower or another one is refused by column', () => {
  const wider: [LogicalType, LogicalType][] = [
    [type('INT'), type('BIGINT')],
    [type('TINYINT'), type('SMALLINT')],
    [type('FLOAT'), type('DOUBLE')],
    [type('STRING', { length: 5 }), type('STRING', { length: 9 })],
    [type('STRING', { length: 5 }), type('STRING')],
    [type('STRING', { length: 5, fixed: true }), type('STRING', { length: 9 })],
    [type('DECIMAL', { precision: 5, scale: 2 }), type('DECIMAL', { precision: 9, scale: 2 })],
  ]
  const heldAs = ({ kind }: LogicalType): LogicalType =>
    kind === 'BIGINT' || kind === 'DECIMAL' ? LONG : kind === 'STRING' ? type('STRING') : DOUBLE
  const of = (t: LogicalType) => spec([COUNT, sum('MAX(x)', t, heldAs(t))])
  for (const [narrow, wide] of wider) {
    const found = match(of(narrow), of(wide))
    assert.deepEqual(typeof found === 'string' ? found : found.widened, ['MAX(x)'])
    assert.match(String(match(of(wide), of(narrow))), /^'MAX\(x\)' is 'MAX\(x\)' .* in it and /)
  }
  const others: [LogicalType, LogicalType][] = [
    [type('INT'), type('DOUBLE')],
    [type('DECIMAL', { precision: 5, scale: 2 }), type('DECIMAL', { precision: 9, scale: 3 })],
    [type('BIGINT'), type('DECIMAL', { precision: 18, scale: 0 })],
    [type('STRING', { length: 5 }), type('STRING', { length: 9, fixed: true })],
  ]
  for (const [before, now] of others) assert.equal(typeof match(of(before), of(now)), 'string')
})

test('a key becomes wider, and its rows lie elsewhere where it is held otherwise then', () => {
  const of = (kind: string, more: object = {}) => spec([COUNT], type(kind, more))
  const found = (before: StateTableSpec, now: StateTableSpec) => {
    const all = matchTables(layoutOf(before).schema, layoutOf(now))
    if (typeof all === 'string') return all
    const { isRekeyed, neverNull, widened } = all
    return { isRekeyed, neverNull, widened: widened.length }
  }
  const alike = { isRekeyed: false, neverNull: [], widened: 1 }
  assert.deepEqual(found(of('STRING', { length: 5 }), of('STRING', { length: 9 })), alike)
  assert.deepEqual(found(of('SMALLINT'), of('INT')), alike)
  assert.deepEqual(found(of('INT'), of('BIGINT')), { ...alike, isRekeyed: true })
  assert.match(
    String(found(of('BIGINT'), of('INT'))),
    /key column 1 is 'k' BIGINT in it and 'k' INT now/,
  )
  // 0.1 as a FLOAT is another number than 0.1 as a DOUBLE: the group would not be found again.
  assert.match(String(found(of('FLOAT'), of('DOUBLE'))), /key column 1 is 'k' FLOAT in it/)
  const [maybe, never] = [of('INT'), of('INT', { nullable: false })]
  assert.deepEqual(found(never, maybe), { isRekeyed: false, neverNull: [], widened: 0 })
  assert.deepEqual(found(maybe, never), { isRekeyed: false, neverNull: [0], widened: 0 })
})

test('schemas are shown side by side, with a mark where they differ', () => {
  const [before, now] = [
    spec([COUNT, sum('SUM(x)', type('BIGINT'), LONG)]),
    spec([COUNT, sum('SUM(x)', type('INT'))]),
  ]
  assert.deepEqual(sideBySide(layoutOf(before).schema, layoutOf(now).schema), [
    '  stored          | now',
    '  k INT           | k INT',
    '  COUNT(*) BIGINT | COUNT(*) BIGINT',
    '> SUM(x) BIGINT   | SUM(x) INT',
  ])
})
