/** However the SQL client goes, the job of its running SELECT goes too and gives its slots back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { until } from '../support/until.ts'
import { DATAGEN, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput()
const MILLRACE = join(import.meta.dirname, '../../packages/distribution/bin/millrace.mjs')

interface Client {
  readonly kill: (signal: NodeJS.Signals) => void
  readonly closeOutput: () => void
  readonly exitCode: Promise<number>
  readonly errors: () => string
}

/** A client whose SELECT has given its first row. */
async function selecting(...more: string[]): Promise<Client> {
  const script = `${DATAGEN} SELECT * FROM numbers`
  const port = new URL(fixture.cluster.restAddress).port
  const child = spawn(process.execPath, [
    MILLRACE,
    ...['sql-client', '-D', `rest.port=${port}`, ...more, '-e', script],
  ])
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  // As a shell shows it: a signal that finds the process on its way out, its handlers gone, gives
  // 128 and its number.
  const exitCode = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals])
    })
  })
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('| +I |') && resolve())
  })
  return {
    kill: (signal) => child.kill(signal),
    closeOutput: () => child.stdout.destroy(),
    exitCode,
    errors: () => errors,
  }
}

/** How it ended. */
async function lastJobEnds(): Promise<string> {
  let state = ''
  await until('the last job has ended', async () => {
    state = (await fixture.rest.jobsOverview()).jobs.at(-1)?.state ?? ''
    return state === 'CANCELED' || state === 'FAILED'
  }).catch((error: Error) => {
    throw new Error(`${error.message}; the job is ${state}`)
  })
  return state
}

// Cause: SIGTERM and SIGHUP ended the client without a word to the cluster.
for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  it(`${signal} cancels the query`, async () => {
    const client = await selecting()
    client.kill(signal)
    assert.equal(await client.exitCode, 130)
    assert.equal(await lastJobEnds(), 'CANCELED')
  })
}

it('Ctrl-C that reaches the client twice, from the terminal and from its launcher, cancels the query', async () => {
  // Cause: an older system Node starts the pinned one and passes SIGINT on; the copy ended the
  // client at once.
  const client = await selecting()
  client.kill('SIGINT')
  client.kill('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 20))
  client.kill('SIGINT')
  assert.equal(await client.exitCode, 130)
  assert.equal(await lastJobEnds(), 'CANCELED')
})

it('a closed pipe (| head) cancels the query, without a stack trace', async () => {
  // Cause: an EPIPE on standard output was an unhandled error event.
  const client = await selecting()
  client.closeOutput()
  assert.equal(await client.exitCode, 130)
  assert.doesNotMatch(client.errors(), /EPIPE|at .*node:/)
  assert.equal(await lastJobEnds(), 'CANCELED')
})

it('SIGKILL leaves it to the JobManager, which ends the query after client.heartbeat.timeout', async () => {
  const client = await selecting('-D', 'client.heartbeat.timeout=5 s')
  client.kill('SIGKILL')
  await client.exitCode
  assert.equal(await lastJobEnds(), 'FAILED')
  const job = (await fixture.rest.jobsOverview()).jobs.at(-1)
  const { 'failure-cause': failure } = await fixture.rest.jobDetail(job?.jid as string)
  assert.equal(failure?.code, 'COLLECT_CLIENT_GONE')
})
