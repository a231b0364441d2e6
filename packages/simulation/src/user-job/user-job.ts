/**
 * A user's job as the job of a run: judged by what it gives without faults, or, in that run
 * itself, watched until its output has come to rest.
 */
import type { JobGraph } from '@millrace/graph'
import { type Violation, violation } from '../checkers/violation.ts'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { lateRows } from '../scenario/job-output.ts'
import type { JobStage, JobStart, JobUnderTest } from '../scenario/job-under-test.ts'
import type { InputSchedule } from './input-schedule.ts'
import { type PlannedUserJob, planUserJob, type UserJobText } from './plan-user-job.ts'
import type { PlaceInput } from './resolve-inputs.ts'
import { UserInput } from './user-input.ts'
import { judgeSinks, type SinkOutput, UserOutput } from './user-output.ts'

const OUTPUT_PARTITIONS = 2

export interface UserJobParts {
  readonly job: UserJobText
  /** How it plans on any simulated cluster. */
  readonly planned: PlannedUserJob
  readonly inputs: readonly PlaceInput[]
  readonly schedule: InputSchedule
  /** Null: the run without faults, which says what to expect. */
  readonly expected: readonly SinkOutput[] | null
  /** So long without a new row is rest. */
  readonly restMs: number
}

export class UserJob implements JobUnderTest {
  readonly #parts: UserJobParts
  readonly #output = new UserOutput()
  #input: UserInput | null = null
  #fedAtMs = 0
  #last: { readonly text: string; readonly sinceMs: number } | null = null
  /** As it was when it was judged last. */
  observed: readonly SinkOutput[] = []
  /** Rows that its last attempts dropped as late. */
  lateCount = 0

  constructor(parts: UserJobParts) {
    this.#parts = parts
  }

  /** Nobody else knows how to run it. */
  readonly workload = null

  get bounded(): boolean {
    return this.#parts.planned.bounded
  }

  get parallelism(): number {
    return this.#parts.planned.parallelism
  }

  /** Kills at ABORTs, for people. */
  get killed(): readonly string[] {
    return this.#input?.killed ?? []
  }

  plan(environment: SimulatedEnvironment, start: JobStart): JobGraph {
    const { number, restoreFrom } = start
    const { jobGraph } = planUserJob(this.#parts.job, {
      connectors: environment.connectorsOf(null),
      formats: environment.formats,
      bootstrapServers: environment.broker.bootstrapServers,
      number,
      restoreFrom,
    })
    return jobGraph
  }

  createInput(environment: SimulatedEnvironment): void {
    const { inputs, schedule, planned } = this.#parts
    this.#input = new UserInput(environment, inputs, schedule)
    this.#input.create()
    for (const { connector, place } of planned.sinks) {
      if (connector === 'kafka' && !environment.broker.state.topics.has(place)) {
        environment.broker.createTopic(place, OUTPUT_PARTITIONS)
      }
    }
  }

  async feed(environment: SimulatedEnvironment): Promise<void> {
    await this.#input?.feed()
    this.#fedAtMs = environment.world.nowMs
  }

  printed(text: string): void {
    this.#output.printed(text)
  }

  judge(environment: SimulatedEnvironment, stage: JobStage): readonly Violation[] {
    const finished = stage !== 'running'
    const { planned, expected } = this.#parts
    this.observed = this.#output.observe(environment, planned.sinks)
    this.lateCount = lateRows(environment).droppedCount
    if (expected !== null) {
      return judgeSinks(environment, planned.sinks, expected, this.observed, finished)
    }
    return finished || this.#isAtRest(environment) ? [] : [NOT_AT_REST]
  }

  #isAtRest({ world }: SimulatedEnvironment): boolean {
    const text = JSON.stringify(this.observed)
    if (this.#last?.text !== text) this.#last = { text, sinceMs: world.nowMs }
    return world.nowMs - Math.max(this.#last.sinceMs, this.#fedAtMs) >= this.#parts.restMs
  }

  describe(): readonly string[] {
    const { inputs } = this.#parts
    const rows = inputs.flatMap(({ partitions }) => partitions.map(({ lines }) => lines.length))
    return [
      'job of the user',
      this.bounded ? 'bounded' : 'unbounded',
      `${rows.reduce((sum, count) => sum + count, 0)} rows`,
    ]
  }
}

const NOT_AT_REST = violation('rest', 'The output still changes.', [])
