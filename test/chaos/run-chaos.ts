/**
 * One chaos run: the main job exactly once under a steady load, fault after fault, each watched
 * until the job has caught up; then the output against the oracle.
 *
 * Faults overlap on purpose, sometimes, and more when the run is behind its pace; figures are taken
 * from those that stood alone. A job that does not come back ends the run with what is known of it.
 */
import { join } from 'node:path'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { CommittedReader, createTopics } from '../support/kafka-topics.ts'
import { seeded } from '../support/random-readings.ts'
import { sqlRunner } from '../support/run-sql.ts'
import { ChaosCluster } from './chaos-cluster.ts'
import { drawFaults, type Fault, type FaultClass } from './faults.ts'
import { leftoversOf } from './leftovers.ts'
import { EVERY_PARTITION_COUNTS, SteadyLoad } from './load.ts'
import { Observer } from './observer.ts'
import { type Recovery, recoveryOf } from './recovery.ts'
import { stopWithSavepoint } from './stop-with-savepoint.ts'
import { verifyOutput } from './verify-output.ts'

export interface ChaosSettings {
  readonly directory: string
  readonly seed: number
  readonly classes: readonly FaultClass[]
  /** How long faults go on; or exactly these, one after another. */
  readonly until: { readonly minutes: number; readonly faultsMin: number } | 'each-class-once'
  readonly jobManagers: number
  readonly taskManagers: number
  readonly readingsPerSecond: number
  readonly checkpointIntervalMs: number
  /** How long the job may take to catch up after a fault. */
  readonly recoveryTimeoutMs: number
  /** Without faults, for what is normal. */
  readonly warmUpMs: number
  readonly log: (text: string) => void
}

/** One fault as it went. */
export interface FaultRecord {
  readonly name: string
  readonly beganMs: number
  readonly healedMs: number
  readonly recovery: Recovery
  /** Another fault was there at the same time. */
  readonly overlapped: boolean
}

export interface ChaosResult {
  readonly right: boolean
  readonly faults: readonly FaultRecord[]
  readonly minutes: number
  readonly readings: number
  /** How often the job was stopped by a savepoint, and another went on from it. */
  readonly savepoints: number
  /** Of the output while nothing was wrong, the largest. */
  readonly normalLagMs: number
}

const TOPICS = { input: 'sensor-readings', output: 'sensor-aggregates' }
/**
 * Event time runs so much faster than the clock; with 30 sensors that many windows end each second,
 * in bursts of 30.
 */
const EVENT_SECONDS_A_SECOND = 240
const SLOTS_PER_TASK_MANAGER = 2
/** All there is. */
const CHECKPOINTING = {
  'execution.checkpointing.incremental': 'true',
  'execution.checkpointing.unaligned.enabled': 'true',
  'execution.checkpointing.aligned-checkpoint-timeout': '100 ms',
  'execution.checkpointing.local-backup.enabled': 'true',
}
/** Of the jobs in turn. On disk hardly anything is cached, so that windows are fired from there. */
const BACKENDS: readonly Readonly<Record<string, string>>[] = [
  { 'state.backend.type': 'rocksdb', 'state.backend.rocksdb.memory.fixed-per-slot': '8 kb' },
  { 'state.backend.type': 'hashmap' },
]
const OVERLAP_SHARE = 0.35
const OVERLAP_SHARE_BEHIND = 0.8
const CALM_MS_MAX = 800
/** Of the faults: they strike while the job is stopped by a savepoint. */
const SAVEPOINT_SHARE = 0.15
const PARALLELISM_MAX = 4
const POLL_MS = 50
const DRAWS_MAX = 200
const START_TIMEOUT_MS = 180_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export class NotRecovered extends Error {}

export async function runChaos(settings: ChaosSettings): Promise<ChaosResult> {
  const { log } = settings
  log('starting broker and cluster')
  const chaos = await ChaosCluster.start({
    ...settings,
    slotsPerTaskManager: SLOTS_PER_TASK_MANAGER,
    withDisk: settings.classes.some(({ family }) => family === 'disk'),
  })
  let right = false
  let run: ChaosRun | null = null
  try {
    run = await ChaosRun.start(chaos, settings)
    await run.warmUp()
    await run.faults()
    const result = await run.finish()
    right = result.right
    return result
  } finally {
    await run?.close()
    await chaos.stop(right ? undefined : join(settings.directory, 'checkpoints-copy'))
  }
}

/** Resolves with its id once it runs. */
async function submitJob(
  { brokerAddress }: ChaosCluster,
  restAddress: string,
  properties: Readonly<Record<string, string>>,
): Promise<string> {
  const { source, sink } = kafkaTables(brokerAddress)
  const settings = { ...EVERY_PARTITION_COUNTS, ...CHECKPOINTING, ...properties }
  const runner = sqlRunner(restAddress)
  try {
    const jobId = await runner.submit(mainJobSql(source, sink, settings))
    await runner.awaitJob(jobId, ({ state }) => state === 'RUNNING', START_TIMEOUT_MS)
    return jobId
  } finally {
    await runner.close()
  }
}

/** Of the n-th job. */
function backendOf(job: number): Readonly<Record<string, string>> {
  return BACKENDS[job % BACKENDS.length]!
}

class ChaosRun {
  readonly #chaos: ChaosCluster
  readonly #settings: ChaosSettings
  readonly #load: SteadyLoad
  readonly #observer: Observer
  readonly #output: CommittedReader
  readonly #jobIds: string[]
  readonly #random: () => number
  readonly #draws: Generator<FaultClass>
  readonly #records: FaultRecord[] = []
  readonly #startedMs = Date.now()
  #normalLagMs = 0
  #number = 0
  #savepoints = 0

  private constructor(
    chaos: ChaosCluster,
    settings: ChaosSettings,
    parts: {
      readonly load: SteadyLoad
      readonly observer: Observer
      readonly output: CommittedReader
      readonly jobId: string
    },
  ) {
    this.#chaos = chaos
    this.#settings = settings
    this.#load = parts.load
    this.#observer = parts.observer
    this.#output = parts.output
    this.#jobIds = [parts.jobId]
    this.#random = seeded(settings.seed)
    this.#draws = drawFaults(settings.classes, this.#random)
  }

  /** Submits the job, starts the load and the reader. */
  static async start(chaos: ChaosCluster, settings: ChaosSettings): Promise<ChaosRun> {
    const { broker } = chaos
    await createTopics(broker.bootstrapServers, { [TOPICS.input]: 3, [TOPICS.output]: 3 })
    const jobId = await submitJob(chaos, chaos.cluster.restAddress, backendOf(0))
    const load = await SteadyLoad.start(
      broker.bootstrapServers,
      TOPICS.input,
      settings.readingsPerSecond,
      (EVENT_SECONDS_A_SECOND * 1000) / settings.readingsPerSecond,
    )
    const observer = new Observer(chaos.cluster, load, settings.log)
    await observer.awaitLeader()
    chaos.leaderIs(() => observer.leader.process)
    observer.start(jobId)
    const output = await CommittedReader.open(broker.bootstrapServers, TOPICS.output, (lines) =>
      observer.outputArrived(lines),
    )
    settings.log(`job ${jobId} is RUNNING, ${settings.readingsPerSecond} readings a second`)
    return new ChaosRun(chaos, settings, { load, observer, output, jobId })
  }

  /** Until output comes steadily: what its lag is without faults. */
  async warmUp(): Promise<void> {
    const deadlineMs = Date.now() + START_TIMEOUT_MS
    while (!this.#observer.events.some(({ kind }) => kind === 'output')) {
      if (Date.now() > deadlineMs) throw this.#notRecovered('no output at all', START_TIMEOUT_MS)
      await sleep(POLL_MS)
    }
    await sleep(this.#settings.warmUpMs / 2)
    const fromMs = Date.now()
    await sleep(this.#settings.warmUpMs / 2)
    for (const event of this.#observer.events) {
      if (event.kind === 'output' && event.atMs >= fromMs) {
        this.#normalLagMs = Math.max(this.#normalLagMs, event.lagMs)
      }
    }
    this.#settings.log(`without faults output is up to ${this.#normalLagMs} ms behind`)
  }

  async faults(): Promise<void> {
    const { until, classes } = this.#settings
    if (until === 'each-class-once') {
      for (const one of classes) await this.#strike([this.#prepare(() => one, null)])
      await this.#goOnFromSavepoint(async () => {})
      return
    }
    const endMs = Date.now() + until.minutes * 60_000
    const beganMs = Date.now()
    while (Date.now() < endMs) {
      const dueShare = (Date.now() - beganMs) / (until.minutes * 60_000)
      const behind = this.#records.length < dueShare * until.faultsMin
      const overlap = this.#random() < (behind ? OVERLAP_SHARE_BEHIND : OVERLAP_SHARE)
      const draw = () => this.#draws.next().value as FaultClass
      const first = this.#prepare(draw, null)
      const struck = overlap ? [first, this.#prepare(draw, first)] : [first]
      if (this.#random() < SAVEPOINT_SHARE) await this.#goOnFromSavepoint(() => this.#hit(struck))
      else await this.#strike(struck)
      await sleep(this.#random() * CALM_MS_MAX)
    }
  }

  async finish(): Promise<ChaosResult> {
    const { log } = this.#settings
    const minutes = (Date.now() - this.#startedMs) / 60_000
    await this.#load.finish()
    log(`load ended after ${this.#load.count} readings; comparing`)
    const { bootstrapServers } = this.#chaos.broker
    const right = await verifyOutput(bootstrapServers, TOPICS, this.#output, log)
    const leftNothing = await this.#cancel()
    return {
      right: right && leftNothing,
      faults: this.#records,
      minutes,
      readings: this.#load.count,
      savepoints: this.#savepoints,
      normalLagMs: this.#normalLagMs,
    }
  }

  async #cancel(): Promise<boolean> {
    const { directory, log, recoveryTimeoutMs } = this.#settings
    await this.#observer.rest().cancelJob(this.#jobIds.at(-1) as string)
    const deadlineMs = Date.now() + recoveryTimeoutMs
    while (this.#observer.detail?.state !== 'CANCELED') {
      if (Date.now() > deadlineMs) throw this.#notRecovered('it does not end')
      await sleep(POLL_MS)
    }
    const { broker } = this.#chaos
    const checkpoints = join(directory, 'checkpoints')
    const left: string[] = []
    for (const jobId of this.#jobIds) {
      left.push(...(await leftoversOf(jobId, checkpoints, broker, join(directory, 'kafka'))))
    }
    log(
      `left behind: ${left.length}${left.length === 0 ? '' : `, e.g. ${left.slice(0, 5).join('; ')}`}`,
    )
    return left.length === 0
  }

  async close(): Promise<void> {
    this.#load.stop()
    await this.#observer.close()
    await this.#output.close()
  }

  /**
   * The first of those drawn that has a victim; never of the same class as the one it accompanies.
   */
  #prepare(draw: () => FaultClass, beside: Prepared | null): Prepared {
    for (let tries = 0; tries < DRAWS_MAX; tries++) {
      const one = draw()
      if (one.name === beside?.name) continue
      const fault = one.prepare(this.#chaos, this.#random)
      if (fault !== null) return { name: one.name, fault, number: ++this.#number }
    }
    throw new Error('None of the faults finds a victim.')
  }

  /** Lets them happen, the second while the first is there; ends when the job has caught up. */
  async #strike(faults: readonly Prepared[]): Promise<void> {
    const from = this.#observer.events.length
    const epoch = this.#observer.epoch
    const overlapped = faults.length > 1
    const struck = await this.#hit(faults)
    const healedMs = Math.max(...struck.map((one) => one.healedMs))
    const deadlineMs = healedMs + this.#settings.recoveryTimeoutMs
    for (;;) {
      const events = this.#observer.events.slice(from)
      const recoveries = struck.map((times) => recoveryOf(events, times, epoch, this.#lagLimitMs()))
      if (this.#observer.isRunning && recoveries.every(({ caughtUpMs }) => caughtUpMs !== null)) {
        struck.forEach((times, i) => {
          const recovery = recoveries[i] as Recovery
          this.#records.push({ ...times, recovery, overlapped })
          this.#settings.log(`#${times.number} ${times.name}: ${describe(times, recovery)}`)
        })
        return
      }
      if (Date.now() > deadlineMs) {
        const names = faults.map(({ number, name }) => `#${number} ${name}`).join(' and ')
        throw this.#notRecovered(`${names}: it has not caught up`)
      }
      await sleep(POLL_MS)
    }
  }

  /** Lets them happen, the second while the first is there. */
  #hit(faults: readonly Prepared[]) {
    return Promise.all(
      faults.map(async ({ fault, name, number }, index) => {
        if (index > 0) await sleep(this.#random() * (faults[0] as Prepared).fault.holdMs)
        this.#settings.log(`#${number} ${name}: ${fault.what}`)
        const beganMs = Date.now()
        await fault.begin()
        await sleep(fault.holdMs)
        await fault.end()
        return { name, number, beganMs, healedMs: Date.now() }
      }),
    )
  }

  /**
   * The job is stopped by a savepoint while `meanwhile` goes on, and another goes on from it, at
   * another parallelism and with the other state backend.
   */
  async #goOnFromSavepoint(meanwhile: () => Promise<unknown>): Promise<void> {
    const { directory, log, recoveryTimeoutMs } = this.#settings
    const jobId = this.#jobIds.at(-1) as string
    const parallelism = 1 + Math.floor(this.#random() * PARALLELISM_MAX)
    const backend = backendOf(this.#jobIds.length)
    log(`job ${jobId} is stopped by a savepoint`)
    const [savepoint] = await Promise.all([
      stopWithSavepoint({
        ...{ jobId, log, directory: `file://${join(directory, 'savepoints')}` },
        timeoutMs: recoveryTimeoutMs,
        rest: () => this.#observer.rest(),
      }),
      meanwhile(),
    ])
    const next = await submitJob(this.#chaos, this.#observer.rest().baseUrl, {
      'execution.state-recovery.path': savepoint,
      'parallelism.default': String(parallelism),
      ...backend,
    })
    this.#jobIds.push(next)
    const from = this.#observer.events.length
    this.#observer.follow(next)
    const type = backend['state.backend.type']
    log(`job ${next} goes on from ${savepoint} at parallelism ${parallelism}, its state in ${type}`)
    const limitMs = this.#lagLimitMs()
    const deadlineMs = Date.now() + recoveryTimeoutMs
    const hasCaughtUp = () =>
      this.#observer.events
        .slice(from)
        .some((event) => event.kind === 'output' && event.lagMs <= limitMs)
    while (!this.#observer.isRunning || !hasCaughtUp()) {
      if (Date.now() > deadlineMs) throw this.#notRecovered('it has not caught up from a savepoint')
      await sleep(POLL_MS)
    }
    this.#savepoints++
  }

  #lagLimitMs(): number {
    return this.#normalLagMs + this.#settings.checkpointIntervalMs
  }

  #notRecovered(what: string, waitedMs = this.#settings.recoveryTimeoutMs): NotRecovered {
    const { detail } = this.#observer
    const seconds = waitedMs / 1000
    const cause = detail?.['failure-cause'] ?? null
    return new NotRecovered(
      `The job did not come back within ${seconds} s: ${what}; it is ${detail?.state} ` +
        `(${detail?.['status-reason'] ?? 'no reason given'}) under ${this.#observer.leader.process.name}` +
        `${cause === null ? '' : `, failed with ${JSON.stringify(cause)}`}.`,
    )
  }
}

interface Prepared {
  readonly name: string
  readonly number: number
  readonly fault: Fault
}

function describe(
  { beganMs, healedMs }: { readonly beganMs: number; readonly healedMs: number },
  { detectedMs, runningMs, firstOutputMs, caughtUpMs }: Recovery,
): string {
  const caughtUp = `caught up ${(caughtUpMs as number) - beganMs} ms after it began`
  if (detectedMs === null || runningMs === null) {
    const output = (firstOutputMs as number) - healedMs
    return `the job stayed RUNNING; over after ${healedMs - beganMs} ms, output ${output} ms later, ${caughtUp}`
  }
  return (
    `detected after ${detectedMs - beganMs} ms, RUNNING ${runningMs - detectedMs} ms later, ` +
    `first output ${(firstOutputMs as number) - detectedMs} ms after detection, ${caughtUp}`
  )
}
