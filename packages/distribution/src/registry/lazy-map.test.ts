/** Connectors by name, loaded on first use. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectors } from './connectors.ts'
import { LazyMap } from './lazy-map.ts'

test('a value is made once, at its first get; keys and unknown keys make nothing', () => {
  const made: string[] = []
  const map = new LazyMap<{ name: string }>({
    a: () => ({ name: made.push('a') === 1 ? 'a' : 'again' }),
    b: () => ({ name: made.push('b') > 0 ? 'b' : '' }),
  })
  assert.deepEqual([...map.keys()], ['a', 'b'])
  assert.equal(map.size, 2)
  assert.ok(map.has('b') && !map.has('c'))
  assert.equal(map.get('c'), undefined)
  assert.deepEqual(made, [])
  assert.equal(map.get('a'), map.get('a'))
  assert.deepEqual(made, ['a'])
  assert.deepEqual(
    [...map].map(([key, value]) => key + value.name),
    ['aa', 'bb'],
  )
  assert.deepEqual(made, ['a', 'b'])
})

test('every connector is found under its own name', () => {
  assert.deepEqual(
    [...connectors].map(([key, connector]) => [key, connector.name]),
    [...connectors.keys()].map((key) => [key, key]),
  )
})
