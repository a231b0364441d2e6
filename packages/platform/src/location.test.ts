/** Which locations are paths of this machine, and which. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localPathOf, schemeOf } from './location.ts'

test('a local location in any spelling is its absolute path, without slashes at its end', () => {
  const cases: [string, string | null][] = [
    ['/a/b', '/a/b'],
    ['/a/b//', '/a/b'],
    ['/', '/'],
    ['file:/a', '/a'],
    ['file:///a%20b/', '/a b'],
    ['FILE://localhost/a', '/a'],
    ['/a%20b', '/a%20b'],
    ['file://elsewhere/a', null],
    ['file:a', null],
    ['a/b', null],
    ['', null],
    ['file:///a%', null],
    ['s3://bucket/a', null],
  ]
  for (const [location, path] of cases) assert.equal(localPathOf(location), path, location)
})

test('the scheme of a location is in lower case, and a path has none', () => {
  const schemes = ['S3://bucket', 'file:/a', '/a:b', 'a/b:c', 'relative'].map(schemeOf)
  assert.deepEqual(schemes, ['s3', 'file', null, null, null])
})
