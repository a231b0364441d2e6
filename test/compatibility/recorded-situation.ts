/**
 * The situation in which answers were recorded, on our cluster: jobs that run, have finished,
 * failed, were cancelled, were stopped with a savepoint, are without checkpoints, are slow.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'
import { until } from '../support/until.ts'

/** Jobs by the last digits of the id that stands for them in recorded answers. */
export type RecordedJob = 'a01' | 'a02' | 'a03' | 'a04' | 'a05' | 'a06' | 'a07'

export interface RecordedSituation {
  readonly directory: string
  readonly cluster: LocalCluster
  readonly runner: SqlRunner
  readonly jobs: ReadonlyMap<RecordedJob, string>
  /** Of the TaskManager. */
  readonly taskManagerId: string
  stop(): Promise<void>
}

const SLOTS = 16
const CHECKPOINTS = `SET 'execution.checkpointing.interval' = '200 ms';`
const SENSOR = `CREATE TABLE sensor (id BIGINT, v DOUBLE, ts AS LOCALTIMESTAMP,
    WATERMARK FOR ts AS ts - INTERVAL '0.1' SECOND)
  WITH ('connector' = 'datagen', 'rows-per-second' = '20', 'fields.id.min' = '1', 'fields.id.max' = '5');
  CREATE TABLE out_agg (id BIGINT, w TIMESTAMP(3), n BIGINT, t DOUBLE) WITH ('connector' = 'blackhole');`
const WINDOWS = `INSERT INTO out_agg SELECT id, window_end, COUNT(*), SUM(v)
  FROM TABLE(TUMBLE(TABLE sensor, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY id, window_start, window_end;`
const OUT = `CREATE TABLE out_rows (id BIGINT) WITH ('connector' = 'blackhole');`

const SCRIPTS: Readonly<Record<RecordedJob, string>> = {
  a01: `${CHECKPOINTS} ${SENSOR} SET 'pipeline.name' = 'golden-running'; ${WINDOWS}`,
  a02: `${CHECKPOINTS} ${OUT} SET 'pipeline.name' = 'golden-finished';
    CREATE TABLE few (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '100',
      'fields.id.min' = '1', 'fields.id.max' = '5');
    INSERT INTO out_rows SELECT COUNT(*) FROM few GROUP BY id;`,
  a03: `${CHECKPOINTS} ${OUT} SET 'pipeline.name' = 'golden-failed'; SET 'parallelism.default' = '1';
    CREATE TABLE slow (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50',
      'fields.id.min' = '1', 'fields.id.max' = '1');
    INSERT INTO out_rows SELECT 10 / (id - 1) FROM slow;`,
  a04: `${CHECKPOINTS} ${SENSOR} SET 'pipeline.name' = 'golden-cancelled'; ${WINDOWS}`,
  a05: `${CHECKPOINTS} ${SENSOR} SET 'pipeline.name' = 'golden-stopped'; ${WINDOWS}`,
  a06: `SET 'execution.checkpointing.interval' = '0 s'; ${SENSOR}
    SET 'pipeline.name' = 'golden-nocheckpoints'; SET 'parallelism.default' = '1'; ${WINDOWS}`,
  a07: `${CHECKPOINTS} ${OUT} SET 'pipeline.name' = 'golden-backpressured';
    SET 'parallelism.default' = '1';
    CREATE TABLE flood (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100000');
    INSERT INTO out_rows SELECT COUNT(*) FROM flood GROUP BY MOD(id, 7);`,
}

export async function startRecordedSituation(): Promise<RecordedSituation> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-recorded-'))
  const cluster = await LocalCluster.start({
    directory: join(directory, 'cluster'),
    taskManagers: 1,
    slotsPerTaskManager: SLOTS,
    properties: {
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '2',
      'restart-strategy.fixed-delay.delay': '100 ms',
      'execution.checkpointing.savepoint-dir': `file://${join(directory, 'savepoints')}`,
      'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
      'metrics.fetcher.update-interval': '200 ms',
      'rest.flamegraph.num-samples': '20',
      'rest.flamegraph.delay-between-samples': '5 ms',
      'parallelism.default': '2',
    },
  })
  await cluster.ready()
  const runner = sqlRunner(cluster.restAddress)
  const jobs = new Map<RecordedJob, string>()
  for (const [job, script] of Object.entries(SCRIPTS)) {
    jobs.set(job as RecordedJob, await runner.submit(`SET 'parallelism.default' = '2'; ${script}`))
  }
  const ended = { a02: 'FINISHED', a03: 'FAILED' } as const
  for (const [job, jobId] of jobs) {
    const wanted: string = ended[job as 'a02'] ?? 'RUNNING'
    await until(`${job} is ${wanted}`, async () => {
      const [detail, checkpoints] = [
        await runner.rest.jobDetail(jobId),
        job !== 'a06' && wanted === 'RUNNING',
      ]
      if (detail.state !== wanted) return false
      const isReported = detail.vertices.every(({ metrics }) => metrics['read-bytes-complete'])
      if (wanted === 'RUNNING' && !isReported) return false
      if (job === 'a01' && detail.vertices.at(-1)?.['low-watermark'] === null) return false
      return !checkpoints || (await runner.rest.jobCheckpoints(jobId)).counts.completed > 1
    })
  }
  const [taskManager] = (await runner.rest.taskManagers()).taskmanagers
  return {
    directory,
    cluster,
    runner,
    jobs,
    taskManagerId: (taskManager as { id: string }).id,
    async stop() {
      await runner.close()
      await cluster.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
