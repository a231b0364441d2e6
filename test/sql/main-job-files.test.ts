/**
 * The main job over files gives what a plain computation gives, whatever the parallelism,
 * TaskManagers and partitions.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { fileResultTail } from '../../packages/distribution/src/start/result-tail.ts'
import { randomReadings } from '../support/random-readings.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'
import {
  type Aggregate,
  compareAggregates,
  expectedAggregates,
  type Reading,
} from '../support/sensor-oracle.ts'

const RIGHT = { missing: [], doubled: [], wrong: [], unexpected: [] }

function writeInput(directory: string, partitions: readonly Reading[][]): void {
  mkdirSync(directory, { recursive: true })
  partitions.forEach((readings, n) => {
    const text = readings.map((reading) => `${JSON.stringify(reading)}\n`).join('')
    writeFileSync(join(directory, `partition-${n}.jsonl`), text)
  })
}

for (const taskManagers of [1, 2, 3]) {
  describe(`on ${taskManagers} TaskManager${taskManagers === 1 ? '' : 's'}`, () => {
    let directory: string
    let cluster: LocalCluster
    let runner: SqlRunner
    before(async () => {
      directory = mkdtempSync(join(tmpdir(), 'millrace-sql-'))
      cluster = await LocalCluster.start({
        directory: join(directory, 'logs'),
        taskManagers,
        slotsPerTaskManager: Math.ceil(4 / taskManagers),
        properties: { 'metrics.fetcher.update-interval': '500 ms' },
      })
      await cluster.ready()
      runner = sqlRunner(cluster.restAddress)
    })
    after(async () => {
      await runner?.close()
      await cluster?.stop()
      rmSync(directory, { recursive: true, force: true })
    })

    for (const [parallelism, partitions] of [
      [1, 3],
      [2, 1],
      [3, 3],
      [4, 5],
    ] as const) {
      it(`aggregates ${partitions} partitions at parallelism ${parallelism}`, async () => {
        const seed = taskManagers * 100 + parallelism * 10 + partitions
        const filled = Math.max(1, partitions - (seed % 2))
        const readings = randomReadings({ seed, count: 3000, partitions, filledPartitions: filled })
        const place = join(directory, `case-${parallelism}-${partitions}`)
        writeInput(join(place, 'in'), readings)
        const checkpoints: Record<string, string> =
          parallelism % 2 === 0
            ? {
                'execution.checkpointing.interval': '100 ms',
                'execution.checkpointing.dir': `file://${join(place, 'checkpoints')}`,
              }
            : {}
        const jobId = await runner.submit(
          mainJobSql(
            { connector: 'filesystem', path: join(place, 'in') },
            { connector: 'filesystem', path: join(place, 'out') },
            { 'parallelism.default': String(parallelism), ...checkpoints },
          ),
        )
        await runner.awaitJob(jobId, (detail) => detail.state === 'FINISHED', 120_000)
        const rows = (await fileResultTail(join(place, 'out')).next()) as Aggregate[]
        const comparison = compareAggregates(expectedAggregates(readings.flat()), rows)
        assert.deepEqual(comparison, RIGHT, `seed ${seed}`)
      })
    }

    it('gives the same from the older GROUP BY TUMBLE form', async () => {
      const readings = randomReadings({ seed: 77, count: 1000, partitions: 3, filledPartitions: 3 })
      const place = join(directory, 'older-form')
      writeInput(join(place, 'in'), readings)
      const script = mainJobSql(
        { connector: 'filesystem', path: join(place, 'in') },
        { connector: 'filesystem', path: join(place, 'out') },
        {},
      )
        .replace(
          'window_start, window_end, AVG',
          "TUMBLE_START(event_time, INTERVAL '1' MINUTE), TUMBLE_END(event_time, INTERVAL '1' MINUTE), AVG",
        )
        .replace(
          "FROM TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))",
          'FROM sensor_readings',
        )
        .replace(
          'GROUP BY sensor_id, window_start, window_end',
          "GROUP BY sensor_id, TUMBLE(event_time, INTERVAL '1' MINUTE)",
        )
      assert.match(script, /FROM sensor_readings\nGROUP BY sensor_id, TUMBLE\(/)
      const jobId = await runner.submit(script)
      await runner.awaitJob(jobId, (detail) => detail.state === 'FINISHED', 120_000)
      const rows = (await fileResultTail(join(place, 'out')).next()) as Aggregate[]
      assert.deepEqual(compareAggregates(expectedAggregates(readings.flat()), rows), RIGHT)
    })
  })
}
