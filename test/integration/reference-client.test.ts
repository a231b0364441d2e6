/**
 * The reference engine's own REST client (its classes, from the jars of its release) against a
 * cluster: what it is answered it can read, errors too, which come as a `SerializedThrowable`.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startBadInput } from '../end-to-end/bad-input-fixture.ts'
import { provisionReferenceEngine } from '../reference-engine/provision.ts'
import { until } from '../support/until.ts'

const fixture = await startBadInput({ 'execution.checkpointing.interval': '1 s' })
const port = new URL(fixture.cluster.restAddress).port
const jars = await provisionReferenceEngine((line) => process.stderr.write(`${line}\n`))

async function started(statements: string, state: string): Promise<string> {
  const { stdout, stderr } = await fixture.sql(`${statements}
    CREATE TABLE dropped (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO dropped SELECT n FROM numbers;`)
  const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
  assert.ok(jobId !== undefined, stdout + stderr)
  await until(`job ${jobId} is ${state}`, async () => {
    return (await fixture.rest.jobDetail(jobId)).state === state
  })
  return jobId
}

test('the client of the reference engine reads what it is answered, errors too', async () => {
  const running = await started(
    `CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');`,
    'RUNNING',
  )
  mkdirSync(fixture.path('broken'))
  writeFileSync(fixture.path('broken/rows.json'), '{"n": oops}\n')
  const failed = await started(
    `SET 'restart-strategy.type' = 'none';
     CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'json',
       'path' = 'file://${fixture.path('broken')}');`,
    'FAILED',
  )
  const program = join(import.meta.dirname, '../reference-engine/ReferenceClient.java')
  const names = readdirSync(jars).filter((name) => name.endsWith('.jar'))
  const classPath = names.map((name) => join(jars, name)).join(':')
  const savepoints = `file://${fixture.path('savepoints')}`
  const { stdout } = await promisify(execFile)(
    'java',
    ['-cp', classPath, program, port, running, failed, savepoints],
    { maxBuffer: 16 * 1024 * 1024 },
  )
  const said = new Map(
    [...stdout.matchAll(/^> ([^:]*): (.*)$/gm)].map(([, what, text]) => [what, text as string]),
  )
  const expected: Record<string, RegExp> = {
    jobs: /^2$/,
    status: /^RUNNING$/,
    details: /^1$/,
    'savepoint nowhere':
      /^failed SerializedThrowable: .*\[SAVEPOINT_DIRECTORY_UNUSABLE\].* \| MillraceException: \[SAVEPOINT_DIRECTORY_UNUSABLE\]/,
    savepoint: /\/savepoints\/savepoint-/,
    checkpoint: /^\d+$/,
    'dispose nothing': /^failed SerializedThrowable: .*\[CHECKPOINT_NOT_FOUND\]/,
    stop: /\/savepoints\/savepoint-/,
    'stop again': /^failed SerializedThrowable: .*\[SAVEPOINT_NOT_POSSIBLE\]/,
    result: /^true$/,
    'failed result':
      /^failed JobExecutionException: .* \| MillraceException: \[FORMAT_RECORD_MALFORMED\]/,
  }
  for (const [what, text] of Object.entries(expected))
    assert.match(said.get(what) ?? '', text, what)
  assert.deepEqual([...said.keys()], Object.keys(expected))
})
