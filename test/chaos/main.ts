/**
 * `npm run chaos -- --kills 20`: the main job through a real broker under a steady load, SIGKILL to TaskManagers at random moments, every
 * (sensor, window) of the output compared with a plain computation over the input topic. Exit code 0 only when each is there once and right.
 *
 * Options: --kills N (20), --taskmanagers N (2), --rate READINGS_PER_SECOND (2000), --pause-min MS (1500), --pause-max MS (4000).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { startKafkaBroker } from '../kafka-broker/broker.ts'
import { CommittedReader, createTopics, readWholeTopic } from '../support/kafka-topics.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'
import {
  type Aggregate,
  compareAggregates,
  expectedAggregates,
  isRight,
  type Reading,
} from '../support/sensor-oracle.ts'
import { CLOSING_SENSOR, SteadyLoad } from './load.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    taskmanagers: { type: 'string', default: '2' },
    rate: { type: 'string', default: '2000' },
    'pause-min': { type: 'string', default: '1500' },
    'pause-max': { type: 'string', default: '4000' },
  },
})

const SETTLE_TIMEOUT_MS = 120_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function log(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
}

/** Kills one TaskManager, starts another, and waits until the job runs again; gives the milliseconds that took. */
async function killOne(cluster: LocalCluster, runner: SqlRunner, jobId: string): Promise<number> {
  const index = Math.floor(Math.random() * cluster.taskManagers.length)
  const [victim] = cluster.taskManagers.splice(index, 1)
  const before = (await runner.rest.jobDetail(jobId)).restarts
  const killedMs = performance.now()
  victim?.child.kill('SIGKILL')
  cluster.addTaskManager()
  await runner.awaitJob(
    jobId,
    (detail) => detail.state === 'RUNNING' && detail.restarts > before,
    60_000,
  )
  return performance.now() - killedMs
}

async function run(directory: string): Promise<boolean> {
  const kills = Number(values.kills)
  log('starting a Kafka broker')
  const broker = await startKafkaBroker({ directory: join(directory, 'kafka') })
  const suffix = process.hrtime.bigint().toString(36)
  const topics = { input: `sensor-readings-${suffix}`, output: `sensor-aggregates-${suffix}` }
  await createTopics(broker.bootstrapServers, { [topics.input]: 3, [topics.output]: 3 })
  const cluster = await LocalCluster.start({
    directory: join(directory, 'logs'),
    taskManagers: Number(values.taskmanagers),
    slotsPerTaskManager: Math.max(2, Math.ceil(4 / Number(values.taskmanagers))),
    properties: {
      'execution.checkpointing.interval': '1 s',
      'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '1000000',
      'restart-strategy.fixed-delay.delay': '100 ms',
      'heartbeat.interval': '1 s',
      'heartbeat.timeout': '5 s',
    },
  })
  try {
    await cluster.ready()
    const runner = sqlRunner(cluster.restAddress)
    const { source, sink } = kafkaTables(broker.bootstrapServers)
    const jobId = await runner.submit(
      mainJobSql({ ...source, topic: topics.input }, { ...sink, topic: topics.output }, {}),
    )
    await runner.awaitJob(jobId, (detail) => detail.state === 'RUNNING', 30_000)
    log(`job ${jobId} is RUNNING`)
    const load = await SteadyLoad.start(broker.bootstrapServers, topics.input, Number(values.rate))
    const output = await CommittedReader.open(broker.bootstrapServers, topics.output)
    const recoveries: number[] = []
    const [pauseMin, pauseMax] = [Number(values['pause-min']), Number(values['pause-max'])]
    for (let kill = 1; kill <= kills; kill++) {
      await sleep(pauseMin + Math.random() * (pauseMax - pauseMin))
      const recoveryMs = await killOne(cluster, runner, jobId)
      recoveries.push(recoveryMs)
      log(
        `kill ${kill}/${kills}: RUNNING again after ${Math.round(recoveryMs)} ms, ${load.count} readings, ${output.values.length} windows out`,
      )
    }
    await sleep(2000)
    await load.finish()
    log(`load ended after ${load.count} readings; comparing`)
    const right = await verify(broker.bootstrapServers, topics.input, output)
    recoveries.sort((a, b) => a - b)
    const at = (q: number) => Math.round(recoveries[Math.floor(q * (recoveries.length - 1))] ?? 0)
    log(`recovery, kill to RUNNING: median ${at(0.5)} ms, largest ${at(1)} ms`)
    await output.close()
    await runner.rest.cancelJob(jobId)
    await runner.close()
    return right
  } finally {
    await cluster.stop()
    await broker.stop()
  }
}

async function verify(
  bootstrapServers: string,
  inputTopic: string,
  output: CommittedReader,
): Promise<boolean> {
  const inputs = await readWholeTopic(bootstrapServers, inputTopic)
  const readings = inputs.map((text) => JSON.parse(text) as Reading)
  const expected = expectedAggregates(readings.filter((r) => r.sensor_id !== CLOSING_SENSOR))
  const deadline = Date.now() + SETTLE_TIMEOUT_MS
  while (output.values.length < expected.size && Date.now() < deadline) await sleep(200)
  await sleep(3000)
  const rows = output.values.map((text) => JSON.parse(text) as Aggregate)
  const comparison = compareAggregates(expected, rows)
  log(`${readings.length} readings, ${expected.size} windows expected, ${rows.length} committed`)
  for (const [kind, list] of Object.entries(comparison)) {
    log(
      `${kind}: ${list.length}${list.length === 0 ? '' : `, e.g. ${list.slice(0, 3).join('; ')}`}`,
    )
  }
  return isRight(comparison)
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
const right = await run(directory)
if (right) rmSync(directory, { recursive: true, force: true })
else log(`kept for reading: ${directory}`)
log(right ? 'nothing lost, nothing doubled' : 'OUTPUT DIFFERS FROM THE INPUT')
process.exitCode = right ? 0 : 1
