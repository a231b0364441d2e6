/**
 * What the sinks of a user's job show, and how it differs from what they showed in the run
 * without faults.
 *
 * A topic shows its committed records, a directory its committed files, a printed table its lines;
 * of a result that changes, the last word on each key counts. Order is not compared.
 */

import { parseChange } from '../checkers/changelog-output.ts'
import { compareRows } from '../checkers/compare-rows.ts'
import { isHidden, type ObservedFile } from '../checkers/exactly-once-files.ts'
import { type Violation, violation } from '../checkers/violation.ts'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { simulationError } from '../error-codes.ts'
import { type SinkTable, shortName } from './plan-user-job.ts'

export interface SinkOutput {
  /** The table's name. */
  readonly table: string
  /** Topic or directory; of a printed table its full name. */
  readonly place: string
  /** Records as they were written; of a changing result, the rows that are left in the end. */
  readonly rows: readonly string[]
}

export class UserOutput {
  readonly #printed: string[] = []

  printed(text: string): void {
    for (const line of text.split('\n')) if (line !== '') this.#printed.push(line)
  }

  observe(environment: SimulatedEnvironment, sinks: readonly SinkTable[]): SinkOutput[] {
    return sinks
      .filter(({ connector }) => connector !== 'blackhole')
      .map((sink) => ({
        table: shortName(sink.description.tableName),
        place: sink.place,
        rows: this.#rows(environment, sink),
      }))
  }

  #rows({ broker, disk }: SimulatedEnvironment, sink: SinkTable): readonly string[] {
    if (sink.connector === 'kafka') return broker.inspect.committedValues(sink.place)
    if (sink.connector === 'print') {
      const ownBegin = (line: string) =>
        line.startsWith(`${sink.place}> `) || line.startsWith(`${sink.place}:`)
      const lines = this.#printed.filter(ownBegin)
      if (sink.changelog) return lastWords(lines, sink)
      return lines.map((line) => line.slice(line.indexOf('> ') + 2))
    }
    return filesOf(disk, sink.place)
      .filter(({ name }) => !isHidden(name))
      .flatMap(({ text }) => text.split('\n').filter((line) => line !== ''))
  }
}

function filesOf(disk: SimulatedEnvironment['disk'], directory: string): ObservedFile[] {
  const decoder = new TextDecoder()
  return disk.files(directory).map(({ path }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    text: decoder.decode(disk.bytesOf(path)),
  }))
}

function lastWords(lines: readonly string[], sink: SinkTable): string[] {
  const names = sink.description.schema.fields.map(({ name }) => name)
  const positions = sink.keyColumns.map((name) => names.indexOf(name))
  const rows = new Map<string, string>()
  for (const line of lines) {
    const change = parseChange(line)
    if (change?.values.length !== names.length) {
      throw simulationError(
        'SIMULATE_JOB_INVALID',
        `Write texts without ', ' into '${sink.place}': the columns of its printed changes cannot be told apart: ${line}.`,
      )
    }
    const key = JSON.stringify(positions.map((position) => change.values[position]))
    if (change.kind === '+I' || change.kind === '+U') rows.set(key, change.values.join(', '))
    else rows.delete(key)
  }
  return [...rows.values()]
}

/** `finished`: the job has ended by itself. */
export function judgeSinks(
  environment: SimulatedEnvironment,
  sinks: readonly SinkTable[],
  expected: readonly SinkOutput[],
  observed: readonly SinkOutput[],
  finished: boolean,
): Violation[] {
  const found: Violation[] = []
  expected.forEach(({ table, place, rows }, index) => {
    const sink = sinks.find((each) => each.place === place) as SinkTable
    const checker = sink.repeats && !sink.changelog ? 'at-least-once-output' : 'output'
    const { missing, doubled, unexpected } = compareRows(rows, observed[index]?.rows ?? [])
    const say = (lines: readonly string[], what: string) => {
      if (lines.length === 0) return
      found.push(violation(checker, `${table}: ${lines.length} ${what}`, lines))
    }
    say(missing, `of ${rows.length} rows are missing`)
    if (checker === 'output') say(doubled, 'rows are there more often than without faults')
    say(unexpected, 'rows are there that are not without faults')
    if (sink.connector !== 'filesystem') return
    const files = filesOf(environment.disk, place)
    const open = files.filter(({ name, text }) => !isHidden(name) && !/(^|\n)$/.test(text))
    say(
      open.map(({ name }) => name),
      'committed files end within a line',
    )
    const hidden = finished ? files.filter(({ name }) => isHidden(name)) : []
    say(
      hidden.map(({ name }) => name),
      'files are left uncommitted',
    )
  })
  return found
}
