/**
 * `npm run chaos -- --kills N`: SIGKILL to TaskManagers at random moments, one JobManager without
 * high availability.
 *
 * The smaller of the two runs: no proxies, no other fault; each kill waits only until the job is
 * RUNNING again.
 */
import { join } from 'node:path'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { startKafkaBroker } from '../kafka-broker/broker.ts'
import { CommittedReader, createTopics } from '../support/kafka-topics.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'
import { quantile } from './chaos-table.ts'
import { EVERY_PARTITION_COUNTS, SteadyLoad } from './load.ts'
import { verifyOutput } from './verify-output.ts'

export interface KillsSettings {
  readonly directory: string
  readonly kills: number
  readonly taskManagers: number
  readonly readingsPerSecond: number
  readonly checkpointIntervalMs: number
  readonly pauseMinMs: number
  readonly pauseMaxMs: number
  readonly log: (text: string) => void
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Kills one TaskManager, starts another, and waits until the job runs again; gives the
 * milliseconds that took.
 */
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

export async function runKills(settings: KillsSettings): Promise<boolean> {
  const { directory, kills, log, taskManagers } = settings
  log('starting a Kafka broker')
  const broker = await startKafkaBroker({ directory: join(directory, 'kafka') })
  const suffix = process.hrtime.bigint().toString(36)
  const topics = { input: `sensor-readings-${suffix}`, output: `sensor-aggregates-${suffix}` }
  await createTopics(broker.bootstrapServers, { [topics.input]: 3, [topics.output]: 3 })
  const cluster = await LocalCluster.start({
    directory: join(directory, 'logs'),
    taskManagers,
    slotsPerTaskManager: Math.max(2, Math.ceil(4 / taskManagers)),
    properties: {
      'execution.checkpointing.interval': `${settings.checkpointIntervalMs} ms`,
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
      mainJobSql(
        { ...source, topic: topics.input },
        { ...sink, topic: topics.output },
        EVERY_PARTITION_COUNTS,
      ),
    )
    await runner.awaitJob(jobId, (detail) => detail.state === 'RUNNING', 30_000)
    log(`job ${jobId} is RUNNING`)
    const load = await SteadyLoad.start(
      broker.bootstrapServers,
      topics.input,
      settings.readingsPerSecond,
    )
    const output = await CommittedReader.open(broker.bootstrapServers, topics.output)
    const recoveries: number[] = []
    const { pauseMinMs, pauseMaxMs } = settings
    for (let kill = 1; kill <= kills; kill++) {
      await sleep(pauseMinMs + Math.random() * (pauseMaxMs - pauseMinMs))
      const recoveryMs = await killOne(cluster, runner, jobId)
      recoveries.push(recoveryMs)
      log(
        `kill ${kill}/${kills}: RUNNING again after ${Math.round(recoveryMs)} ms, ${load.count} readings, ${output.values.length} windows out`,
      )
    }
    await sleep(2000)
    await load.finish()
    log(`load ended after ${load.count} readings; comparing`)
    const right = await verifyOutput(broker.bootstrapServers, topics, output, log)
    const rounded = recoveries.map(Math.round)
    log(
      `recovery, kill to RUNNING: median ${quantile(rounded, 0.5)} ms, largest ${quantile(rounded, 1)} ms`,
    )
    await output.close()
    await runner.rest.cancelJob(jobId)
    await runner.close()
    return right
  } finally {
    await cluster.stop()
    await broker.stop()
  }
}
