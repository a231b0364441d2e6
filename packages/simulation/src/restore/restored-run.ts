/**
 * RestoredRun: a checkpoint that was kept is restored at another parallelism, in a cluster of
 * its own without faults, over the same input, all of it there from the beginning; the sink is
 * another one and begins with nothing.
 */
import { TablesChecker } from '../checkers/checkpoint-tables.ts'
import { RESTORE_LAW, restoredOutput } from '../checkers/restored-output.ts'
import { type Violation, violation } from '../checkers/violation.ts'
import { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { JobClient } from '../scenario/job-client.ts'
import { JobInput } from '../scenario/job-input.ts'
import { JobOutput } from '../scenario/job-output.ts'
import { outputUpTo } from '../scenario/output-so-far.ts'
import { planJob } from '../scenario/plan-job.ts'
import type { RunPlan } from '../scenario/run-plan.ts'
import { expectedOutput } from '../workload/expected-output.ts'
import { delay } from '../world/scheduler.ts'
import { CheckpointKeeper } from './checkpoint-keeper.ts'
import { committablesOf, diskOf, type KeptCheckpoint } from './kept-checkpoint.ts'

const SLOTS_PER_TASK_MANAGER = 2
const LIVENESS_MS = 180_000
const POLL_MS = 50
/** After it came right, nothing may follow. */
const QUIET_MS = 1000
const BOUND_MS = 10 * LIVENESS_MS
/** Of the restored job, among those of the seed. */
const JOB_NUMBER = 900

export interface RestoredOutcome {
  readonly violations: readonly Violation[]
  readonly digest: string
  readonly events: number
  readonly simulatedMs: number
  readonly tablesCompared: number
}

export class RestoredRun {
  readonly #plan: RunPlan
  readonly #parallelism: number
  readonly #kept: KeptCheckpoint
  readonly #environment: SimulatedEnvironment
  readonly #output: JobOutput
  /** Of the restored job: its last checkpoint. */
  readonly #last: CheckpointKeeper
  readonly #violations: Violation[] = []
  #before: readonly string[] = []
  #tables: TablesChecker | null = null
  #done = false

  constructor(
    plan: RunPlan,
    parallelism: number,
    kept: KeptCheckpoint,
    onLine?: (line: string) => void,
  ) {
    this.#plan = plan
    this.#parallelism = parallelism
    this.#kept = kept
    this.#output = new JobOutput(plan.workload)
    const widest = Math.max(parallelism, plan.workload.sinkParallelism ?? 1)
    const { seed, brokers } = plan
    // It is given its parallelism, and runs through: what it shows twice is a violation.
    const properties: Record<string, string> = {
      ...plan.properties,
      'jobmanager.scheduler': 'default',
    }
    delete properties['scheduler-mode']
    const environment = new SimulatedEnvironment(
      {
        ...{ seed, brokers, properties, jobManagers: 1, slowness: [] },
        taskManagers: Math.ceil(widest / SLOTS_PER_TASK_MANAGER),
        slotsPerTaskManager: SLOTS_PER_TASK_MANAGER,
      },
      { onPrint: (text) => this.#output.printed(text) },
    )
    this.#environment = environment
    if (onLine !== undefined) environment.world.log.listen(onLine)
    this.#last = new CheckpointKeeper({
      environment,
      keeps: () => true,
      outputSoFar: () => ({ lines: [], uncommitted: new Map() }),
    })
  }

  async run(): Promise<RestoredOutcome> {
    const { world } = this.#environment
    this.#environment.start()
    this.#drive().then(
      () => void (this.#done = true),
      (error) => {
        this.#violate('The restored run broke off.', [String((error as Error).stack ?? error)])
        this.#done = true
      },
    )
    const end = await world.run(BOUND_MS, () => {
      this.#last.look()
      return this.#done
    })
    if (end !== 'reached') this.#violate(`The restored run had no end: ${end}.`, [])
    return {
      violations: this.#violations,
      digest: world.log.digest,
      events: world.events,
      simulatedMs: world.nowMs,
      tablesCompared: this.#tables?.compared ?? 0,
    }
  }

  async #drive(): Promise<void> {
    const { workload } = this.#plan
    const { location } = this.#kept
    const kept = diskOf(this.#kept, this.#environment)
    const committables = await committablesOf(this.#kept, kept)
    this.#before = outputUpTo(this.#kept.output, workload.sink, committables)
    for (const [path, bytes] of this.#kept.files) this.#environment.disk.place(path, bytes)
    new JobInput(this.#environment, workload).createWhole()
    const start = { parallelism: this.#parallelism, restoreFrom: location, number: JOB_NUMBER }
    const jobGraph = planJob(this.#environment, workload, start, { newSink: true })
    this.#tables = new TablesChecker(jobGraph, this.#environment.factories())
    const client = new JobClient(this.#environment.world, this.#environment.cluster)
    await client.submit(jobGraph)
    await this.#comeRight(client, jobGraph.jobId)
  }

  async #comeRight(client: JobClient, jobId: string): Promise<void> {
    const { world } = this.#environment
    const { bounded } = this.#plan.workload
    const deadlineMs = world.nowMs + LIVENESS_MS
    let compared = -1
    while (world.nowMs < deadlineMs) {
      const state = await client.ask(jobId, (job) => job.state as string)
      if (state === 'FAILED') break
      const { length } = this.#output.lines(this.#environment)
      const mayBeRight = bounded ? state === 'FINISHED' : length !== compared
      compared = length
      if (mayBeRight && (bounded || this.#compare().length === 0)) {
        await delay(world, QUIET_MS)
        this.#violations.push(...this.#compare(), ...(await this.#lastTables()))
        return
      }
      await delay(world, POLL_MS)
    }
    this.#violations.push(...this.#compare())
    const reason = await client.ask(jobId, (job) => {
      const { failureCause: cause } = job
      const why = cause === null ? job.statusReason() : `${cause.code}: ${cause.message}`
      return `${job.state}: ${why ?? 'no reason'}`
    })
    this.#violate('The restored job did not come right.', [reason ?? 'no JobManager answers'])
  }

  async #lastTables(): Promise<Violation[]> {
    const last = this.#last.kept
    if (last === null) return []
    return (await this.#tables?.check(last.location, diskOf(last, this.#environment))) ?? []
  }

  #compare(): Violation[] {
    const { workload } = this.#plan
    const after = this.#output.lines(this.#environment)
    const expectation = expectedOutput(workload)
    const { guarantee } = workload
    return restoredOutput({ expectation, guarantee, before: this.#before, after })
  }

  #violate(message: string, details: readonly string[]): void {
    const { checkpointId } = this.#kept
    const at = `checkpoint ${checkpointId} at parallelism ${this.#parallelism}`
    this.#violations.push(violation(RESTORE_LAW, message, [...details, at]))
  }
}
