/**
 * What README tells a reader to type with a broker, typed: the broker itself, a cluster, its
 * SQL, the demo.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { openCheckout } from '../documented/checkout.ts'
import { documented } from '../documented/extract.ts'

const checkout = openCheckout('integration', {
  'rest.port': String(await freePort()),
  'jobmanager.rpc.port': String(await freePort()),
  'metrics.reporter.prom.port': '-1',
})
after(() => checkout.check())

const brokerPort = await freePort()
const broker = checkout.type('npm run kafka', { kafka: `kafka -- --port ${brokerPort}` })
const [, servers] = /Kafka runs at (\S+);/.exec(await broker.shows(/Ctrl-C stops it/)) as string[]
const address = servers as string

describe('Using it', () => {
  it('cluster, topic, statements as they stand there, list, cancel, stop', async () => {
    assert.match(await checkout.run('npx millrace cluster start'), /TaskManager 1 started/)
    const produce = checkout.type('npm run -s kafka -- produce clicks', {
      clicks: `clicks ${address}`,
    })
    const click = (ts: string) => `{"user_id":"ada","url":"/","ts":"${ts}"}\n`
    await produce.shows(/Made topic clicks with 3 partitions\.\n/)
    produce.write(click('2026-01-01 12:00:00') + click('2026-01-01 12:02:00'))

    const client = checkout.type('npx millrace sql-client')
    const [sql] = documented().filter(({ kind }) => kind === 'sql')
    client.write(String(sql?.text).replace('localhost:9092', address))
    client.end()
    await client.shows(/\| \+I \| ada +\| 2026-01-01 12:00:00\.000 +\| +1 \|/)

    const list = await checkout.run('npx millrace list')
    const [, jobId] = /^\| ([0-9a-f]{32}) \|.*\| RUNNING/m.exec(list) ?? [list]
    const cancel = { JOB_ID: jobId as string }
    assert.match(
      await checkout.run('npx millrace rescale JOB_ID 4', cancel),
      /^Job [0-9a-f]{32} is rescaled \(\d+\.\d s\)\.\n/,
    )
    assert.match(
      await checkout.run('npx millrace checkpoint JOB_ID', cancel),
      /^Checkpoint \d+ of job [0-9a-f]{32} is complete: \/.*\/chk-\d+\n$/,
    )
    assert.match(
      await checkout.run('npx millrace savepoint JOB_ID', cancel),
      /^Savepoint of job [0-9a-f]{32} is complete: \/.*\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}\n$/,
    )
    assert.equal(
      await checkout.run('npx millrace cancel JOB_ID', cancel),
      `Job ${jobId} is CANCELED.\n`,
    )
    await client.exitCode
    produce.signal('SIGINT')
    assert.equal(
      await checkout.run('npx millrace cluster stop'),
      'Stopped JobManager, TaskManager 1.\n',
    )
  })
})

it('npm start -- --kafka says which topics it takes, and shows windows until Ctrl-C', async () => {
  const start = checkout.type('npm start -- --kafka HOST:PORT', { 'HOST:PORT': address })
  await start.shows(/readings go into topic millrace-demo-readings, results into millrace-demo-/)
  await start.shows(/^sensor-\d+ .* readings \d+$/m)
  start.signal('SIGINT')
  await start.exitCode
  assert.match(start.output(), /Stopping the job, .*\n$/)
})

it('npm run kafka ends with Ctrl-C', async () => {
  broker.signal('SIGINT')
  await broker.exitCode
  assert.match(broker.output(), /\nStopping Kafka …\n$/)
})
