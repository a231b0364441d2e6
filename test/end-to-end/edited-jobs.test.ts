/**
 * A job that is stopped with a savepoint and goes on as an edited statement, on real processes: what
 * it says before it runs, that its results are right, and which edits are refused.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { millrace, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput({ 'execution.checkpointing.interval': '200 ms' })
const port = new URL(fixture.cluster.restAddress).port

/** A row a second of event time, 60 a window, 500 a second. */
const numbers = (type = 'BIGINT') => `
  CREATE TABLE numbers (n ${type}, k AS n / 1000000, ts AS TO_TIMESTAMP(FROM_UNIXTIME(n)),
    WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'rows-per-second' = '500',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '1000000');`

const sink = (name: string, columns: string) => `
  CREATE TABLE ${name} (s TIMESTAMP(3), ${columns}) WITH ('connector' = 'filesystem',
    'path' = 'file://${fixture.path(name)}', 'format' = 'json');`

interface Query {
  readonly select: string
  readonly rows?: string
  readonly size?: string
  readonly keys?: string
}

const windows = (into: string, { select, rows = 'numbers', size = '1', keys = '' }: Query) => `
  INSERT INTO ${into} SELECT window_start, ${select}
  FROM TABLE(TUMBLE(TABLE ${rows}, DESCRIPTOR(ts), INTERVAL '${size}' MINUTE))
  GROUP BY ${keys}window_start, window_end;`

const from = (savepoint: string) => `SET 'execution.state-recovery.path' = '${savepoint}';`

async function started(script: string): Promise<{ jobId: string; stderr: string }> {
  const { stdout, stderr, code } = await fixture.sql(script)
  const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
  assert.ok(code === 0 && jobId !== undefined, stdout + stderr)
  return { jobId, stderr }
}

async function stopped(jobId: string): Promise<string> {
  const { stdout, stderr } = await millrace([
    'stop',
    '-p',
    fixture.path('savepoints'),
    jobId,
    '-D',
    `rest.port=${port}`,
  ])
  const path = /its savepoint is complete: (\/.*)\n$/.exec(stdout)?.[1]
  assert.ok(path !== undefined, stdout + stderr)
  return path
}

type Shown = Readonly<Record<string, number | string>>

/** By window. */
function shownIn(folder: string): Shown[] {
  if (!existsSync(fixture.path(folder))) return []
  const files = readdirSync(fixture.path(folder)).filter((name) => !/^[._]/.test(name))
  const lines = files.flatMap((name) =>
    readFileSync(`${fixture.path(folder)}/${name}`, 'utf8').split('\n'),
  )
  const rows = lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Shown]))
  return rows.sort((a, b) => String(a.s).localeCompare(String(b.s)))
}

async function shows(folder: string, rows: number): Promise<void> {
  await until(`${folder} has ${rows} windows`, () => shownIn(folder).length >= rows)
}

describe('an edited job', { concurrency: false }, () => {
  let savepoint = ''
  let windowsBefore = 0

  it('goes on with the state of the aggregates that stayed, and says what changed', async () => {
    const before = await started(
      numbers() +
        sink('before', 'c BIGINT, t BIGINT, least BIGINT') +
        windows('before', { select: 'COUNT(*), SUM(n), MIN(n)' }),
    )
    await shows('before', 5)
    savepoint = await stopped(before.jobId)
    const rows = shownIn('before')
    windowsBefore = rows.length
    assert.ok(rows.every(({ c }) => c === 60))

    // Renamed, moved, one gone, one added that shares its count, a projection and a filter between.
    const edited =
      sink('after', 'least BIGINT, mean BIGINT, total BIGINT, c BIGINT') +
      windows('after', {
        select: 'MIN(number) AS m, AVG(number), MAX(number), COUNT(*) AS many',
        rows: '(SELECT n AS number, ts FROM (SELECT * FROM numbers) AS all_numbers)',
      })
    // Another table to write to: what the first one's sink has stored is committed.
    const ignored = `SET 'execution.state-recovery.ignore-unclaimed-state' = 'true';`
    const after = await started(from(savepoint) + ignored + numbers() + edited)
    assert.match(after.stderr, /^Starts from savepoint \/.*:$/m)
    assert.match(after.stderr, /^ {2}restores {6}TableSourceScan\[1\]/m)
    assert.match(
      after.stderr,
      /^ {2}changes {7}GlobalWindowAggregate\[\d+\]:\n( {18}COUNT.*\n) {18}MAX\(n\) since 1 begins empty$/m,
    )
    await shows('after', 3)
    const both = [...rows, ...shownIn('after')]
    both.forEach((row, window) => {
      // The window that was open at the savepoint has all its rows.
      assert.deepEqual([row.c, row.least], [60, window * 60], JSON.stringify(row))
    })
    shownIn('after').forEach(({ total, mean }, i) => {
      const first = (windowsBefore + i) * 60
      assert.equal(total, first + 59, 'MAX of what came since')
      assert.equal(mean, Math.trunc(first + 29.5), 'AVG of what SUM had counted')
    })
    await stopped(after.jobId)
  })

  it('is refused, and nothing runs, where its state cannot go on', async () => {
    const into = sink('never', 'c BIGINT, t BIGINT, least BIGINT')
    const stays = { select: 'COUNT(*), SUM(n), MIN(n)' }
    const script = (query: Query, type?: string) =>
      from(savepoint) + numbers(type) + into + windows('never', query)
    const size = await fixture.refused(script({ ...stays, size: '2' }))
    assert.match(
      size.stderr,
      /^\[STATE_UNCLAIMED\] .*window: TUMBLE\(.*60000 ms\]\) → TUMBLE\(.*120000 ms\]\)/s,
    )
    const key = await fixture.refused(script({ ...stays, keys: 'k, ' }))
    assert.match(key.stderr, /^\[STATE_UNCLAIMED\] [\s\S]*keys: none → n \/ 1000000/)
    assert.match(key.stderr, /\n *stored +\| now\n/)
    const narrowed = await fixture.refused(script(stays, 'INT'))
    assert.match(narrowed.stderr, /^\[STATE_SCHEMA_MISMATCH\] /)
    assert.match(narrowed.stderr, /\n *> SUM\(n\) BIGINT +\| SUM\(n\) INT\n/)
  })
})
