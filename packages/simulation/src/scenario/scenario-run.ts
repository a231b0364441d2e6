/**
 * ScenarioRun: one plan from start to end. A phase with faults, then one without in which
 * everything must come right in bounded time: the job ends (or shows all that it should), and
 * nothing is left behind.
 */
import { checkLeftovers } from '../checkers/leftovers.ts'
import { type FailedEnd, judgeFailedEnd } from '../checkers/named-end.ts'
import type { Violation } from '../checkers/violation.ts'
import {
  type EnvironmentListeners,
  SimulatedEnvironment,
  STORE_HOST,
} from '../environment/simulated-environment.ts'
import { brokerFaults } from '../faults/broker-faults.ts'
import { FAULT_CLASSES } from '../faults/fault.ts'
import { type ApplyFault, FaultEngine } from '../faults/fault-engine.ts'
import { lossFaults } from '../faults/loss-faults.ts'
import { Losses } from '../faults/losses.ts'
import { networkFaults } from '../faults/network-faults.ts'
import { processFaults } from '../faults/process-faults.ts'
import { diskFaults, localDiskFaults, storeFaults } from '../faults/storage-faults.ts'
import { delay } from '../world/scheduler.ts'
import { ClusterWatch } from './cluster-watch.ts'
import { JobClient } from './job-client.ts'
import type { JobStage, JobUnderTest } from './job-under-test.ts'
import { Neighbours } from './neighbours.ts'
import { RescaleClient } from './rescale-client.ts'
import type { SeedOutcome } from './run-outcome.ts'
import type { ClusterPlan } from './run-plan.ts'
import { SavepointSteps, type SteppedRun } from './savepoint-steps.ts'
import { SlotsJudge } from './slots-judge.ts'

/** After the faults, a job that does not come right within that is stuck. */
const LIVENESS_MS = 180_000
/** After it came right, nothing may follow. */
const QUIET_MS = 3000
const CLEANUP_MS = 60_000
const POLL_MS = 250
const WATCH_MS = 1000
const UNUSABLE = 'CHECKPOINT_DIRECTORY_UNUSABLE'
const TERMINAL: readonly string[] = ['FINISHED', 'FAILED', 'CANCELED']

export interface RunListeners extends Pick<EnvironmentListeners, 'decideParallelism'> {
  /** Every line of the log. */
  onLine?(line: string): void
  /** After each event. */
  onEvent?(environment: SimulatedEnvironment): void
}

export class ScenarioRun {
  readonly #plan: ClusterPlan
  readonly #job: JobUnderTest
  readonly #listeners: RunListeners
  readonly #environment: SimulatedEnvironment
  readonly #client: JobClient
  readonly #rescales: RescaleClient
  readonly #slots: SlotsJudge
  readonly #neighbours: Neighbours | null
  readonly #savepoints: SavepointSteps
  readonly #watch: ClusterWatch
  readonly #engine: FaultEngine
  readonly #losses = new Losses()
  readonly #violations: Violation[] = []
  /** Ids of the jobs that were submitted, the last one last. */
  readonly #jobIds: string[] = []
  /** The newest checkpoint of the jobs that were stopped. */
  #restoreFrom: string | null = null
  /** How the job failed, once it was seen: it is forgotten later. */
  #failed: FailedEnd | null = null
  #done = false
  #comparisons = 0
  #failuresJudged = 0
  #drains = 0

  constructor(plan: ClusterPlan, job: JobUnderTest, listeners: RunListeners = {}) {
    this.#plan = plan
    this.#job = job
    this.#listeners = listeners
    const { onLine, decideParallelism } = listeners
    const environment = new SimulatedEnvironment(plan, {
      ...(decideParallelism === undefined ? {} : { decideParallelism }),
      onCarriedOut: (taskManager, call, fence) =>
        this.#watch.leaders.carriedOut(taskManager, call, fence.leaderEpoch, fence.senderId),
      onPrint: (text) => job.printed(text),
      ...(job.taskFailures === undefined ? {} : { formats: [job.taskFailures.format] }),
    })
    this.#environment = environment
    if (onLine !== undefined) environment.world.log.listen((line) => onLine(line))
    this.#watch = new ClusterWatch(environment)
    this.#client = new JobClient(environment.world, environment.cluster)
    this.#rescales = new RescaleClient(environment.world, this.#client)
    this.#slots = new SlotsJudge(environment.world, this.#client, environment.shape)
    this.#neighbours =
      job.workload === null ? null : new Neighbours(environment, this.#client, job.workload)
    this.#savepoints = new SavepointSteps(this.#stepped())
    this.#engine = new FaultEngine(environment.world, this.#faults(environment))
  }

  #faults(environment: SimulatedEnvironment) {
    const { world, cluster, disk, localDisks, network, broker, store } = environment
    const kills = new Map(
      processFaults({ cluster, crashDisk: (process) => disk.crashHost(process) }),
    )
    return new Map([
      ...kills,
      ...networkFaults({
        network,
        hosts: [...environment.jobManagerHosts, ...environment.taskManagerHosts],
        brokerHosts: broker.hosts,
        storeHost: STORE_HOST,
        leaderHost: () => cluster.leader()?.process.host ?? null,
      }),
      ...diskFaults(disk),
      ...localDiskFaults(localDisks, kills.get('taskmanager-kill') as ApplyFault),
      ...storeFaults(store),
      ...brokerFaults(broker, () => [...broker.state.topics.keys()]),
      ...lossFaults(world, broker, this.#losses),
      ...(this.#job.taskFailures?.faults() ?? []),
    ])
  }

  async run(): Promise<SeedOutcome> {
    const { world } = this.#environment
    this.#environment.start()
    this.#watch.start()
    this.#drive().then(
      () => void (this.#done = true),
      (error) => {
        this.#violate('run', 'The run broke off.', [String((error as Error).stack ?? error)])
        this.#done = true
      },
    )
    const boundMs = this.#plan.phaseMs * 2 + LIVENESS_MS * 2 + CLEANUP_MS + 600_000
    const end = await world.run(boundMs, () => {
      this.#listeners.onEvent?.(this.#environment)
      return this.#done
    })
    if (end !== 'reached') this.#violate('liveness', `The run had no end: ${end}.`, [])
    return this.#outcome()
  }

  async #drive(): Promise<void> {
    const { faults, phaseMs } = this.#plan
    const { world } = this.#environment
    this.#job.createInput(this.#environment)
    await this.#submit(this.#job.parallelism, null)
    const startMs = world.nowMs
    const fed = this.#job.feed(this.#environment)
    this.#engine.start(faults)
    for (const { atMs, carryOut } of this.#steps(startMs + phaseMs)) {
      await this.#watchUntil(startMs + atMs)
      await carryOut()
    }
    await this.#watchUntil(startMs + phaseMs)
    await fed
    this.#engine.endAll()
    this.#environment.reviveAll()
    world.log.add(world.nowMs, 'run', 'faults over')
    await this.#comeRight()
    await this.#judgeNeighbours()
    this.#watch.stop()
    if (this.#violations.length === 0) await this.#cleanUp()
  }

  #stepped(): SteppedRun {
    return {
      ...{ environment: this.#environment, client: this.#client, job: this.#job },
      jobId: () => this.#jobId,
      hasFailed: async () => (await this.#seeWhetherFailed()) !== null,
      strike: (faults) => this.#engine.add(faults),
      startFrom: (path, parallelism, settings) => {
        this.#restoreFrom = path
        return this.#submit(parallelism, path, settings)
      },
      violate: (found) => void this.#violations.push(...found),
      reason: () => this.#reason(),
      forgotten: () => this.#forgotten(),
    }
  }

  /** What somebody does to the job, by time. */
  #steps(endMs: number): { readonly atMs: number; carryOut(): Promise<void> }[] {
    const { restarts, rescales, neighbours, savepoints } = this.#plan
    const steps = [
      ...restarts.map(({ atMs, parallelism }) => {
        return { atMs, carryOut: () => this.#restart(parallelism) }
      }),
      ...rescales.map(({ atMs, parallelism }) => {
        return { atMs, carryOut: () => this.#rescales.ask(this.#jobId, parallelism, endMs) }
      }),
      ...neighbours.map((planned) => {
        return { atMs: planned.atMs, carryOut: async () => this.#neighbours?.begin(planned) }
      }),
      ...savepoints.map((planned) => {
        return { atMs: planned.atMs, carryOut: () => this.#savepoints.carryOut(planned, endMs) }
      }),
    ]
    return steps.sort((a, b) => a.atMs - b.atMs)
  }

  /** Waits; sees whether the job fails meanwhile, which nobody knows any more some time later. */
  async #watchUntil(atMs: number): Promise<void> {
    const { world } = this.#environment
    while (world.nowMs < atMs) {
      await this.#seeWhetherFailed()
      await delay(world, Math.max(0, Math.min(WATCH_MS, atMs - world.nowMs)))
    }
  }

  async #seeWhetherFailed(): Promise<FailedEnd | null> {
    if (this.#failed !== null) return this.#failed
    const failed = await this.#client.ask(this.#jobId, (job) => {
      // Until its end is durable, the next leader may let it go on.
      if (!job.hasEnded || job.state !== 'FAILED') return null
      const cause = job.failureCause ?? { code: 'no code', message: 'no cause' }
      return { cause, retained: job.retainedCheckpoints }
    })
    if (failed !== null && failed !== 'unknown') this.#failed = failed
    return this.#failed
  }

  /** As a user would: again, when the job was refused because a disk was full. */
  async #submit(
    parallelism: number,
    restoreFrom: string | null,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { world } = this.#environment
    do {
      const number = this.#jobIds.length
      const start = { parallelism, restoreFrom, number, settings }
      const jobGraph = this.#job.plan(this.#environment, start)
      this.#watch.submitted(jobGraph)
      await this.#client.submit(jobGraph)
      this.#jobIds.push(jobGraph.jobId)
      const about = `${jobGraph.jobId} parallelism ${parallelism}`
      world.log.add(world.nowMs, 'client', 'submitted', about)
    } while (await this.#wasRefused())
  }

  async #wasRefused(): Promise<boolean> {
    const { world } = this.#environment
    const deadlineMs = world.nowMs + LIVENESS_MS
    while (world.nowMs < deadlineMs) {
      const code = await this.#client.ask(this.#jobId, (job) => {
        const cause = job.failureCause?.code
        // Until its end is durable, another leader may start it all the same.
        const isOpen = cause === UNUSABLE && !job.hasEnded
        return job.state === 'INITIALIZING' || isOpen ? 'starting' : (cause ?? 'started')
      })
      if (code === UNUSABLE) {
        world.log.add(world.nowMs, 'client', 'refused', this.#jobId)
        return true
      }
      if (code !== 'starting' && code !== null) return false
      await delay(world, POLL_MS)
    }
    return false
  }

  get #jobId(): string {
    return this.#jobIds[this.#jobIds.length - 1] as string
  }

  /**
   * Stops the job and starts another from the newest checkpoint that it says it keeps. Not before
   * it has one of its own: what it may leave open would be nobody's to end, as a job that begins
   * from nothing is no heir of it.
   */
  async #restart(parallelism: number): Promise<void> {
    if ((await this.#seeWhetherFailed()) !== null) return
    const own = await this.#client.ask(this.#jobId, (job) => job.retainedCheckpoints.at(-1) ?? null)
    if (own === null || own === 'unknown' || own === this.#restoreFrom) return
    const state = await this.#cancel()
    if (state !== 'CANCELED') return
    const { world } = this.#environment
    let kept: readonly string[] | null = null
    const deadlineMs = world.nowMs + LIVENESS_MS
    while (kept === null && world.nowMs < deadlineMs) {
      const answer = await this.#client.ask(this.#jobId, (job) => job.retainedCheckpoints)
      if (answer === 'unknown') this.#forgotten()
      else kept = answer
      if (kept === null) await delay(world, POLL_MS)
    }
    this.#restoreFrom = kept?.at(-1) ?? this.#restoreFrom
    await this.#submit(parallelism, this.#restoreFrom)
  }

  /** Cancels the job, until it has ended. */
  async #cancel(): Promise<string | null> {
    const { world } = this.#environment
    const deadlineMs = world.nowMs + LIVENESS_MS
    world.log.add(world.nowMs, 'client', 'cancel', this.#jobId)
    while (world.nowMs < deadlineMs) {
      const state = await this.#client.ask(this.#jobId, (job) => {
        if (!job.hasEnded) job.cancel()
        return job.state as string
      })
      if (state !== null && TERMINAL.includes(state)) return state
      if (state === 'unknown') this.#forgotten()
      await delay(world, POLL_MS)
    }
    this.#violate('liveness', 'The job could not be cancelled.', [await this.#reason()])
    return null
  }

  /** Stops the job as if its input had ended: all windows fire, and all of it is committed. */
  async #drain(): Promise<void> {
    const { world } = this.#environment
    // Also rows that no window shows are read by then.
    await delay(world, QUIET_MS)
    const found = await this.#savepoints.drain(world.nowMs + LIVENESS_MS)
    // A loss that a fault caused may end it just then.
    const failed = await this.#seeWhetherFailed()
    if (failed !== null) return this.#judgeFailed(failed)
    this.#violations.push(...(found ?? this.#compare('drained')))
    if (found === null) this.#drains++
  }

  /** Waits until the output is all there, or the time for that is over. */
  async #comeRight(): Promise<void> {
    const { world } = this.#environment
    const { bounded } = this.#job
    const deadlineMs = world.nowMs + LIVENESS_MS
    while (world.nowMs < deadlineMs) {
      const failed = await this.#seeWhetherFailed()
      if (failed !== null) return this.#judgeFailed(failed)
      const state = await this.#client.ask(this.#jobId, (job) => job.state as string)
      if (state === 'unknown') this.#forgotten()
      if (state === 'FINISHED' && (await this.#savepoints.followUnheard())) continue
      if (bounded ? state === 'FINISHED' : this.#compare('running').length === 0) {
        await delay(world, QUIET_MS)
        this.#violations.push(...this.#compare(bounded ? 'finished' : 'running'))
        if (bounded) return
        this.#violations.push(...(await this.#rescales.judge(this.#jobId)))
        this.#violations.push(...(await this.#slots.judge(this.#jobId)))
        return
      }
      await delay(world, POLL_MS)
    }
    this.#violations.push(...this.#compare('running'))
    this.#violate('liveness', `Nothing came right for ${LIVENESS_MS / 1000} s without faults.`, [
      await this.#reason(),
    ])
  }

  /** What it has shown by then is right, and nothing follows. */
  async #judgeFailed(failed: FailedEnd): Promise<void> {
    this.#violations.push(...judgeFailedEnd(failed, this.#losses))
    if (this.#violations.length > 0) return
    this.#failuresJudged++
    await delay(this.#environment.world, QUIET_MS)
    this.#violations.push(...this.#compare('broken-off'))
  }

  /** While the job, if it is not bounded, runs on. */
  async #judgeNeighbours(): Promise<void> {
    if (this.#neighbours === null) return
    this.#violations.push(...(await this.#neighbours.judge()))
  }

  #compare(stage: JobStage): readonly Violation[] {
    this.#comparisons++
    return this.#job.judge(this.#environment, stage)
  }

  #forgotten(): never {
    this.#violate('job-kept', 'A job whose submission was acknowledged is not known any more.', [
      this.#jobId,
    ])
    throw new Error('The job is gone.')
  }

  /** What the job says about itself: its state, why it waits, what holds its watermarks. */
  async #reason(): Promise<string> {
    const reason = await this.#client.ask(this.#jobId, (job) => {
      const cause = job.failureCause
      const holds = [...job.graph.attempts()].flatMap(({ id, metrics }) =>
        (metrics?.operators ?? []).flatMap(({ watermarkHold }) =>
          watermarkHold === null ? [] : [`${id}: ${JSON.stringify(watermarkHold)}`],
        ),
      )
      return [
        `${job.state}: ${job.statusReason() ?? 'no reason'}`,
        ...(cause === null ? [] : [`${cause.code}: ${cause.message}`]),
        ...holds,
      ].join('; ')
    })
    return reason ?? 'no JobManager answers'
  }

  /** It ended FAILED, by a loss that a fault caused if the outcome shows no violation. */
  get hasFailed(): boolean {
    return this.#failed !== null
  }

  /** Ends the job and waits until nothing of it is left. */
  async #cleanUp(): Promise<void> {
    const { world } = this.#environment
    if (!this.#job.bounded && this.#failed === null) {
      if (this.#job.isDrainedAtEnd === true && this.#violations.length === 0) await this.#drain()
      else await this.#cancel()
    }
    const deadlineMs = world.nowMs + CLEANUP_MS
    let left = await this.#left()
    while (left.length > 0 && world.nowMs < deadlineMs) {
      await delay(world, POLL_MS)
      left = await this.#left()
    }
    this.#violations.push(...left)
  }

  async #left(): Promise<readonly Violation[]> {
    const left = checkLeftovers(this.#environment, this.#failed)
    // Of a job that ended by a loss nobody knows how far it came with what it claimed.
    if (this.#failed !== null || this.#plan.savepoints.length === 0) return left
    const retained = Number(this.#plan.properties['execution.checkpointing.num-retained'])
    return [...left, ...(await this.#savepoints.judge(retained))]
  }

  #violate(checker: string, message: string, details: readonly string[]): void {
    this.#violations.push({ checker, message, details })
  }

  #outcome(): SeedOutcome {
    const { world } = this.#environment
    const { taskManagers, jobManagers } = this.#plan
    return {
      seed: this.#plan.seed,
      violations: [...this.#violations, ...this.#watch.violations],
      digest: world.log.digest,
      events: world.events,
      simulatedMs: world.nowMs,
      hits: Object.fromEntries(
        FAULT_CLASSES.flatMap((name) => {
          const hits = this.#engine.hits.get(name)
          return hits === undefined ? [] : [[name, hits]]
        }),
      ),
      checks: {
        ...this.#watch.checks,
        output: this.#comparisons,
        'named-end': this.#failuresJudged,
        drained: this.#drains,
        'rescale-reached': this.#rescales.judged,
        'slots-followed': this.#slots.judged,
        'neighbour-output': this.#neighbours?.judged ?? 0,
        ...this.#savepoints.checks,
      },
      shape: [
        ...this.#job.describe(),
        `parallelism ${this.#job.parallelism}`,
        `${taskManagers} TaskManagers`,
        `${jobManagers} JobManagers`,
        ...(this.#plan.restarts.length > 0 ? ['restarted'] : []),
        ...(this.#rescales.accepted > 0 ? ['rescaled'] : []),
        ...schedulerOf(this.#plan),
        ...(this.#plan.neighbours.length > 0 ? ['neighbours'] : []),
        ...(this.#savepoints.stops > 0 ? ['stopped'] : []),
      ],
      faults: this.#engine.struck,
    }
  }
}

function schedulerOf({ properties }: ClusterPlan): string[] {
  if (properties['scheduler-mode'] !== undefined) return ['reactive']
  return properties['jobmanager.scheduler'] === 'adaptive' ? ['adaptive'] : []
}
