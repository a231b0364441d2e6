/**
 * Savepoints that an earlier build wrote, read for ever: test/compatibility/savepoints has one
 * directory a format version, and its README says what is in them.
 *
 * Each is restored, over the input that its job had read and more, and the results are those of all
 * of it. `STORE_SAVEPOINTS=1` takes those of a format version that has none yet; what is stored is
 * never written anew.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { inspectCheckpoint } from '@millrace/state'
import { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { InstantFilesystem } from '../scenario/instant-filesystem.ts'
import { JobClient } from '../scenario/job-client.ts'
import { planScript } from '../scenario/plan-job.ts'
import { delay } from '../world/scheduler.ts'

const STORED = join(import.meta.dirname, '../../../../test/compatibility/savepoints')
/** What this build writes. */
const FORMAT = 'format-2'
const INPUT = '/input/readings/file-0.json'
const OUTPUT = '/output/windows'
const TABLE = `CREATE TABLE readings (k INT, v BIGINT, d DOUBLE, s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem',
  'path' = 'file:///input/readings', 'format' = 'json', 'source.monitor-interval' = '200 ms');`

/** State by key with DISTINCT, and MIN and MAX over rows that change; every segment is a file. */
const GROUPS = `${TABLE}
  SET 'parallelism.default' = '2';
  SET 'state.storage.fs.memory-threshold' = '0';
  CREATE TABLE shown (g INT, c BIGINT, n BIGINT, least BIGINT, most BIGINT, x DOUBLE)
    WITH ('connector' = 'print');
  INSERT INTO shown SELECT g, SUM(c), SUM(n), MIN(m), MAX(m), SUM(x) FROM (
    SELECT k, MOD(k, 3) AS g, COUNT(*) AS c, COUNT(DISTINCT v) AS n, MAX(v) AS m, SUM(d) AS x
    FROM readings GROUP BY k) GROUP BY g;`

/** Windows and their timers, offsets of the source, pending files of the sink; all in one file. */
const WINDOWS = `${TABLE}
  SET 'parallelism.default' = '2';
  CREATE TABLE windows (st TIMESTAMP(3), k INT, c BIGINT, n BIGINT, least BIGINT, longest STRING)
    WITH ('connector' = 'filesystem', 'path' = 'file://${OUTPUT}', 'format' = 'json');
  INSERT INTO windows SELECT window_start, k, COUNT(*), COUNT(DISTINCT v), MIN(v), MAX(s)
    FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
    GROUP BY window_start, window_end, k;`

interface Reading {
  readonly k: number
  readonly v: number
  readonly d: number
  readonly s: string
  /** Second of the day. */
  readonly at: number
}

/** Six a minute for each of seven keys. */
const readings = (from: number, to: number): Reading[] =>
  Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    return { k: n % 7, v: (n * 37) % 11, d: (n % 8) / 4, s: `t${(n * 13) % 50}`, at: n * 1.25 }
  })

const BEFORE = readings(0, 200)
const AFTER = readings(200, 500)
const timeOf = (at: number): string =>
  new Date(1_700_000_000_000 - (1_700_000_000_000 % 86_400_000) + at * 1000)
    .toISOString()
    .slice(0, 23)
    .replace('T', ' ')
const linesOf = (rows: readonly Reading[]): string =>
  rows.map(({ at, ...row }) => `${JSON.stringify({ ...row, ts: timeOf(at) })}\n`).join('')

class Run {
  readonly environment: SimulatedEnvironment
  readonly client: JobClient
  readonly printed: string[] = []

  constructor(taskManagers = 1) {
    this.environment = new SimulatedEnvironment(
      {
        ...{ seed: 1, jobManagers: 1, taskManagers, slotsPerTaskManager: 3, brokers: 1 },
        ...{ slowness: [], properties: { 'execution.checkpointing.interval': '500 ms' } },
      },
      { onPrint: (text) => this.printed.push(...text.split('\n').filter((line) => line !== '')) },
    )
    const { world, cluster } = this.environment
    this.client = new JobClient(world, cluster)
  }

  /** Drives `work` to its end. */
  async drive(work: () => Promise<void>): Promise<void> {
    this.environment.start()
    let done = false
    let failure: unknown = null
    work().then(
      () => void (done = true),
      (error) => {
        failure = error
        done = true
      },
    )
    await this.environment.world.run(600_000, () => done)
    if (failure !== null) throw failure
    assert.ok(done, 'the run had no end')
  }

  async submit(script: string, settings: Readonly<Record<string, string>>, number: number) {
    const set = Object.entries(settings).map(([key, value]) => `SET '${key}' = '${value}';`)
    const jobGraph = planScript(this.environment, `${set.join('\n')}\n${script}`, number)
    await this.client.submit(jobGraph)
    return jobGraph.jobId
  }

  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const { world } = this.environment
    for (const endMs = world.nowMs + 60_000; world.nowMs < endMs; await delay(world, 100)) {
      if (await isSo()) return
    }
    assert.fail(`In vain until ${what}`)
  }

  /** Rows that `print` shows in the end, by their first column. */
  shown(): Map<string, string> {
    const rows = new Map<string, string>()
    for (const line of this.printed) {
      const [, kind, row] = /(\+I|-U|\+U|-D)\[(.*)\]$/.exec(line) ?? []
      if (row === undefined) continue
      const key = row.split(', ')[0] as string
      if (kind === '+I' || kind === '+U') rows.set(key, row)
    }
    return rows
  }

  /** Lines of the files that the sink has committed. */
  windows(): string[] {
    const { disk } = this.environment
    const visible = disk.files(OUTPUT).filter(({ path }) => !/\/[._][^/]*$/.test(path))
    const text = visible.map(({ path }) => new TextDecoder().decode(disk.bytesOf(path))).join('')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .sort()
  }
}

function expectedGroups(): Map<string, string> {
  const byKey = Map.groupBy([...BEFORE, ...AFTER], ({ k }) => k)
  const keys = [...byKey].map(([k, rows]) => ({
    g: k % 3,
    c: rows.length,
    n: new Set(rows.map(({ v }) => v)).size,
    m: Math.max(...rows.map(({ v }) => v)),
    x: rows.reduce((sum, { d }) => sum + d, 0),
  }))
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  return new Map(
    [...Map.groupBy(keys, ({ g }) => g)].map(([g, all]) => {
      const most = all.map(({ m }) => m)
      const x = sum(all.map((each) => each.x))
      const counts = [sum(all.map(({ c }) => c)), sum(all.map(({ n }) => n))]
      const row = [g, ...counts, Math.min(...most), Math.max(...most)]
      return [`${g}`, `${row.join(', ')}, ${Number.isInteger(x) ? x.toFixed(1) : x}`]
    }),
  )
}

/** Windows that the last reading closes. */
function expectedWindows(): string[] {
  const all = [...BEFORE, ...AFTER]
  const watermark = Math.max(...all.map(({ at }) => at)) - 5.001
  const groups = Map.groupBy(all, ({ k, at }) => `${Math.floor(at / 60)} ${k}`)
  return [...groups]
    .flatMap(([key, rows]) => {
      const [minute, k] = key.split(' ').map(Number) as [number, number]
      if (minute * 60 + 59.999 > watermark) return []
      const v = rows.map((row) => row.v)
      const longest = rows.map(({ s }) => s).reduce((a, b) => (a > b ? a : b))
      const row = { st: timeOf(minute * 60).replace(/\.000$/, ''), k, c: rows.length }
      return [JSON.stringify({ ...row, n: new Set(v).size, least: Math.min(...v), longest })]
    })
    .sort()
}

/** Of a job that has read `BEFORE`: by name, relative to `/savepoints`. */
async function take(script: string): Promise<Map<string, Uint8Array>> {
  const run = new Run()
  const { disk } = run.environment
  disk.place(INPUT, new TextEncoder().encode(linesOf(BEFORE)))
  await run.drive(async () => {
    const jobId = await run.submit(script, {}, 1)
    let location: string | null = null
    await run.until('the job has read its input', async () => {
      const counts = await run.client.ask(jobId, (job) => job.statistics.counts.completed)
      return Number(counts) >= 6
    })
    void run.client.ask(jobId, async (job) => {
      const request = { targetDirectory: '/savepoints', format: 'canonical' } as const
      location = await job.savepoint(request)
    })
    await run.until('the savepoint is complete', () => location !== null)
  })
  const files = disk.files('/savepoints').map(({ path }) => path)
  return new Map(files.map((path) => [path.split('/').slice(3).join('/'), disk.bytesOf(path)]))
}

/** The savepoint of `name` restored with `settings`, until `isRight`. */
async function restore(
  directory: string,
  script: string,
  settings: Readonly<Record<string, string>>,
  isRight: (run: Run) => boolean,
): Promise<Run> {
  const run = new Run(2)
  const { disk } = run.environment
  for (const name of readdirSync(directory)) {
    disk.place(`/stored/${name}`, readFileSync(join(directory, name)))
  }
  disk.place(INPUT, new TextEncoder().encode(linesOf([...BEFORE, ...AFTER])))
  await run.drive(async () => {
    const recovery = { 'execution.state-recovery.path': '/stored', ...settings }
    await run.submit(script, recovery, 2)
    await run.until('the results are there', () => isRight(run)).catch(() => {})
  })
  return run
}

const JOBS = { groups: GROUPS, windows: WINDOWS } as const

if (process.env.STORE_SAVEPOINTS === '1') {
  for (const [name, script] of Object.entries(JOBS)) {
    const directory = join(STORED, FORMAT, name)
    if (existsSync(directory)) continue
    for (const [file, bytes] of await take(script)) {
      const path = join(directory, file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, bytes)
    }
  }
}

/** By the names that the first format has for them. */
const KINDS: readonly string[] = [
  ...['groups: coordinator', 'groups: splits', 'groups: groups', 'groups: values of MAX(v)'],
  ...['windows: coordinator', 'windows: splits', 'windows: groups', 'windows: watermark'],
  ...['windows: values of DISTINCT v', 'windows: writer-state'],
]

const RESTORES: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'parallelism.default': '3' },
  { 'parallelism.default': '1', 'state.backend.type': 'rocksdb' },
]

for (const format of readdirSync(STORED).filter((name) => name.startsWith('format-'))) {
  describe(`savepoints of ${format}`, () => {
    for (const settings of RESTORES) {
      const how = Object.values(settings).join(' on ') || 'as they were'
      it(`groups go on with their DISTINCT values, MIN and MAX: ${how}`, async () => {
        const expected = [...expectedGroups()].sort()
        const shown = (run: Run) => [...run.shown()].sort()
        const isRight = (run: Run) => JSON.stringify(shown(run)) === JSON.stringify(expected)
        const run = await restore(
          join(STORED, format, 'groups'),
          withSet(GROUPS, settings),
          settings,
          isRight,
        )
        assert.deepEqual(shown(run), expected)
      })

      it(`open windows fire with what was in them, closed ones not again: ${how}`, async () => {
        const closed = closedBefore()
        const expected = expectedWindows().filter((line) => !closed.has(line))
        const isRight = (run: Run) => run.windows().length >= expected.length
        const run = await restore(
          join(STORED, format, 'windows'),
          withSet(WINDOWS, settings),
          settings,
          isRight,
        )
        assert.deepEqual(run.windows(), expected)
      })
    }

    for (const backend of ['hashmap', 'rocksdb']) {
      const settings = { 'state.backend.type': backend }
      const wider = (script: string) =>
        script.replaceAll('k INT', 'k BIGINT').replace('g INT', 'g BIGINT')

      it(`groups and windows go on under keys that are wider now: on ${backend}`, async () => {
        const expected = [...expectedGroups()].sort()
        const shown = (run: Run) => [...run.shown()].sort()
        const groups = await restore(
          join(STORED, format, 'groups'),
          wider(GROUPS),
          settings,
          (run) => JSON.stringify(shown(run)) === JSON.stringify(expected),
        )
        assert.deepEqual(shown(groups), expected)
        const closed = closedBefore()
        const open = expectedWindows().filter((line) => !closed.has(line))
        const isRight = (run: Run) => run.windows().length >= open.length
        const windows = await restore(
          join(STORED, format, 'windows'),
          wider(WINDOWS),
          settings,
          isRight,
        )
        assert.deepEqual(windows.windows(), open)
      })
    }

    // Nobody asked for a restore plan: the graph is submitted as it was planned.
    it('an aggregate that is added to open windows says what rows since say, and disturbs no other', async () => {
      const script = WINDOWS.replace('longest STRING)', 'longest STRING, mean BIGINT)').replace(
        'MAX(s)\n',
        'MAX(s), AVG(v)\n',
      )
      const closed = closedBefore()
      const expected = expectedWindows()
        .filter((line) => !closed.has(line))
        .map(withMeanOfAfter)
      const isRight = (run: Run) => run.windows().length >= expected.length
      const run = await restore(join(STORED, format, 'windows'), script, {}, isRight)
      assert.deepEqual(run.windows(), expected.sort())
    })

    it('have every kind of state', async () => {
      const found = new Map<string, number>()
      for (const name of Object.keys(JOBS)) {
        const { disk } = new Run().environment
        for (const file of readdirSync(join(STORED, format, name))) {
          disk.place(`/stored/${file}`, readFileSync(join(STORED, format, name, file)))
        }
        const { operators } = await inspectCheckpoint('/stored', new InstantFilesystem(disk))
        for (const { states } of operators) {
          for (const state of states) found.set(`${name}: ${state.name}`, state.rows)
        }
      }
      for (const name of KINDS) assert.ok((found.get(name) ?? 0) > 0, `${name}: ${[...found]}`)
    })
  })
}

/** What a script sets holds against what stands before it. */
function withSet(script: string, settings: Readonly<Record<string, string>>): string {
  return 'parallelism.default' in settings
    ? script.replace(/SET 'parallelism\.default' = '2';/, '')
    : script
}

/** A window's line with the mean of those of its readings that the stored job had not read. */
function withMeanOfAfter(line: string): string {
  const row = JSON.parse(line) as { readonly st: string; readonly k: number }
  const minute = Math.floor((Date.parse(`${row.st.replace(' ', 'T')}Z`) % 86_400_000) / 60_000)
  const own = AFTER.filter(({ k, at }) => k === row.k && Math.floor(at / 60) === minute)
  const sum = own.reduce((all, { v }) => all + v, 0)
  return JSON.stringify({ ...row, mean: own.length === 0 ? null : Math.trunc(sum / own.length) })
}

/** Windows that the stored job had shown: those that its own readings close. */
function closedBefore(): Set<string> {
  const watermark = Math.max(...BEFORE.map(({ at }) => at)) - 5.001
  return new Set(
    expectedWindows().filter((line) => {
      const { st } = JSON.parse(line) as { st: string }
      const seconds = (Date.parse(`${st.replace(' ', 'T')}Z`) % 86_400_000) / 1000
      return seconds + 59.999 <= watermark
    }),
  )
}
