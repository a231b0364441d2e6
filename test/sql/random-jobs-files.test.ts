/**
 * Random jobs over files give what the simulation's oracle gives: planner, operators and connectors
 * against a plain computation of the same job, on one cluster. A failure names the seed;
 * `WORKLOAD_SEEDS=120-180` runs others.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  FILES_PROFILE,
  generateWorkload,
  inputLines,
  inputName,
  judgeOutput,
  OUTPUT_NAME,
  SeededRandom,
  type Workload,
  type WorkloadProfile,
  workloadSql,
} from '@millrace/simulation'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'

const PROFILE: WorkloadProfile = {
  ...FILES_PROFILE,
  sinks: ['filesystem', 'print'],
}

function seeds(): number[] {
  const [from, to] = (process.env.WORKLOAD_SEEDS ?? '0-29').split('-').map(Number)
  return Array.from({ length: to! - from! + 1 }, (_, n) => from! + n)
}

describe('random jobs over files', () => {
  let directory: string
  let cluster: LocalCluster
  let runner: SqlRunner
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-random-'))
    cluster = await LocalCluster.start({
      directory: join(directory, 'logs'),
      taskManagers: 1,
      slotsPerTaskManager: 4,
    })
    await cluster.ready()
    runner = sqlRunner(cluster.restAddress)
  })
  after(async () => {
    await runner?.close()
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  async function run(workload: Workload, place: string, printIdentifier: string) {
    for (const { name } of workload.tables) {
      const input = join(place, inputName(name))
      mkdirSync(input, { recursive: true })
      inputLines(workload, name).forEach((lines, n) => {
        const text = lines.map(({ line }) => `${line}\n`).join('')
        writeFileSync(join(input, `partition-${n}.jsonl`), text)
      })
    }
    const script = workloadSql(workload, {
      inputDirectory: place,
      outputDirectory: place,
      printIdentifier,
      settings: { 'execution.checkpointing.dir': `file://${join(place, 'checkpoints')}` },
    })
    try {
      const jobId = await runner.submit(script)
      await runner.awaitJob(jobId, (detail) => detail.state === 'FINISHED', 120_000)
    } catch (cause) {
      throw new Error(`The job failed:\n${script}`, { cause })
    }
    return script
  }

  /** Whole lines that print sinks wrote, which stand between those of the log. */
  function printedLines(identifier: string): string[] {
    const log = cluster.taskManagers[0]!.logFile
    const lines = readFileSync(log, 'utf8').split('\n')
    return lines.filter((line) => new RegExp(`^${identifier}(:\\d+)?> `).test(line))
  }

  function writtenFiles(output: string) {
    return readdirSync(output).map((name) => ({
      name,
      text: readFileSync(join(output, name), 'utf8'),
    }))
  }

  for (const seed of seeds()) {
    it(`seed ${seed} gives what the oracle gives`, async () => {
      const workload = generateWorkload(new SeededRandom(`files-${seed}`), PROFILE)
      const place = join(directory, `seed-${seed}`)
      const script = await run(workload, place, `seed${seed}`)
      const observed =
        workload.sink === 'print'
          ? { lines: printedLines(`seed${seed}`) }
          : { files: writtenFiles(join(place, OUTPUT_NAME)) }
      const violations = judgeOutput(workload, { ...observed, finished: true, restarted: false })
      assert.deepEqual(violations, [], `seed ${seed}, ${workload.shape}:\n${script}`)
    })
  }
})
