/** What the second pipeline of a job wrote: every number once, or none twice when it broke off. */
import { type Beside, besideLine, besideRows } from '../workload/beside.ts'
import { isHidden, type ObservedFile } from './exactly-once-files.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'beside-output'

export function besideOutput(
  beside: Beside,
  files: readonly ObservedFile[],
  { brokenOff }: { readonly brokenOff: boolean },
): Violation[] {
  const missing = new Set(Array.from({ length: besideRows(beside) }, (_, n) => besideLine(n)))
  const wrong: string[] = []
  for (const { name, text } of files) {
    if (isHidden(name)) continue
    for (const line of text.split('\n')) {
      if (line !== '' && !missing.delete(line)) wrong.push(`${name}: ${line}`)
    }
  }
  const found: Violation[] = []
  if (wrong.length > 0) {
    const message = `The second pipeline wrote ${wrong.length} rows twice, or that it never read.`
    found.push(violation(CHECKER, message, wrong.slice(0, 5)))
  }
  if (missing.size > 0 && !brokenOff) {
    const message = `${missing.size} rows of the second pipeline are not there.`
    found.push(violation(CHECKER, message, [...missing].slice(0, 5)))
  }
  return found
}
