/**
 * Parts that queries of one job have in common run once, and give every reader all rows, also
 * through a checkpoint.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'

const ROWS = Array.from({ length: 400 }, (_, i) => ({ k: `k${i % 7}`, v: i }))

function tableOf(name: string, directory: string): string {
  const options = `'connector' = 'filesystem', 'path' = '${directory}', 'format' = 'json'`
  return `CREATE TABLE ${name} (k STRING, v BIGINT) WITH (${options});`
}

/** Lines of the visible files, sorted. */
function rowsIn(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^[._]/.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
  return files.flatMap((text) => text.split('\n').filter((line) => line !== '')).sort()
}

const lines = (rows: readonly { k: string; v: number }[]) =>
  rows.map((row) => JSON.stringify(row)).sort()

describe('a table that a job reads several times', () => {
  let directory: string
  let cluster: LocalCluster
  let runner: SqlRunner
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-shared-'))
    cluster = await LocalCluster.start({
      directory: join(directory, 'logs'),
      taskManagers: 1,
      slotsPerTaskManager: 2,
      properties: {},
    })
    await cluster.ready()
    runner = sqlRunner(cluster.restAddress)
    mkdirSync(join(directory, 'in'))
    for (const part of [0, 1]) {
      const text = lines(ROWS.filter((_, i) => i % 2 === part)).join('\n')
      writeFileSync(join(directory, 'in', `part-${part}.json`), `${text}\n`)
    }
  })
  after(async () => {
    await runner?.close()
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  async function run(name: string, statement: string): Promise<(table: string) => string[]> {
    const place = join(directory, name)
    const jobId = await runner.submit(`SET 'parallelism.default' = '2';
      SET 'execution.checkpointing.interval' = '50 ms';
      SET 'execution.checkpointing.dir' = 'file://${join(place, 'checkpoints')}';
      ${tableOf('numbers', join(directory, 'in'))}
      ${tableOf('a', join(place, 'a'))} ${tableOf('b', join(place, 'b'))}
      ${statement}`)
    await runner.awaitJob(jobId, (detail) => detail.state === 'FINISHED', 120_000)
    return (table) => rowsIn(join(place, table))
  }

  it('gives each INSERT of a statement set its own rows', async () => {
    const rowsOf = await run(
      'set',
      `EXECUTE STATEMENT SET BEGIN
       INSERT INTO a SELECT k, v FROM numbers WHERE v < 100;
       INSERT INTO b SELECT UPPER(k), v + 1 FROM numbers WHERE k = 'k3'; END;`,
    )
    assert.deepEqual(rowsOf('a'), lines(ROWS.filter(({ v }) => v < 100)))
    const ofB = ROWS.filter(({ k }) => k === 'k3').map(({ v }) => ({ k: 'K3', v: v + 1 }))
    assert.deepEqual(rowsOf('b'), lines(ofB))
  })

  it('counts twice in a UNION ALL with itself', async () => {
    const rowsOf = await run(
      'union',
      'INSERT INTO a SELECT k, v FROM numbers UNION ALL SELECT k, v FROM numbers;',
    )
    assert.deepEqual(rowsOf('a'), lines([...ROWS, ...ROWS]))
  })
})
