/**
 * Savepoints that a job cannot start from, and savepoints that cannot be taken: each by the same
 * name in SQL client, command line, REST and log; and the job that runs goes on.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { failureOf } from '@millrace/rest-api'
import { until } from '../support/until.ts'
import { assertPresentable, millrace, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput({
  'execution.checkpointing.interval': '200 ms',
  'state.storage.fs.memory-threshold': '0',
})
const port = new URL(fixture.cluster.restAddress).port
const run = (...args: string[]) => millrace([...args, '-D', `rest.port=${port}`])

const TABLES = `CREATE TABLE readings (k INT, v BIGINT) WITH ('connector' = 'datagen',
    'rows-per-second' = '50', 'fields.k.min' = '0', 'fields.k.max' = '9');
  CREATE TABLE sums (k INT, s BIGINT) WITH ('connector' = 'blackhole');`
const INSERT = 'INSERT INTO sums SELECT k, SUM(v) FROM readings GROUP BY k;'

async function submit(script: string): Promise<string> {
  const { stdout, stderr } = await fixture.sql(script)
  const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
  assert.ok(jobId !== undefined, stdout + stderr)
  return jobId
}

const jobId = await submit(TABLES + INSERT)
await until('the job has checkpoints', async () => {
  return (await fixture.rest.jobCheckpoints(jobId)).counts.completed > 3
})
const taken = await run('savepoint', jobId, fixture.path('savepoints'))
const savepoint = /is complete: (\/.*)\n$/.exec(taken.stdout)?.[1] as string
assert.ok(savepoint !== undefined, taken.stderr)

async function assertGoesOn(): Promise<void> {
  const { counts } = await fixture.rest.jobCheckpoints(jobId)
  await until('the job takes further checkpoints', async () => {
    return (await fixture.rest.jobCheckpoints(jobId)).counts.completed > counts.completed
  })
  const { state, restarts } = await fixture.rest.jobDetail(jobId)
  assert.deepEqual([state, restarts], ['RUNNING', 0])
}

const metadata = (directory: string) => `${directory}/_metadata`
const segmentIn = (directory: string): string => {
  const name = readdirSync(directory).find((each) => each.endsWith('.state'))
  return `${directory}/${name}`
}
const edit = (file: string, change: (text: string) => string): void => {
  writeFileSync(file, Buffer.from(change(readFileSync(file, 'latin1')), 'latin1'))
}

interface BadSavepoint {
  readonly what: string
  readonly damage: (directory: string) => void
  readonly shown: RegExp
  /** Of its own making, not of the statement's. */
  readonly isDamaged: boolean
  readonly script?: string
}

const NOTHING = (): void => {}
const BAD: readonly BadSavepoint[] = [
  {
    what: 'metadata that ends early',
    damage: (directory) => truncateSync(metadata(directory), 90),
    shown: /^\[CHECKPOINT_METADATA_CORRUPTED\] Cannot read .*_metadata: it has \d+ bytes of \d+\./m,
    isDamaged: true,
  },
  {
    what: 'metadata that was edited',
    damage: (directory) =>
      edit(metadata(directory), (text) => text.replace('"checkpointId":', '"checkpointID":')),
    shown: /^\[CHECKPOINT_METADATA_CORRUPTED\] Cannot read .*_metadata: its checksum is wrong\./m,
    isDamaged: true,
  },
  {
    what: 'another format version',
    damage: (directory) =>
      edit(metadata(directory), (text) => text.replace(/^(\S+) \d+/, '$1 900')),
    shown: /^\[CHECKPOINT_VERSION_UNSUPPORTED\] .* its format is version 900; /m,
    isDamaged: true,
  },
  {
    what: 'a segment that is missing',
    damage: (directory) => rmSync(segmentIn(directory)),
    shown: /^\[STATE_CORRUPTED\] Cannot read the state in .*\.state: the file is missing\./m,
    isDamaged: true,
  },
  {
    what: 'a segment that ends early',
    damage: (directory) => truncateSync(segmentIn(directory), 60),
    shown: /^\[STATE_CORRUPTED\] .*\.state: it has 60 bytes instead of \d+\./m,
    isDamaged: true,
  },
  {
    what: 'no savepoint at all',
    damage: (directory) => rmSync(metadata(directory)),
    shown: /^\[CHECKPOINT_NOT_FOUND\] There is no complete checkpoint at /m,
    isDamaged: true,
  },
  {
    what: 'another job’s savepoint',
    damage: NOTHING,
    shown: /^\[STATE_UNCLAIMED\] Savepoint /m,
    isDamaged: false,
    script: `CREATE TABLE others (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
      CREATE TABLE counts (c BIGINT) WITH ('connector' = 'blackhole');
      INSERT INTO counts SELECT COUNT(*) FROM others;`,
  },
  {
    what: 'a smaller max parallelism',
    damage: NOTHING,
    shown: /^\[STATE_MAX_PARALLELISM_MISMATCH\] /m,
    isDamaged: false,
    script: `SET 'pipeline.max-parallelism' = '4'; ${TABLES} ${INSERT}`,
  },
]

describe('a job is not started from', () => {
  for (const [number, { what, damage, shown, isDamaged, script }] of BAD.entries()) {
    it(what, async () => {
      const copy = fixture.path(`bad-${number}`)
      cpSync(savepoint, copy, { recursive: true })
      damage(copy)
      const recovery = `SET 'execution.state-recovery.path' = '${copy}';`
      const refused = await fixture.refused(`${recovery} ${script ?? TABLES + INSERT}`)
      assert.match(refused.stderr, shown)
      if (isDamaged) {
        const inspected = await run('state', 'inspect', copy)
        assert.equal(inspected.code, 1)
        assert.match(inspected.stderr, shown)
        assertPresentable(inspected)
      }
      await assertGoesOn()
    })
  }
})

describe('a savepoint is not taken', () => {
  const cases: [string, RegExp, () => Promise<{ id: string; target: string }>][] = [
    [
      'of a job that has ended',
      /^\[SAVEPOINT_NOT_POSSIBLE\] Take savepoints of jobs that run; job .* is CANCELED\./,
      async () => {
        const id = await submit(TABLES + INSERT)
        await run('cancel', id)
        return { id, target: fixture.path('savepoints') }
      },
    ],
    [
      'where nobody can write',
      /^\[SAVEPOINT_DIRECTORY_UNUSABLE\] Cannot write a savepoint to \/dev\/null\//,
      async () => ({ id: jobId, target: '/dev/null/savepoints' }),
    ],
    [
      'of a job that nobody knows',
      /^\[JOB_NOT_FOUND\] There is no job /,
      async () => ({ id: 'f'.repeat(32), target: fixture.path('savepoints') }),
    ],
  ]
  for (const [what, shown, arrange] of cases) {
    it(what, async () => {
      const { id, target } = await arrange()
      for (const command of [
        ['savepoint', id, target],
        ['stop', '-p', target, id],
        ['stop', '--drain', '-p', target, id],
      ]) {
        const outcome = await run(...command)
        assert.match(outcome.stderr, shown, command.join(' '))
        assertPresentable(outcome)
      }
      const sql = await fixture.sql(
        `SET 'execution.checkpointing.savepoint-dir' = '${target}'; STOP JOB '${id}' WITH SAVEPOINT;`,
      )
      assert.match(sql.stderr, new RegExp(shown.source, 'm'))
      const trigger = await fixture.rest.triggerSavepoint(id, { targetDirectory: target })
      await until('REST knows the outcome', async () => {
        return (await fixture.rest.savepointStatus(id, trigger)).status.id === 'COMPLETED'
      })
      const failure = failureOf(await fixture.rest.savepointStatus(id, trigger))
      assert.match(`[${failure?.code}] ${failure?.message}`, shown)
      await assertGoesOn()
    })
  }
})
