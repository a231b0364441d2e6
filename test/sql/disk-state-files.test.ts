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
  after(async () => {
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** The last row of the result. */
  async function resultWith(backend: string): Promise<string | undefined> {
    const path = join(directory, 'in')
    const { stdout, stderr, code } = await millrace([
      ...['sql-client', 'embedded', '-D', `rest.port=${new URL(cluster.restAddress).port}`, '-e'],
      `SET 'parallelism.default' = '2'; SET 'state.backend.type' = '${backend}';
      SET 'sql-client.execution.result-mode' = 'tableau';
      CREATE TABLE readings (k BIGINT, name STRING, v BIGINT)
        WITH ('connector' = 'filesystem', 'path' = '${path}', 'format' = 'json');
      SELECT COUNT(*), SUM(total), SUM(CHAR_LENGTH(name))
        FROM (SELECT k, name, COUNT(*) AS n, SUM(v) AS total FROM readings GROUP BY k, name)
        WHERE n = ${ROUNDS};`,
    ])
    assert.equal(code, 0, stderr)
    const rows = stdout.split('\n').filter((line) => /^\| \+[IU] /.test(line))
    return rows.at(-1)?.replaceAll(' ', '')
  }

  it('gives what state in memory gives', async () => {
    const names = Array.from({ length: KEYS }, (_, k) => `name ${k}`.length)
    const row = `|+U|${KEYS}|${6 * KEYS}|${names.reduce((a, b) => a + b, 0)}|`
    assert.equal(await resultWith('hashmap'), row)
    assert.equal(await resultWith('rocksdb'), row)
  })
})
