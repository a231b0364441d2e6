/**
 * The state of each case of the SQL corpus: it passes, it departs (there is an answer of our own
 * beside it), or it is on the list of those that are not right yet, under the name of what it waits
 * for.
 *
 * corpus/not-yet.txt: `## reason`, which issue it `needs:`, how it is `refused:` today (a pattern),
 * then a case a line. None of them may answer: a wrong answer is a defect and waits for nothing.
 */
import { readFileSync } from 'node:fs'
import { CORPUS_DIRECTORY, RUN_FOLDERS, type RunFolder, readCases } from './corpus-case.ts'

/** What cases wait for. */
export interface Reason {
  readonly name: string
  /** `issue 13, joins`. */
  readonly needs: string
  /** Of the text that refuses such a case by name. */
  readonly refused: RegExp
}

const NEEDS = /^issue \d+, \S.*$/

/** Case → what it waits for. */
export function readNotYet(): ReadonlyMap<string, Reason> {
  const notYet = new Map<string, Reason>()
  const text = readFileSync(`${CORPUS_DIRECTORY}/not-yet.txt`, 'utf8')
  for (const section of text.split(/^## /m).slice(1)) {
    const [name = '', needs = '', refused = '', ...cases] = section.trim().split('\n')
    const reason = {
      name,
      needs: entryOf('needs', needs, name),
      refused: new RegExp(entryOf('refused', refused, name)),
    }
    if (!NEEDS.test(reason.needs)) throw new Error(`${name} needs an issue: ${reason.needs}`)
    for (const each of cases) {
      if (notYet.has(each)) throw new Error(`${each} stands twice in not-yet.txt.`)
      notYet.set(each, reason)
    }
  }
  return notYet
}

function entryOf(key: string, line: string, reason: string): string {
  if (line.startsWith(`${key}: `)) return line.slice(key.length + 2)
  throw new Error(`Write '${key}: …' below '## ${reason}' in not-yet.txt.`)
}

export interface StateCounts {
  readonly folder: RunFolder
  readonly cases: number
  readonly passes: number
  readonly departs: number
  readonly notYet: number
}

export function countStates(): StateCounts[] {
  const notYet = readNotYet()
  return RUN_FOLDERS.map((folder) => {
    const cases = readCases(folder)
    const waiting = cases.filter(({ name }) => notYet.has(name)).length
    const departs = cases.filter(({ name, departure }) => departure !== null && !notYet.has(name))
    return {
      folder,
      cases: cases.length,
      passes: cases.length - waiting - departs.length,
      departs: departs.length,
      notYet: waiting,
    }
  })
}
