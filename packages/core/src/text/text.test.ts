/** Texts of decimals and doubles. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDecimal, parseDecimal, rescaleDecimal } from './decimal.ts'
import { formatDouble, formatFloat, parseDouble, shortestFloat } from './double-text.ts'

test('decimals are read, rounded half up and written', () => {
  assert.equal(parseDecimal('123.455', 10, 2), 12346n)
  assert.equal(parseDecimal('-123.455', 10, 2), -12346n)
  assert.equal(parseDecimal('1.5e3', 10, 0), 1500n)
  assert.equal(parseDecimal('1e-400', 10, 2), 0n)
  assert.equal(parseDecimal('1e400', 10, 2), null)
  assert.equal(parseDecimal('1000', 3, 0), null)
  for (const bad of ['', '.', 'x', '1,5', '1e', '--1']) assert.equal(parseDecimal(bad, 10, 2), null)
  assert.equal(formatDecimal(-5n, 2), '-0.05')
  assert.equal(formatDecimal(12345n, 2), '123.45')
  assert.equal(rescaleDecimal(-25n, 1, 0), -3n)
  assert.equal(rescaleDecimal(24n, 1, 0), 2n)
})

test('doubles are written as Java writes them and read back the same', () => {
  const cases: [number, string][] = [
    [1, '1.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [1e7, '1.0E7'],
    [12345678, '1.2345678E7'],
    [1e-3, '0.001'],
    [1e-4, '1.0E-4'],
    [1e300, '1.0E300'],
    [5e-324, '4.9E-324'],
    [Number.NaN, 'NaN'],
    [-Infinity, '-Infinity'],
  ]
  for (const [value, text] of cases) {
    assert.equal(formatDouble(value), text)
    assert.ok(Object.is(parseDouble(text), value))
  }
  for (const bad of ['', '0x10', '1_000', 'nan', '1e']) assert.equal(parseDouble(bad), null)
})

test('singles are written with the fewest digits that read back as the same single', () => {
  const cases: [number, string][] = [
    [0.1, '0.1'],
    [16777216, '1.6777216E7'],
    [3.4e38, '3.4E38'],
    [1 / 3, '0.33333334'],
    [1.4e-45, '1.4E-45'],
    [9007199254740992, '9.007199E15'],
    [-0, '-0.0'],
    [Number.NaN, 'NaN'],
  ]
  for (const [value, text] of cases) {
    assert.equal(formatFloat(Math.fround(value)), text)
  }
  for (let i = 0; i < 2000; i++) {
    const single = Math.fround(Math.sin(i) * 10 ** ((i % 70) - 35))
    assert.equal(Math.fround(shortestFloat(single)), single)
  }
})
