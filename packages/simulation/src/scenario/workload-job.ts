/** A generated workload as the job of a run: its oracle judges the output. */
import type { JobGraph } from '@millrace/graph'
import type { Filesystem } from '@millrace/platform'
import { judgeOutput } from '../checkers/judge-output.ts'
import { StateChecker } from '../checkers/state-checker.ts'
import type { Violation } from '../checkers/violation.ts'
import { PlanModel } from '../plan-model/plan-model.ts'
import { type Expectation, expectedOutput } from '../workload/expected-output.ts'
import { rowCount, type Workload } from '../workload/workload.ts'
import { JobInput } from './job-input.ts'
import { JobOutput } from './job-output.ts'
import type { JobStage, JobStart, JobUnderTest } from './job-under-test.ts'
import { planJob } from './plan-job.ts'
import type { SimulatedEnvironment } from './simulated-environment.ts'
import { workloadPlanInput } from './workload-plan-input.ts'

export class WorkloadJob implements JobUnderTest {
  readonly #workload: Workload
  readonly #expectation: Expectation
  readonly #output: JobOutput
  #input: JobInput | null = null
  #state: StateChecker | null = null
  #submitted = 0

  constructor(workload: Workload) {
    this.#workload = workload
    this.#expectation = expectedOutput(workload)
    this.#output = new JobOutput(workload)
  }

  get bounded(): boolean {
    return this.#workload.bounded
  }

  get parallelism(): number {
    return this.#workload.parallelism
  }

  plan(environment: SimulatedEnvironment, start: JobStart): JobGraph {
    const jobGraph = planJob(environment, this.#workload, start)
    this.#submitted = start.number + 1
    // Stopped and submitted again, it has the same operators.
    if (this.#state === null) {
      const input = workloadPlanInput(this.#workload)
      this.#state = new StateChecker(new PlanModel(jobGraph, input), input, {
        // Which rows came too late is not for the offsets to say.
        groups: !this.#workload.late,
      })
    }
    return jobGraph
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

  judge(environment: SimulatedEnvironment, stage: JobStage): readonly Violation[] {
    const observed = this.#output.observe(environment, stage === 'finished', this.#submitted)
    const brokenOff = stage === 'broken-off'
    return judgeOutput(this.#workload, { ...observed, brokenOff }, this.#expectation)
  }

  async judgeState(location: string, filesystem: Filesystem): Promise<readonly Violation[]> {
    return (await this.#state?.check(location, filesystem)) ?? []
  }

  get stateCompared(): number {
    return this.#state?.compared ?? 0
  }

  describe(): readonly string[] {
    const { shape, source, sink, bounded, emptyPartitions } = this.#workload
    return [
      `job ${shape}`,
      `${source} to ${sink}`,
      bounded ? 'bounded' : 'unbounded',
      `${rowCount(this.#workload)} rows`,
      ...(emptyPartitions === undefined ? [] : [`empty partitions: ${emptyPartitions}`]),
    ]
  }
}
