/** A generated workload as the job of a run: its oracle judges the output. */
import type { JobGraph } from '@millrace/graph'
import { besideOutput } from '../checkers/beside-output.ts'
import { judgeOutput } from '../checkers/judge-output.ts'
import type { Violation } from '../checkers/violation.ts'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { TaskFailures } from '../faults/task-failures.ts'
import { besideRows } from '../workload/beside.ts'
import { type Expectation, expectedOutput } from '../workload/expected-output.ts'
import { rowCount, type Workload } from '../workload/workload.ts'
import { JobInput } from './job-input.ts'
import { JobOutput } from './job-output.ts'
import type { JobStage, JobStart, JobUnderTest } from './job-under-test.ts'
import { type OutputSoFar, stillUncommitted } from './output-so-far.ts'
import { planJob } from './plan-job.ts'

export class WorkloadJob implements JobUnderTest {
  readonly #workload: Workload
  readonly #expectation: Expectation
  readonly #output: JobOutput
  readonly taskFailures = new TaskFailures()
  #input: JobInput | null = null
  #submitted = 0

  constructor(workload: Workload) {
    this.#workload = workload
    this.#expectation = expectedOutput(workload)
    this.#output = new JobOutput(workload)
  }

  get workload(): Workload {
    return this.#workload
  }

  get bounded(): boolean {
    return this.#workload.bounded
  }

  get parallelism(): number {
    return this.#workload.parallelism
  }

  plan(environment: SimulatedEnvironment, start: JobStart): JobGraph {
    this.#submitted = start.number + 1
    const besideFormat = this.taskFailures.format.name
    return planJob(environment, this.#workload, start, { besideFormat })
  }

  createInput(environment: SimulatedEnvironment): void {
    this.#input = new JobInput(environment, this.#workload)
    this.#input.create()
  }

  /** The phase with faults is longer than the input takes: nothing to wait for. */
  async feed(): Promise<void> {
    this.#input?.feed()
  }

  printed(text: string): void {
    this.#output.printed(text)
  }

  get isDrainedAtEnd(): boolean {
    return this.#workload.isDrainedAtEnd === true
  }

  judge(environment: SimulatedEnvironment, stage: JobStage): readonly Violation[] {
    const isOver = stage === 'finished' || stage === 'drained'
    const observed = this.#output.observe(environment, isOver, this.#submitted)
    if (stage === 'drained') {
      // Windows that no later row has closed are shown too.
      const whole = { ...this.#workload, finalWatermarkMs: Number.POSITIVE_INFINITY }
      return judgeOutput(whole, observed)
    }
    const brokenOff = stage === 'broken-off'
    const { beside } = this.#workload
    return [
      ...judgeOutput(this.#workload, { ...observed, brokenOff }, this.#expectation),
      ...(beside === undefined
        ? []
        : besideOutput(beside, this.#output.besideFiles(environment), { brokenOff })),
    ]
  }

  /** With what is written and not committed. */
  outputSoFar(environment: SimulatedEnvironment): OutputSoFar {
    return this.#output.soFar(environment)
  }

  uncommitted(
    environment: SimulatedEnvironment,
    committables: readonly Uint8Array[],
  ): readonly string[] {
    return stillUncommitted(this.outputSoFar(environment), this.#workload.sink, committables)
  }

  describe(): readonly string[] {
    const { shape, source, sink, bounded, emptyPartitions, beside } = this.#workload
    return [
      `job ${shape}`,
      `${source} to ${sink}`,
      bounded ? 'bounded' : 'unbounded',
      `${rowCount(this.#workload)} rows`,
      ...(beside === undefined ? [] : [`beside ${besideRows(beside)} numbers`]),
      ...(emptyPartitions === undefined ? [] : [`empty partitions: ${emptyPartitions}`]),
    ]
  }
}
