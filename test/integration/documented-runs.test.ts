/** Benchmarks and chaos as README has them, shorter: that they run, and what they judge. */
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { openCheckout } from '../documented/checkout.ts'

const checkout = openCheckout('runs')
after(() => checkout.check())

const shown: [string, RegExp][] = [
  ['npm run bench -- sensor', /\n.*30,000 records in .* per CPU second.*\n/],
  ['npm run bench -- groups', /1,000 keys/],
  ['npm run bench -- state', /1,000 keys/],
  ['npm run chaos -- --kills 20', /nothing lost, nothing doubled\n$/],
]
for (const [command, pattern] of shown) {
  it(`${command}, shorter`, async () => {
    assert.match(await checkout.run(command), pattern)
  })
}
