/**
 * RestoredRun: a checkpoint that was kept is restored at another parallelism, in a cluster of
 * its own without faults, over the same input, all of it there from the beginning; the sink is
 * another one and begins with nothing. Often it is another query by then, over tables that are
 * others, or another time.
 */
import type { JobGraph } from '@millrace/graph'
import { beginAggregates } from '@millrace/sql'
import {
  type ChannelEdge,
  type CheckpointManifest,
  heldEdges,
  planRestore,
  readCheckpoint,
} from '@millrace/state'
import { TablesChecker } from '../checkers/checkpoint-tables.ts'
import { committablesAt } from '../checkers/committables.ts'
import { forgottenState } from '../checkers/forgotten-state.ts'
import { expectationIn, linesIn } from '../checkers/kept-columns.ts'
import { RESTORE_LAW, restoredOutput } from '../checkers/restored-output.ts'
import { type Violation, violation } from '../checkers/violation.ts'
import { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import type { PlannedForgetting } from '../scenario/draw-forgetting.ts'
import { JobClient } from '../scenario/job-client.ts'
import { JobInput } from '../scenario/job-input.ts'
import { JobOutput } from '../scenario/job-output.ts'
import { outputUpTo } from '../scenario/output-so-far.ts'
import { planJob } from '../scenario/plan-job.ts'
import type { PlannedRestore, RunPlan } from '../scenario/run-plan.ts'
import { expectedOutput } from '../workload/expected-output.ts'
import { queryColumns } from '../workload/model/query.ts'
import type { Workload } from '../workload/workload.ts'
import { delay } from '../world/scheduler.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import { CheckpointKeeper } from './checkpoint-keeper.ts'
import { editedTables } from './edited-tables.ts'
import { type EditedWorkload, editedWorkload } from './edited-workload.ts'
import { diskOf, type KeptCheckpoint } from './kept-checkpoint.ts'

const SLOTS_PER_TASK_MANAGER = 2
const LIVENESS_MS = 180_000
const POLL_MS = 50
const START_POLL_MS = 2
const SLOWNESS = 1000
/** After it came right, nothing may follow. */
const QUIET_MS = 1000
const BOUND_MS = 10 * LIVENESS_MS
/** In which a job without an end has read all of its input. */
const READ_MS = 20_000
/** Of the restored job, among those of the seed. */
const JOB_NUMBER = 900

export interface RestoredOutcome {
  readonly violations: readonly Violation[]
  readonly digest: string
  readonly events: number
  readonly simulatedMs: number
  readonly tablesCompared: number
  /** What was other than when the checkpoint was taken. */
  readonly about: readonly string[]
}

export class RestoredRun {
  readonly #plan: RunPlan
  readonly #restore: PlannedRestore
  readonly #parallelism: number
  readonly #kept: KeptCheckpoint
  readonly #environment: SimulatedEnvironment
  readonly #output: JobOutput
  /** What is restored instead of the job that wrote the checkpoint; null: that job. */
  #edited: EditedWorkload | null = null
  #forgetting: PlannedForgetting | null = null
  /** Of the restored job: its last checkpoint. */
  readonly #last: CheckpointKeeper
  readonly #violations: Violation[] = []
  #before: readonly string[] = []
  #tables: TablesChecker | null = null
  #done = false

  constructor(
    plan: RunPlan,
    restore: PlannedRestore,
    kept: KeptCheckpoint,
    onLine?: (line: string) => void,
  ) {
    const { parallelism } = restore
    this.#plan = plan
    this.#restore = restore
    this.#parallelism = parallelism
    this.#kept = kept
    this.#output = new JobOutput(plan.workload)
    const widest = Math.max(parallelism, plan.workload.sinkParallelism ?? 1)
    const taskManagers = Math.ceil(widest / SLOTS_PER_TASK_MANAGER)
    const { seed, brokers } = plan
    // It is given its parallelism, and runs through: what it shows twice is a violation.
    const properties: Record<string, string> = {
      ...plan.properties,
      'jobmanager.scheduler': 'default',
    }
    delete properties['scheduler-mode']
    const environment = new SimulatedEnvironment(
      {
        ...{ seed, brokers, properties, jobManagers: 1, taskManagers },
        // Slow enough for clocks to jump between two of its batches.
        slowness: restore.forgetting === undefined ? [] : Array(taskManagers).fill(SLOWNESS),
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
      about: [
        ...(this.#edited === null ? [] : [`edited (${this.#edited.about})`]),
        ...(this.#forgetting === null
          ? []
          : [this.#forgetting.isOver ? 'all state over' : 'later, and no state over']),
      ],
    }
  }

  async #drive(): Promise<void> {
    const { workload } = this.#plan
    const { world, cluster } = this.#environment
    const { location } = this.#kept
    const kept = diskOf(this.#kept, this.#environment)
    const committables = await committablesAt(location, kept)
    this.#before = outputUpTo(this.#kept.output, workload.sink, committables)
    for (const [path, bytes] of this.#kept.files) this.#environment.disk.place(path, bytes)
    new JobInput(this.#environment, workload).createWhole()
    const start = { parallelism: this.#parallelism, restoreFrom: location, number: JOB_NUMBER }
    const manifest = await readCheckpoint(location, kept)
    const planned = (edited: Workload): JobGraph => {
      const graph = planJob(this.#environment, edited, start, { newSink: true })
      return beginAggregates(graph, planRestore(manifest, graph.vertices).restored)
    }
    this.#change(manifest, planned)
    const edited = this.#edited
    const restored = edited?.workload ?? workload
    const jobGraph = planned(restored)
    if (edited !== null) world.log.add(world.nowMs, 'client', 'edited', edited.about)
    const processes = [...cluster.taskManagers.values()].map(({ process }) => process)
    for (const process of processes) process.wallSkewMs += this.#forgetting?.laterMs ?? 0
    this.#tables = new TablesChecker(jobGraph, this.#environment.factories())
    const client = new JobClient(world, cluster)
    await client.submit(planJob(this.#environment, restored, start, { newSink: true }))
    if (this.#forgetting !== null) await this.#jump(client, jobGraph.jobId, this.#forgetting)
    await this.#comeRight(client, jobGraph.jobId)
  }

  /** What is other than when the checkpoint was taken. */
  #change(manifest: CheckpointManifest, planned: (workload: Workload) => JobGraph): void {
    const { draw, forgetting = null } = this.#restore
    const { inFlight } = manifest
    const { workload } = this.#plan
    if (inFlight === undefined) this.#forgetting = forgetting
    if (this.#forgetting?.isOver === true) return
    const random = new SeededRandom(`edited job ${draw}`)
    const drawn = random.chance(0.4) ? null : editedWorkload(workload, random)
    // Rows under way are of the edges of the job as it was.
    const held = inFlight === undefined ? [] : heldEdges(inFlight)
    const query = drawn !== null && carries(planned(drawn.workload), held) ? drawn : null
    const tables = editedTables(
      query?.workload ?? workload,
      new SeededRandom(`edited tables ${draw}`),
      { mayWiden: held.length === 0 },
    )
    const about = [query?.about, tables.about].filter((text) => text !== undefined && text !== null)
    if (about.length === 0) return
    const columns = queryColumns(workload.query, workload.tables).map(({ name }) => name)
    this.#edited = {
      workload: tables.workload,
      common: query?.common ?? columns,
      about: about.join(', '),
    }
  }

  /** Once all tasks have their state, no clock makes it older or younger. */
  async #jump(client: JobClient, jobId: string, forgetting: PlannedForgetting): Promise<void> {
    const { world, cluster } = this.#environment
    const deadlineMs = world.nowMs + LIVENESS_MS
    let runs = false
    while (!runs && world.nowMs < deadlineMs) {
      await delay(world, START_POLL_MS)
      const state = await client.ask(jobId, (job) => {
        const attempts = [...job.graph.attempts()]
        const allRun = attempts.length > 0 && attempts.every((each) => each.state === 'RUNNING')
        return job.hasEnded ? 'ended' : allRun ? 'runs' : 'starts'
      })
      if (state === 'ended') return
      runs = state === 'runs'
    }
    await delay(world, forgetting.jumpAtMs)
    for (const { process } of cluster.taskManagers.values()) {
      process.wallSkewMs += forgetting.jumpMs
    }
    world.log.add(world.nowMs, 'client', 'clocks jump', `by ${forgetting.jumpMs} ms`)
    if (forgetting.isOver && !this.#plan.workload.bounded) await delay(world, READ_MS)
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
    if (this.#forgetting?.isOver === true) return forgottenState(after, expectation.columns)
    const { guarantee } = workload
    const edited = this.#edited
    if (edited === null) {
      return restoredOutput({ expectation, guarantee, before: this.#before, after })
    }
    const { query, tables } = edited.workload
    const columns = queryColumns(query, tables).map(({ name }) => name)
    return restoredOutput({
      expectation: expectationIn(expectation, edited.common),
      guarantee,
      before: linesIn(this.#before, expectation.columns, edited.common),
      after: linesIn(after, columns, edited.common),
    })
  }

  #violate(message: string, details: readonly string[]): void {
    const { checkpointId } = this.#kept
    const at = `checkpoint ${checkpointId} at parallelism ${this.#parallelism}`
    this.#violations.push(violation(RESTORE_LAW, message, [...details, at]))
  }
}

/** Whether each of those edges has one in the job that carries the same rows in the same way. */
function carries({ edges }: JobGraph, held: readonly ChannelEdge[]): boolean {
  const ways = new Set(edges.map(({ type, partitioning }) => JSON.stringify([type, partitioning])))
  return held.every(({ type, partitioning }) => ways.has(JSON.stringify([type, partitioning])))
}
