/** Savepoints on real processes, as people ask for them: the command line, REST and the SQL client. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, truncateSync } from 'node:fs'
import { describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { assertPresentable, millrace, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput({ 'execution.checkpointing.interval': '200 ms' })
const port = new URL(fixture.cluster.restAddress).port
const run = (...args: string[]) => millrace([...args, '-D', `rest.port=${port}`])

/** Numbers from 0 on into files, exactly once. */
const tables = (sink: string) => `
  CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000');
  CREATE TABLE found (n BIGINT, c BIGINT) WITH ('connector' = 'filesystem',
    'path' = 'file://${fixture.path(sink)}', 'format' = 'json');`

const INSERT = 'INSERT INTO found SELECT n, n FROM numbers;'

/** Numbers that the sink has shown for good, ascending. */
function numbersIn(sink: string): number[] {
  const folder = fixture.path(sink)
  const files = readdirSync(folder).filter((name) => !name.startsWith('.') && !name.startsWith('_'))
  const lines = files.flatMap((name) => readFileSync(`${folder}/${name}`, 'utf8').split('\n'))
  return lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line).n])).sort((a, b) => a - b)
}

async function savepointOf(jobId: string): Promise<string> {
  const { stdout, stderr } = await run('savepoint', jobId, fixture.path('savepoints'))
  const path = /is complete: (\/.*)\n$/.exec(stdout)?.[1]
  assert.ok(path !== undefined, stderr)
  return path
}

interface StartedJob {
  readonly jobId: string
  /** Of the client that started it. */
  readonly stderr: string
}

/** The job, once it runs and has a checkpoint. */
async function startJob(sink: string, more = '', options: string[] = []): Promise<StartedJob> {
  const { stdout, stderr, code } = await fixture.sql(`${tables(sink)} ${more} ${INSERT}`, options)
  const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
  assert.ok(code === 0 && jobId !== undefined, stdout + stderr)
  await until(`job ${jobId} has a checkpoint`, async () => {
    return (await fixture.rest.jobCheckpoints(jobId)).latest.completed !== null
  })
  return { jobId, stderr }
}

describe('millrace savepoint', () => {
  it('takes a savepoint of a running job, which goes on, and says where it is', async () => {
    const { jobId } = await startJob('plain')
    const { code, stdout, stderr } = await run('savepoint', jobId, fixture.path('savepoints'))
    assert.equal(code, 0, stderr)
    const path = new RegExp(`^Savepoint of job ${jobId} is complete: (/.*)\n$`).exec(stdout)?.[1]
    assert.ok(path?.startsWith(`${fixture.path('savepoints')}/savepoint-${jobId.slice(0, 6)}-`))
    assert.ok(existsSync(`${path}/_metadata`))
    assert.equal((await fixture.rest.jobDetail(jobId)).state, 'RUNNING')
    const { latest } = await fixture.rest.jobCheckpoints(jobId)
    assert.equal(latest.savepoint?.external_path, path)
    await run('cancel', jobId)
    assert.ok(existsSync(`${path}/_metadata`))
  })

  it('says by name what keeps it from that, and leaves the job alone', async () => {
    const { jobId } = await startJob('refused')
    const cases: [string, RegExp, string[]][] = [
      ['no directory', /^\[SAVEPOINT_DIRECTORY_MISSING\]/, [jobId]],
      ['a file', /^\[SAVEPOINT_DIRECTORY_UNUSABLE\].*\/dev\/null/, [jobId, '/dev/null/savepoints']],
      ['a scheme', /^\[SAVEPOINT_DIRECTORY_UNUSABLE\].*hdfs/, [jobId, 'hdfs://host/savepoints']],
      ['no job', /^\[JOB_NOT_FOUND\]/, ['0'.repeat(32), fixture.path('savepoints')]],
      ['no id', /^\[ARGUMENT_INVALID\] Give the id of the job/, []],
    ]
    for (const [name, shown, args] of cases) {
      const outcome = await run('savepoint', ...args)
      assert.equal(outcome.code, 1, name)
      assert.match(outcome.stderr, shown, name)
      assertPresentable(outcome)
    }
    assert.equal((await fixture.rest.jobDetail(jobId)).state, 'RUNNING')
    await run('cancel', jobId)
    const ended = await run('savepoint', jobId, fixture.path('none'))
    assert.match(ended.stderr, /^\[SAVEPOINT_NOT_POSSIBLE\].* is CANCELED\./)
    assert.ok(!existsSync(fixture.path('none')) || readdirSync(fixture.path('none')).length === 0)
  })
})

describe('millrace state inspect', () => {
  it('shows what a savepoint and a checkpoint hold, and what changed between them', async () => {
    const groups = `CREATE TABLE readings (k INT, v BIGINT) WITH ('connector' = 'datagen',
        'rows-per-second' = '200', 'fields.k.min' = '0', 'fields.k.max' = '40');
      CREATE TABLE sums (k INT, c BIGINT, m BIGINT) WITH ('connector' = 'blackhole');
      INSERT INTO sums SELECT k, COUNT(DISTINCT v), MAX(v) FROM readings GROUP BY k;`
    const { stdout, stderr } = await fixture.sql(groups)
    const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
    assert.ok(jobId !== undefined, stderr)
    await until('the job has a checkpoint', async () => {
      return (await fixture.rest.jobCheckpoints(jobId)).counts.completed > 2
    })
    const savepoint = await savepointOf(jobId)
    const later = await savepointOf(jobId)
    const shown = await run('state', 'inspect', savepoint)
    assert.equal(shown.code, 0, shown.stderr)
    assert.match(
      shown.stdout,
      new RegExp(`^Savepoint \\d+ of job ${jobId}\n  ${savepoint}\n  taken `),
    )
    assert.match(
      shown.stdout,
      /^GroupAggregate\[\d+\] {2}\([0-9a-f]{32}\)\n {2}parallelism 1 of 128/m,
    )
    assert.match(shown.stdout, /^ {2}\| \w+ +\| table +\| +\d+ \| +\d+ \| \d+ of 128 +\| k INT/m)
    const sound = await run('state', 'inspect', savepoint, '--verify')
    assert.equal(sound.code, 0, sound.stderr)
    assert.match(sound.stdout, /^ {2}All checksums are right: the metadata, /m)
    const { stdout: text } = await run('state', 'inspect', `file://${savepoint}`, '--json')
    assert.equal(JSON.parse(text).jobId, jobId)
    const diff = await run('state', 'inspect', savepoint, '--diff', later)
    assert.match(diff.stdout, /\ncompared with\nSavepoint [\s\S]*table +\| +\d+ → \d+ \|/)
    await run('cancel', jobId)
    for (const [path, named] of [
      [
        fixture.path('savepoints'),
        /^\[CHECKPOINT_NOT_FOUND\] Name one of the checkpoints in .*savepoint-/,
      ],
      [fixture.path('nothing'), /^\[CHECKPOINT_NOT_FOUND\] There is no complete checkpoint at /],
      ['hdfs://host/x', /^\[SAVEPOINT_DIRECTORY_UNUSABLE\]/],
    ] as const) {
      const outcome = await run('state', 'inspect', path)
      assert.match(outcome.stderr, named)
      assertPresentable(outcome)
    }
    const outcome = await run('state', 'inspekt', savepoint)
    assert.match(outcome.stderr, /^\[ARGUMENT_UNKNOWN\].*'inspect'/)
  })
})

describe('starting from a savepoint', () => {
  it('goes on where it was taken, also when it was moved, and says before what restores', async () => {
    const first = await startJob('first')
    const savepoint = await savepointOf(first.jobId)
    await run('cancel', first.jobId)
    const moved = fixture.path('moved')
    renameSync(savepoint, moved)
    const second = await startJob('second', '', ['-s', moved])
    assert.match(
      second.stderr,
      new RegExp(`^Starts from savepoint ${moved} of job ${first.jobId}, `, 'm'),
    )
    assert.match(second.stderr, /^ {2}restores {6}TableSourceScan\[1\]$/m)
    assert.match(second.stderr, /^ {2}restores {6}Sink\[2\]$/m)
    await until('the second job has shown more', () => numbersIn('second').length > 200)
    await run('cancel', second.jobId)
    const [before, after] = [numbersIn('first'), numbersIn('second')]
    // From the savepoint on without a gap; what the first job did after it is made again.
    assert.ok((after[0] as number) <= (before.at(-1) as number) + 1)
    assert.deepEqual(
      after,
      after.map((_, i) => (after[0] as number) + i),
    )
    assert.ok((after[0] as number) > 0, 'it did not begin anew')
    assert.ok(existsSync(`${moved}/_metadata`), 'it is not claimed')
    await startJob('third', "SET 'execution.state-recovery.claim-mode' = 'CLAIM';", ['-s', moved])
    await until('the claimed savepoint is gone', () => !existsSync(moved))
  })

  it('refuses a savepoint of another query, a damaged one and one that is not there', async () => {
    const { jobId } = await startJob('other')
    const savepoint = await savepointOf(jobId)
    await run('cancel', jobId)
    const other = `SET 'execution.state-recovery.path' = '${savepoint}';
      CREATE TABLE readings (m BIGINT, k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
      CREATE TABLE sums (k INT, s BIGINT) WITH ('connector' = 'blackhole');`
    const insert = 'INSERT INTO sums SELECT k, SUM(m) FROM readings GROUP BY k;'
    const unclaimed = await fixture.refused(other + insert)
    assert.match(unclaimed.stderr, /^\[STATE_UNCLAIMED\] Savepoint .*'TableSourceScan\[1\]'/)
    const dropped = await fixture.sql(
      `${other} SET 'execution.state-recovery.ignore-unclaimed-state' = 'true'; ${insert}`,
    )
    assert.match(dropped.stderr, /^ {2}starts empty {2}GlobalGroupAggregate/m)
    assert.match(dropped.stderr, /^ {2}dropped {7}TableSourceScan\[1\]: the job has no operator/m)
    const started = /\b[0-9a-f]{32}\b/.exec(dropped.stdout)?.[0] as string
    await run('cancel', started)
    truncateSync(`${savepoint}/_metadata`, 40)
    const same = `${tables('never')} SET 'execution.state-recovery.path' = '${savepoint}'; ${INSERT}`
    assert.match((await fixture.refused(same)).stderr, /^\[CHECKPOINT_METADATA_CORRUPTED\]/)
    const missing = same.replace(savepoint, fixture.path('missing'))
    assert.match((await fixture.refused(missing)).stderr, /^\[CHECKPOINT_NOT_FOUND\]/)
  })
})

describe('stopping with a savepoint', () => {
  it('ends the job with all its output committed, and the next goes on without a gap or a double', async () => {
    const first = await startJob('stopped')
    const outcome = await run('stop', '--savepoint-path', fixture.path('savepoints'), first.jobId)
    const shown = new RegExp(`^Job ${first.jobId} is FINISHED; its savepoint is complete: (/.*)\n$`)
    const savepoint = shown.exec(outcome.stdout)?.[1]
    assert.ok(savepoint !== undefined, outcome.stdout + outcome.stderr)
    const ended = await fixture.rest.jobDetail(first.jobId)
    assert.equal(ended.state, 'FINISHED')
    assert.equal(ended['status-reason'], `stopped by savepoint ${savepoint}`)
    const before = numbersIn('stopped')
    const second = await startJob('gone-on', '', ['-s', savepoint])
    const { stdout } = await fixture.sql(
      `SET 'state.savepoints.dir' = '${fixture.path('savepoints')}';
       STOP JOB '${second.jobId}' WITH SAVEPOINT;`,
    )
    assert.match(stdout, /savepoint path[\s\S]*\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}/)
    const removed = await run('savepoint', '--dispose', savepoint)
    assert.equal(removed.stdout, `${savepoint} is removed.\n`, removed.stderr)
    const missing = await run('savepoint', '--dispose', savepoint)
    assert.match(missing.stderr, /^\[CHECKPOINT_NOT_FOUND\]/)
    assertPresentable(missing)
    const all = [...before, ...numbersIn('gone-on')]
    assert.ok(all.length > before.length)
    assert.deepEqual(
      all,
      all.map((_, i) => i),
    )
  })

  it('--drain fires the windows that are open', async () => {
    const windows = `CREATE TABLE events (n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
      WITH ('connector' = 'datagen', 'rows-per-second' = '100');
      CREATE TABLE counted (s TIMESTAMP(3), c BIGINT) WITH ('connector' = 'filesystem',
        'path' = 'file://${fixture.path('drained')}', 'format' = 'json');
      INSERT INTO counted SELECT window_start, COUNT(*) FROM
        TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '365' DAY)) GROUP BY window_start, window_end;`
    const { stdout, stderr } = await fixture.sql(windows)
    const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
    assert.ok(jobId !== undefined, stderr)
    await until('the job has a checkpoint', async () => {
      return (await fixture.rest.jobCheckpoints(jobId)).counts.completed > 2
    })
    const { code, stderr: why } = await run('stop', '-d', '-p', fixture.path('savepoints'), jobId)
    assert.equal(code, 0, why)
    const folder = fixture.path('drained')
    const files = readdirSync(folder).filter((name) => !/^[._]/.test(name))
    const rows = files.flatMap((name) => readFileSync(`${folder}/${name}`, 'utf8').split('\n'))
    const counts = rows.filter((row) => row !== '').map((row) => JSON.parse(row).c as number)
    assert.ok(counts.length > 0 && counts.every((count) => count > 0), rows.join())
  })

  it('that cannot be taken leaves the job running', async () => {
    const { jobId } = await startJob('not-stopped')
    for (const more of [[], ['--drain']]) {
      const outcome = await run('stop', '-p', '/dev/null/savepoints', ...more, jobId)
      assert.equal(outcome.code, 1)
      assert.match(outcome.stderr, /^\[SAVEPOINT_DIRECTORY_UNUSABLE\]/)
      assertPresentable(outcome)
    }
    assert.equal((await fixture.rest.jobDetail(jobId)).state, 'RUNNING')
    const { stderr } = await fixture.sql(`STOP JOB '${jobId}' WITH DRAIN;`)
    assert.match(stderr, /^\[DRAIN_WITHOUT_SAVEPOINT\]/)
    const before = (await fixture.rest.jobCheckpoints(jobId)).counts.completed
    await until('it takes checkpoints', async () => {
      return (await fixture.rest.jobCheckpoints(jobId)).counts.completed > before
    })
    await run('cancel', jobId)
    const ended = await run('stop', '-p', fixture.path('savepoints'), jobId)
    assert.match(ended.stderr, /^\[SAVEPOINT_NOT_POSSIBLE\].* is CANCELED\./)
  })
})
