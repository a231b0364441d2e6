/** `npm run s3` as README has it. */
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { openCheckout } from '../documented/checkout.ts'
import { provisionS3Server, s3ServerMissing } from '../s3-server/provision.ts'

it('npm run s3 says what to configure, and ends with Ctrl-C', {
  skip: s3ServerMissing() ?? false,
}, async () => {
  // Building it has no deadline: how long that takes is the machine's.
  await provisionS3Server()
  const checkout = openCheckout('s3')
  after(() => checkout.check())
  const s3 = checkout.type('npm run s3', { s3: `s3 -- --port ${await freePort()}` })
  const output = await s3.shows(/Ctrl-C stops it/)
  for (const key of ['execution.checkpointing.dir: s3://', 's3.endpoint: ', 's3.secret-key: ']) {
    assert.ok(output.includes(`  ${key}`), output)
  }
  s3.signal('SIGINT')
  await s3.exitCode
  assert.match(s3.output(), /\nStopping S3 …\n$/)
})
