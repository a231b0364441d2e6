/**
 * JobUnderTest: what a ScenarioRun needs to know of the job that it runs — how it is planned, fed
 * and judged — whether a seed generated it or a user wrote it.
 */
import type { JobGraph } from '@millrace/graph'
import type { Violation } from '../checkers/violation.ts'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import type { TaskFailures } from '../faults/task-failures.ts'
import type { Workload } from '../workload/workload.ts'

export interface JobStart {
  readonly parallelism: number
  /** A checkpoint's directory; null: from the beginning. */
  readonly restoreFrom: string | null
  /** How many jobs the run has submitted before. */
  readonly number: number
  /** Further SET statements. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * `finished`: the job has ended by itself. `broken-off`: it has ended because it lost
 * what it needed. `drained`: a savepoint has stopped it as if its input had ended.
 */
export type JobStage = 'running' | 'finished' | 'broken-off' | 'drained'

export interface JobUnderTest {
  /** It ends by itself. */
  readonly bounded: boolean
  readonly parallelism: number
  /** What its neighbours run too; null: it has none. */
  readonly workload: Workload | null
  /** Lets tasks of it fail; absent: nothing does that. */
  readonly taskFailures?: TaskFailures
  /** The JobGraph that a client would submit. */
  plan(environment: SimulatedEnvironment, start: JobStart): JobGraph
  /** Makes topics and directories, with what is in them before the job starts. */
  createInput(environment: SimulatedEnvironment): void
  /**
   * Lets the rest of the input arrive from now on. Resolves when the phase with faults may end.
   */
  feed(environment: SimulatedEnvironment): Promise<void>
  /** A process of the run printed that. */
  printed(text: string): void
  /**
   * What is wrong with the output as it is now; nothing: it is all there, or all that there is to
   * be of a job that broke off.
   */
  judge(environment: SimulatedEnvironment, stage: JobStage): readonly Violation[]
  /** Behind all its input it is stopped by a savepoint that drains it, and judged once more. */
  readonly isDrainedAtEnd?: boolean
  /** Of what the sinks had pre-committed, what is not committed, by name. */
  uncommitted?(
    environment: SimulatedEnvironment,
    committables: readonly Uint8Array[],
  ): readonly string[]
  /** What was drawn, for people and for counts. */
  describe(): readonly string[]
}
