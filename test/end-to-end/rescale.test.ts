/** Jobs that run, on real processes: a checkpoint of them now, another parallelism. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { assertPresentable, millrace, startBadInput } from './bad-input-fixture.ts'

// No checkpoint comes by itself.
const fixture = await startBadInput({ 'execution.checkpointing.interval': '1 h' })
const port = new URL(fixture.cluster.restAddress).port
const run = (...args: string[]) => millrace([...args, '-D', `rest.port=${port}`])

const LAST = 5999

/** Numbers from 0 on into files, exactly once. */
const tables = (sink: string) => `
  CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '${LAST}');
  CREATE TABLE found (n BIGINT, c BIGINT) WITH ('connector' = 'filesystem',
    'path' = 'file://${fixture.path(sink)}', 'format' = 'json');`

/** The id of the job, once it runs. */
async function startJob(sink: string, settings = ''): Promise<string> {
  const { stdout, stderr, code } = await fixture.sql(
    `${settings} ${tables(sink)} INSERT INTO found SELECT n, n FROM numbers;`,
  )
  const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
  assert.ok(code === 0 && jobId !== undefined, stdout + stderr)
  await until(`job ${jobId} runs`, async () => {
    return (await fixture.rest.jobDetail(jobId)).state === 'RUNNING'
  })
  return jobId
}

describe('millrace checkpoint', () => {
  it('takes one now, and says by name what keeps it from that', async () => {
    const jobId = await startJob('checkpointed')
    const { code, stdout, stderr } = await run('checkpoint', jobId, '--full')
    assert.equal(code, 0, stderr)
    assert.equal(stdout, `Checkpoint 1 of job ${jobId} is complete.\n`)
    await run('cancel', jobId)
    const cases: [string, RegExp, string[]][] = [
      ['ended', /^\[CHECKPOINT_NOT_POSSIBLE\].* is CANCELED\./, [jobId]],
      ['no job', /^\[JOB_NOT_FOUND\]/, ['0'.repeat(32)]],
      ['no id', /^\[ARGUMENT_INVALID\] Give the id of the job/, []],
    ]
    for (const [name, shown, args] of cases) {
      const outcome = await run('checkpoint', ...args)
      assert.equal(outcome.code, 1, name)
      assert.match(outcome.stderr, shown, name)
      assertPresentable(outcome)
    }
  })
})

describe('millrace rescale', () => {
  it('brings a running job to another parallelism and back, and its output stays exact', async () => {
    const jobId = await startJob('rescaled', "SET 'parallelism.default' = '1';")
    const up = await run('rescale', jobId, '2')
    assert.equal(up.code, 0, up.stderr)
    assert.match(
      up.stdout,
      new RegExp(`^Job ${jobId} is rescaled \\(\\d+\\.\\d s\\)\\.\n.*: 1 → 2\n`),
    )
    const { vertices, restarts } = await fixture.rest.jobDetail(jobId)
    assert.deepEqual([vertices.map(({ parallelism }) => parallelism), restarts], [[2], 0])
    const [vertex] = vertices
    const down = await run('rescale', jobId, `${vertex?.id.slice(0, 8)}=1`)
    assert.match(down.stdout, /: 2 → 1\n$/, down.stderr)
    assert.match(fixture.log(), /Job rescaled.*UPDATE_REQUIREMENT/)
    await until(`job ${jobId} has ended`, async () => {
      return (await fixture.rest.jobDetail(jobId)).state === 'FINISHED'
    })
    assert.deepEqual(
      numbersIn('rescaled'),
      Array.from({ length: LAST + 1 }, (_, n) => n),
    )
  })

  it('says by name what keeps it from that, and leaves the job alone', async () => {
    const jobId = await startJob('not-rescaled')
    const cases: [string, RegExp, string[]][] = [
      ['too many', /^\[RESOURCE_REQUIREMENTS_INVALID\].*at most 128/, [jobId, '129']],
      ['slots', /^\[RESCALE_NOT_POSSIBLE\] Provide 3 slots/, [jobId, '3']],
      ['none', /^\[ARGUMENT_INVALID\].*1 or more/, [jobId, '0']],
      ['vertex', /^\[ARGUMENT_INVALID\].*0 vertices 'zz'/, [jobId, 'zz=2']],
      ['no job', /^\[JOB_NOT_FOUND\]/, ['0'.repeat(32), '2']],
      ['no number', /^\[ARGUMENT_INVALID\] Write: millrace rescale/, [jobId]],
    ]
    for (const [name, shown, args] of cases) {
      const outcome = await run('rescale', ...args)
      assert.equal(outcome.code, 1, name)
      assert.match(outcome.stderr, shown, name)
      assertPresentable(outcome)
    }
    assert.equal((await fixture.rest.jobDetail(jobId)).state, 'RUNNING')
    await run('cancel', jobId)
    const ended = await run('rescale', jobId, '1')
    assert.match(ended.stderr, /^\[RESCALE_NOT_POSSIBLE\].* is CANCELED\./)
  })
})

/** Of the files that are there for good, sorted. */
function numbersIn(sink: string): number[] {
  const files = readdirSync(fixture.path(sink)).filter((name) => !/^[._]/.test(name))
  return files
    .flatMap((name) =>
      readFileSync(`${fixture.path(sink)}/${name}`, 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => (JSON.parse(line) as { n: number }).n)
    .sort((a, b) => a - b)
}
