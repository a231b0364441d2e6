/**
 * What a workload's sink shows: committed records of its topic, the files of its directory, or
 * printed rows; and how many rows the job says it dropped as late.
 */
import type { ObservedFile } from '../checkers/exactly-once-files.ts'
import type { ObservedOutput } from '../checkers/judge-output.ts'
import {
  OUTPUT_DIRECTORY,
  type SimulatedEnvironment,
} from '../environment/simulated-environment.ts'
import { BESIDE_OUTPUT } from '../workload/beside.ts'
import { OUTPUT_NAME, type Workload } from '../workload/workload.ts'
import { type OutputSoFar, outputSoFar } from './output-so-far.ts'

export class JobOutput {
  readonly #workload: Workload
  readonly #printed: string[] = []

  constructor(workload: Workload) {
    this.#workload = workload
  }

  printed(text: string): void {
    for (const line of text.split('\n')) if (line !== '') this.#printed.push(line)
  }

  /** `submitted`: how many jobs have been. */
  observe(environment: SimulatedEnvironment, finished: boolean, submitted: number): ObservedOutput {
    const attempts = attemptsOf(environment, submitted)
    return { ...this.#sink(environment), finished, ...lateRows(environment), attempts }
  }

  /** Rows or changes that are there for good. */
  lines(environment: SimulatedEnvironment): readonly string[] {
    return outputSoFar(environment, this.#workload.sink, this.#printed).lines
  }

  /** With what is written and not committed. */
  soFar(environment: SimulatedEnvironment): OutputSoFar {
    return outputSoFar(environment, this.#workload.sink, this.#printed)
  }

  #sink(environment: SimulatedEnvironment): Pick<ObservedOutput, 'lines' | 'files'> {
    switch (this.#workload.sink) {
      case 'kafka':
        return { lines: environment.broker.inspect.committedValues(OUTPUT_NAME) }
      case 'print':
        return { lines: this.#printed }
      case 'filesystem':
        return { files: filesOf(environment, OUTPUT_NAME) }
    }
  }

  /** Of the second pipeline. */
  besideFiles(environment: SimulatedEnvironment): readonly ObservedFile[] {
    return filesOf(environment, BESIDE_OUTPUT)
  }
}

function filesOf({ disk }: SimulatedEnvironment, name: string): readonly ObservedFile[] {
  const decoder = new TextDecoder()
  return disk.files(`${OUTPUT_DIRECTORY}/${name}`).map(({ path }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    text: decoder.decode(disk.bytesOf(path)),
  }))
}

/**
 * Infinity when a leader that is gone, or a job that is forgotten, may have started tasks of
 * which nobody knows.
 */
function attemptsOf(environment: SimulatedEnvironment, submitted: number): number {
  const leader = environment.cluster.leader()?.jobManager
  const jobs = leader?.dispatcher.all() ?? []
  if (jobs.length < submitted || (leader?.epoch ?? 0) > 1) return Number.POSITIVE_INFINITY
  return jobs.reduce((sum, job) => sum + 1 + timesDown(job), 0)
}

function timesDown({
  lifecycle,
}: {
  readonly lifecycle: { readonly restarts: number; readonly rescales: number }
}): number {
  return lifecycle.restarts + lifecycle.rescales
}

/** Rows that the job, as far as its running attempts tell, has dropped as late. */
export function lateRows(environment: SimulatedEnvironment) {
  let droppedCount = 0
  const leader = environment.cluster.leader()?.jobManager
  const jobs = leader?.dispatcher.all() ?? []
  // A later leader counts neither the restarts nor the rows of former ones.
  const taken = environment.shape.jobManagers > 1 && (leader?.epoch ?? 0) > 1
  const restarted = taken || jobs.length !== 1 || jobs.some((job) => timesDown(job) > 0)
  for (const job of jobs) {
    for (const { metrics } of job.graph.attempts()) {
      for (const { values } of metrics?.operators ?? []) {
        droppedCount += values.numLateRecordsDropped ?? 0
      }
    }
  }
  return { droppedCount, restarted }
}
