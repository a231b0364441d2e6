/**
 * exactlyOnceFiles: a directory that a filesystem sink wrote, once the job has ended or its last
 * output is due.
 *
 * Visible part files hold the expected rows, each line whole, each file ended by a line break.
 * Hidden files are the sink's own: none of them is left over once the job has finished.
 */
import type { RowsExpectation } from '../workload/expected-output.ts'
import { exactlyOnceOutput } from './exactly-once-output.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'exactly-once-files'

export interface ObservedFile {
  readonly name: string
  readonly text: string
}

export function exactlyOnceFiles(
  expectation: RowsExpectation,
  files: readonly ObservedFile[],
  { finished, brokenOff = false }: { readonly finished: boolean; readonly brokenOff?: boolean },
): Violation[] {
  const visible = files.filter(({ name }) => !isHidden(name))
  const found = exactlyOnceOutput(expectation, visible.flatMap(linesOf), {
    ...{ checker: CHECKER, brokenOff },
  })
  const open = visible.filter(({ text }) => text !== '' && !text.endsWith('\n'))
  if (open.length > 0) {
    const names = open.map(({ name }) => name)
    found.push(violation(CHECKER, `${open.length} committed files end within a line`, names))
  }
  const hidden = files.filter(({ name }) => isHidden(name)).map(({ name }) => name)
  if (finished && hidden.length > 0) {
    found.push(violation(CHECKER, `${hidden.length} files are left uncommitted`, hidden))
  }
  return found
}

/** Readers leave such files alone. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_')
}

function linesOf({ text }: ObservedFile): string[] {
  return text.split('\n').filter((line) => line !== '')
}
