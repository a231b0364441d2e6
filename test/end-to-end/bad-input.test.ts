/**
 * Bad records, tables, checkpoints and too few slots: one clear error, the same in the SQL client,
 * over REST and in the log.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { DATAGEN, millrace, ONCE, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput()

const jsonTable = (name: string, path: string, more = '') =>
  `CREATE TABLE ${name} (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = '${path}', 'format' = 'json'${more});`

/** What stands in the finished files of a sink. */
const filesOf = (directory: string): Map<string, string> => {
  const names = readdirSync(directory).filter((name) => !/^[._]/.test(name))
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}
const committed = (directory: string): string => [...filesOf(directory).values()].join('')

/** Everything below a directory, by name. */
const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe('bad input', { concurrency: false }, () => {
  describe('records', () => {
    it('a malformed record is named by file and byte, and what was committed before stays', async () => {
      const out = fixture.path('out-malformed')
      const good = fixture.input('good', ['{"a":1,"b":"x"}', '{"a":2,"b":"y"}'])
      const bad = fixture.input('malformed', ['{"a":3,"b":"x"}', '{"a":oops,"b":"z"}'])
      const tables = jsonTable('good', good) + jsonTable('bad', bad) + jsonTable('o', out)
      const first = await fixture.sql(`${tables} ${ONCE} INSERT INTO o SELECT * FROM good;`)
      assert.equal(first.code, 0, first.stderr)
      const written = committed(out)
      assert.equal(written, '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n')
      const { error } = await fixture.failingJob(
        `${tables} ${ONCE} INSERT INTO o SELECT * FROM bad;`,
      )
      assert.equal(error.code, 'FORMAT_RECORD_MALFORMED')
      assert.match(error.message, /not valid JSON at byte 5.*Record: \{"a":oops,"b":"z"\}/)
      assert.equal(error.location?.file, join(bad, 'part-0.json'))
      assert.equal(error.location?.offset, '16')
      assert.match(error.hint ?? '', /json\.ignore-parse-errors/)
      assert.equal(committed(out), written)
    })

    it('a wrong type names field, type and value', async () => {
      const path = fixture.input('wrong-type', ['{"a":1,"b":"x"}', '{"a":"many","b":"y"}'])
      const { error } = await fixture.failingJob(`${jsonTable('t', path)} SELECT * FROM t;`)
      assert.match(error.message, /Field 'a' expects INT, found "many"/)
      assert.equal(error.location?.offset, '16')
    })

    it('json.ignore-parse-errors skips and counts', async () => {
      const lines = ['{"a":1,"b":"x"}', 'no json', '{"a":2,', '{"a":4,"b":"w"}']
      const path = fixture.input('skipped', lines)
      const table = jsonTable('t', path, ", 'json.ignore-parse-errors' = 'true'")
      const { code, stdout } = await fixture.sql(`${table} SELECT * FROM t;`)
      assert.equal(code, 0)
      assert.match(stdout, /2 rows in set/)
      const jobId = (await fixture.rest.jobsOverview()).jobs.at(-1)?.jid as string
      await until('both are counted', async () => {
        const { vertices } = await fixture.rest.jobDetail(jobId)
        return vertices[0]?.['records-in-errors'] === 2
      })
    })

    it('a missing directory is named', async () => {
      const path = fixture.path('nowhere')
      const { code, stderr } = await fixture.sql(`${jsonTable('t', path)} SELECT * FROM t;`)
      assert.equal(code, 1)
      assert.ok(stderr.includes(`[FILESYSTEM_PATH_MISSING] Create ${path}; it does not exist.`))
    })
  })

  describe('slots', () => {
    it('too few: the status says what is waited for, then NOT_ENOUGH_SLOTS', async () => {
      const running = fixture.failingJob(
        `${DATAGEN} SET 'parallelism.default' = '3'; SELECT * FROM numbers;`,
      )
      let reason: string | null = null
      await until('the job waits for slots', async () => {
        const { jobs } = await fixture.rest.jobsOverview()
        reason = jobs.find((job) => job.state === 'CREATED')?.['status-reason'] ?? null
        // The job before may still be giving its slot back.
        return /2 registered, /.test(String(reason))
      })
      assert.match(String(reason), /^needs 3 slots, 2 registered, waiting 0:\d\d of 0:10$/)
      const { error } = await running
      assert.equal(error.code, 'NOT_ENOUGH_SLOTS')
      assert.equal(error.location?.optionKey, 'slot.request.timeout')
      assert.match(error.hint ?? '', /Start another TaskManager/)
    })
  })

  describe('checkpoints', () => {
    const insert = (dir: string, more = '') => `${DATAGEN} ${ONCE}
      CREATE TABLE counts (b STRING, n BIGINT, s TIMESTAMP_LTZ(3)) WITH ('connector' = 'filesystem', 'path' = '${fixture.path('out-checkpoints')}', 'format' = 'json');
      SET 'execution.checkpointing.interval' = '200ms'; SET 'execution.checkpointing.dir' = 'file://${dir}'; ${more}`
    const select = 'INSERT INTO counts SELECT b, CAST(a AS BIGINT), NULL FROM numbers;'

    it('a directory below a file is refused before the job runs', async () => {
      writeFileSync(fixture.path('a-file'), '')
      const { error } = await fixture.failingJob(
        insert(fixture.path('a-file/checkpoints')) + select,
      )
      assert.equal(error.code, 'CHECKPOINT_DIRECTORY_UNUSABLE')
      assert.equal(error.location?.optionKey, 'execution.checkpointing.dir')
      assert.match(error.hint ?? '', /choose another directory/)
    })

    it('a directory that the system does not let anybody make is refused', async () => {
      const { error } = await fixture.failingJob(insert('/proc/nothing') + select)
      assert.equal(error.code, 'CHECKPOINT_DIRECTORY_UNUSABLE')
    })

    it('an unknown scheme is refused', async () => {
      const script = insert('/unused', `SET 'execution.checkpointing.dir' = 's4://bucket/x';`)
      const { error } = await fixture.failingJob(script + select)
      assert.equal(error.code, 'CHECKPOINT_DIRECTORY_UNSUPPORTED')
    })

    it('a read-only and a full disk are named', async () => {
      const disk = fixture.path('disk')
      mkdirSync(disk)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
      after(() => execFileSync('umount', ['-l', disk]))
      const before = (await fixture.rest.jobsOverview()).jobs.length
      const running = fixture.failingJob(insert(disk) + select)
      await until('two checkpoints are complete', async () => {
        const job = (await fixture.rest.jobsOverview()).jobs[before]
        if (job === undefined || job.state !== 'RUNNING') return false
        return (await fixture.rest.jobCheckpoints(job.jid)).counts.completed >= 2
      })
      const written = filesOf(fixture.path('out-checkpoints'))
      // Again and again: a checkpoint that was complete just then makes room by removing an older.
      const filling = setInterval(() => {
        assert.throws(() => appendFileSync(join(disk, 'ballast'), new Uint8Array(128 * 1024)))
      }, 20)
      const full = await running.finally(() => clearInterval(filling))
      assert.equal(full.error.code, 'CHECKPOINT_FAILURES_EXCEEDED')
      assert.match(JSON.stringify(full.error.cause), /ENOSPC/)
      const afterwards = filesOf(fixture.path('out-checkpoints'))
      assert.ok(written.size > 0)
      for (const [name, text] of written) assert.equal(afterwards.get(name), text)
      execFileSync('mount', ['-o', 'remount,ro', disk])
      const readOnly = await fixture.failingJob(insert(disk) + select)
      assert.equal(readOnly.error.code, 'CHECKPOINT_DIRECTORY_UNUSABLE')
      assert.match(readOnly.error.hint ?? '', /Mount the filesystem writable/)
    })

    it('restoring: a missing checkpoint, truncated metadata and a truncated state file are named', async () => {
      const dir = fixture.path('checkpoints')
      const missing = await fixture.refused(
        insert(dir, `SET 'execution.state-recovery.path' = '${dir}/chk-1';`) + select,
      )
      assert.match(missing.stderr, /^\[CHECKPOINT_NOT_FOUND\]/)
      const { stdout, stderr } = await fixture.sql(
        `${insert(
          dir,
          `SET 'table.dml-sync' = 'false'; SET 'execution.checkpointing.externalized-checkpoint-retention' = 'RETAIN_ON_CANCELLATION';
           SET 'state.storage.fs.memory-threshold' = '0';`,
        )} ${select}`,
      )
      const jobId = /Job ID: (\w+)/.exec(stdout)?.[1]
      assert.ok(jobId !== undefined, stderr)
      await until('a checkpoint is complete', async () => {
        const { latest } = await fixture.rest.jobCheckpoints(jobId)
        return latest.completed !== null
      })
      const port = new URL(fixture.cluster.restAddress).port
      const cancel = await millrace(['cancel', jobId, '-D', `rest.port=${port}`])
      assert.equal(cancel.stdout, `Job ${jobId} is CANCELED.\n`)
      const metadata = filesBelow(dir).find((name) => name.endsWith('_metadata'))
      assert.ok(metadata !== undefined, filesBelow(dir).join('\n'))
      const restore = insert(
        dir,
        `SET 'execution.state-recovery.path' = '${join(metadata, '..')}';`,
      )
      const state = filesBelow(join(metadata, '..')).find((name) => name !== metadata)
      assert.ok(state !== undefined, filesBelow(dir).join('\n'))
      const whole = readFileSync(state)
      truncateSync(state, Math.floor(whole.length / 2))
      const torn = await fixture.refused(restore + select)
      assert.match(torn.stderr, /^\[STATE_CORRUPTED\]/)
      assert.ok(torn.stderr.includes(`at file ${state}`), torn.stderr)
      writeFileSync(state, whole)
      truncateSync(metadata, Math.floor(readFileSync(metadata).length / 2))
      const damaged = await fixture.refused(restore + select)
      assert.match(damaged.stderr, /^\[CHECKPOINT_METADATA_CORRUPTED\]/)
      assert.ok(damaged.stderr.includes(`at file ${metadata}`), damaged.stderr)
    })
  })

  it('millrace list shows a line a job, without those that have ended unless they are asked for', async () => {
    const rest = ['-D', `rest.port=${new URL(fixture.cluster.restAddress).port}`]
    const { jobs } = await fixture.rest.jobsOverview()
    assert.equal(
      (await millrace(['list', ...rest])).stdout,
      `No such jobs.\n${jobs.length} jobs have ended: millrace list --all\n`,
    )
    const all = await millrace(['list', '-a', ...rest])
    assert.equal(all.code, 0)
    assert.equal(all.stdout.trimEnd().split('\n').length, jobs.length + 2)
    assert.match(all.stdout, /\| FAILED +\|[^|]+\| Cannot read a JSON record[^\n]*… \|\n/)
    for (const flag of ['--running', '-s']) {
      assert.match((await millrace(['list', flag, ...rest])).stdout, /^No such jobs\.\n/)
    }
  })

  it('millrace list JOB_ID shows why it failed in full', async () => {
    const rest = ['-D', `rest.port=${new URL(fixture.cluster.restAddress).port}`]
    const { jobs } = await fixture.rest.jobsOverview()
    const job = jobs.find((entry) => String(entry['status-reason']).includes('slots'))
    const { code, stdout } = await millrace(['list', job?.jid as string, ...rest])
    assert.equal(code, 0)
    assert.match(
      stdout,
      /is FAILED: \[NOT_ENOUGH_SLOTS\] .*\n {2}at option 'slot\.request\.timeout'/,
    )
    const unknown = await millrace(['list', 'f'.repeat(32), ...rest])
    assert.match(unknown.stderr, /^\[JOB_NOT_FOUND\]/)
    const mistyped = await millrace(['list', 'f00', ...rest])
    assert.match(mistyped.stderr, /^\[REST_REQUEST_INVALID\] Give the id of a job, .* 'f00'/)
  })
})
