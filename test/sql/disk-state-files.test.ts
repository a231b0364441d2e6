/**
 * State that is many times larger than its memory, on real processes: the same rows as with all of
 * it in memory.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { millrace } from '../end-to-end/bad-input-fixture.ts'

const KEYS = 30_000
const ROUNDS = 3
const GROUPS = 7

describe('state on the local disk', () => {
  let directory: string
  let cluster: LocalCluster
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-disk-state-'))
    cluster = await LocalCluster.start({
      directory: join(directory, 'logs'),
      taskManagers: 1,
      slotsPerTaskManager: 2,
      properties: { 'taskmanager.memory.managed.size': '512 kb' },
    })
    await cluster.ready()
    mkdirSync(join(directory, 'in'))
    for (let part = 0; part < ROUNDS; part++) {
      const lines = Array.from({ length: KEYS }, (_, i) => {
        const k = (i * 7919) % KEYS
        return `{"k":${k},"name":"name ${k}","v":${part + 1}}\n`
      })
      writeFileSync(join(directory, 'in', `part-${part}.json`), lines.join(''))
    }
  })
  before(() => {
    mkdirSync(join(directory, 'timed'))
    const lines = Array.from({ length: 6 * KEYS }, (_, i) => {
      const k = (i * 7919) % KEYS
      const at = new Date(Math.floor((i * 5000) / KEYS)).toISOString().slice(0, 23)
      const v = 1 + (Math.floor(i / KEYS) % 2)
      return `{"k":${k},"name":"name ${k}","v":${v},"ts":"${at.replace('T', ' ')}"}\n`
    })
    writeFileSync(join(directory, 'timed', 'all.json'), lines.join(''))
  })
  after(async () => {
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** The last row of the result. */
  async function lastRow(backend: string, statements: string): Promise<string | undefined> {
    const { stdout, stderr, code } = await millrace([
      ...['sql-client', 'embedded', '-D', `rest.port=${new URL(cluster.restAddress).port}`, '-e'],
      `SET 'state.backend.type' = '${backend}';
      SET 'sql-client.execution.result-mode' = 'tableau'; ${statements}`,
    ])
    assert.equal(code, 0, stderr)
    const rows = stdout.split('\n').filter((line) => /^\| \+[IU] /.test(line))
    return rows.at(-1)?.replaceAll(' ', '')
  }

  const readings = (query: string): string => `SET 'parallelism.default' = '2';
    CREATE TABLE readings (k BIGINT, name STRING, v BIGINT)
      WITH ('connector' = 'filesystem', 'path' = '${join(directory, 'in')}', 'format' = 'json');
    ${query};`

  const GROUPED = `SELECT COUNT(*), SUM(total), SUM(CHAR_LENGTH(name))
      FROM (SELECT k, name, COUNT(*) AS n, SUM(v) AS total FROM readings GROUP BY k, name)
      WHERE n = ${ROUNDS}`

  it('gives what state in memory gives', async () => {
    const names = Array.from({ length: KEYS }, (_, k) => `name ${k}`.length)
    const row = `|+U|${KEYS}|${6 * KEYS}|${names.reduce((a, b) => a + b, 0)}|`
    assert.equal(await lastRow('hashmap', readings(GROUPED)), row)
    assert.equal(await lastRow('rocksdb', readings(GROUPED)), row)
  })

  it('counts distinct values of few groups, and knows their extremes when values are taken back', async () => {
    const groups = Array.from({ length: GROUPS }, (_, g) => g)
    const count = (g: number): number => Math.ceil((KEYS - g) / GROUPS)
    const sum = (of: (g: number) => number): number => groups.map(of).reduce((a, b) => a + b)
    const low = sum((g) => g * 10 + ROUNDS)
    const high = sum((g) => (g + GROUPS * (count(g) - 1)) * 10 + ROUNDS)
    const row = `|+U|${GROUPS}|${KEYS}|${KEYS}|${low}|${high}|`
    // Each value is of one key, and is taken back each time that the key comes again.
    const query = `SELECT COUNT(*), SUM(names), SUM(steps), SUM(low), SUM(high) FROM (
      SELECT g, COUNT(DISTINCT name) AS names, COUNT(DISTINCT w) AS steps,
          MIN(w) AS low, MAX(w) AS high
        FROM (SELECT k, name, MOD(k, ${GROUPS}) AS g, k * 10 + COUNT(*) AS w
          FROM readings GROUP BY k, name)
        GROUP BY g)`
    assert.equal(await lastRow('rocksdb', readings(query)), row)
  })

  /** Each key is in the first half of 10 s with 1, in the second with 2. */
  const windows = (kind: string, aggregate: string): string => `SET 'parallelism.default' = '1';
    CREATE TABLE timed (k BIGINT, name STRING, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
      WITH ('connector' = 'filesystem', 'path' = '${join(directory, 'timed')}', 'format' = 'json');
    SELECT COUNT(*), SUM(n), SUM(total), SUM(more) FROM (
      SELECT window_end, k, name, COUNT(*) AS n, SUM(v) AS total, ${aggregate} AS more
      FROM TABLE(${kind})
      GROUP BY window_start, window_end, k, name);`

  it('fires windows of many times the memory, values of DISTINCT among them', async () => {
    const kind = `TUMBLE(TABLE timed, DESCRIPTOR(ts), INTERVAL '10' SECOND)`
    const row = `|+U|${3 * KEYS}|${6 * KEYS}|${9 * KEYS}|${6 * KEYS}|`
    for (const backend of ['hashmap', 'rocksdb']) {
      assert.equal(await lastRow(backend, windows(kind, 'COUNT(DISTINCT v)')), row, backend)
    }
  })

  it('fires windows that overlap, put together of parts of many times the memory', async () => {
    const kind = `HOP(TABLE timed, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)`
    // Five whole windows between two halves, of which the first has 1 and the last 2.
    const row = `|+U|${7 * KEYS}|${12 * KEYS}|${18 * KEYS}|${13 * KEYS}|`
    for (const backend of ['hashmap', 'rocksdb']) {
      assert.equal(await lastRow(backend, windows(kind, 'MAX(v)')), row, backend)
    }
  })
})
