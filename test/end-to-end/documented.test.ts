/**
 * What README and docs tell a reader to type, typed: the commands that need no broker, and the test
 * of docs/testing-your-job.md.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { RestClient } from '@millrace/rest-api'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { openCheckout } from '../documented/checkout.ts'
import { documented } from '../documented/extract.ts'
import { until } from '../support/until.ts'

const checkout = openCheckout('sql', { 'metrics.reporter.prom.port': '-1' })
after(() => checkout.check())

it('npm start shows windows until Ctrl-C, which ends it', async () => {
  const start = checkout.type('npm start')
  await start.shows(/^sensor-\d+ .* readings \d+$/m)
  start.signal('SIGINT')
  await start.exitCode
  assert.match(start.output(), /Stopping the job, the JobManager and two TaskManagers …\n$/)
})

it('npm start -- --once aggregates 200 readings and ends', async () => {
  assert.match(
    await checkout.run('npm start -- --once'),
    /\nJob FINISHED: 200 readings in \d+ windows/,
  )
})

it('the test of docs/testing-your-job.md passes as it stands there', async () => {
  const [block] = documented().filter(({ kind }) => kind === 'ts')
  writeFileSync(join(checkout.directory, 'readings.test.ts'), block?.text as string)
  assert.match(
    await checkout.run('npx millrace test readings.test.ts'),
    /\bpass 1\n(.|\n)*fail 0\n/,
  )
})

it('JobManagers that share a directory: one leads, the next takes over', async () => {
  const directory = join(checkout.directory, 'shared')
  const block = documented().find(({ text }) => text.startsWith('HA=')) as { text: string }
  await checkout.run(block.text, { '/var/millrace': directory })
  const ports = [await freePort(), await freePort()]
  const command = 'npx millrace jobmanager $HA -D rest.port=8081'
  const first = checkout.type(command, { 8081: String(ports[0]) })
  const rest = new RestClient(`http://127.0.0.1:${ports[1]}`, fetch)
  const answers = (of: RestClient) =>
    of.overview().then(
      ({ taskmanagers }) => taskmanagers,
      () => null,
    )
  await until('the first answers', () =>
    answers(new RestClient(`http://127.0.0.1:${ports[0]}`, fetch)),
  )
  checkout.type(command, { 8081: String(ports[1]) })
  checkout.type('npx millrace taskmanager $HA')
  await until('the second answers for the first', async () => (await answers(rest)) === 1)
  first.signal('SIGTERM')
  await first.exitCode
  await until('the second leads, with the TaskManager', async () => (await answers(rest)) === 1)
})

it('npm run simulate runs seeds', async () => {
  assert.match(await checkout.run('npm run simulate -- --seeds 100'), /2 seeds/)
})
