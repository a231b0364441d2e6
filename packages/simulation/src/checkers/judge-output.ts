/** judgeOutput: the checker that fits a workload's sink and guarantee, over what was observed. */
import { type Expectation, expectedOutput } from '../workload/expected-output.ts'
import { endsUncommitted, type Workload } from '../workload/workload.ts'
import { atLeastOnceOutput } from './at-least-once-output.ts'
import { changelogOutput } from './changelog-output.ts'
import { exactlyOnceFiles, isHidden, type ObservedFile } from './exactly-once-files.ts'
import { exactlyOnceOutput } from './exactly-once-output.ts'
import { lateRows } from './late-rows.ts'
import type { Violation } from './violation.ts'

export interface ObservedOutput {
  /** Values of a Kafka sink (read_committed when exactly-once), or lines of a print sink. */
  readonly lines?: readonly string[]
  /** Files of a filesystem sink, hidden ones too. */
  readonly files?: readonly ObservedFile[]
  /** The job has ended by itself. */
  readonly finished: boolean
  /**
   * The job has ended because something was lost: rows may be missing. Only of exactly-once sinks
   * without late rows.
   */
  readonly brokenOff?: boolean
  /** The job has been restarted at least once. */
  readonly restarted: boolean
  /**
   * How often the job's tasks were started, as far as that is known: Infinity when it is not.
   * Default: by `restarted`.
   */
  readonly attempts?: number
  /** numLateRecordsDropped of all subtasks, when known. */
  readonly droppedCount?: number
}

export function judgeOutput(
  workload: Workload,
  observed: ObservedOutput,
  expectation: Expectation = expectedOutput(workload),
): Violation[] {
  const { guarantee } = workload
  const { finished } = observed
  const brokenOff = observed.brokenOff === true || endsUncommitted(workload)
  const files = observed.files ?? []
  const visible = files.filter(({ name }) => !isHidden(name))
  const lines =
    observed.lines ?? visible.flatMap(({ text }) => text.split('\n').filter((line) => line !== ''))
  switch (expectation.kind) {
    case 'late': {
      const droppedCount = observed.restarted ? null : (observed.droppedCount ?? null)
      return lateRows(expectation, { lines, guarantee, droppedCount })
    }
    case 'changelog':
      return changelogOutput(
        expectation,
        lines,
        observed.restarted ? (observed.attempts ?? Infinity) : 1,
      )
    case 'rows':
      if (observed.files !== undefined) {
        return exactlyOnceFiles(expectation, files, { finished, brokenOff })
      }
      return guarantee === 'exactly-once'
        ? exactlyOnceOutput(expectation, lines, { brokenOff })
        : atLeastOnceOutput(expectation, lines)
  }
}
