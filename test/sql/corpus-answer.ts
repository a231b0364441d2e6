/**
 * Compares what a case answered with what was recorded: the rows that are left when the changelog
 * is applied, as a multiset; numbers by value, times by what they mean; an error by being one.
 */
import type { Answer, CorpusCase } from './corpus-case.ts'
import type { Outcome } from './corpus-cluster.ts'

/** `hollow`: an error was right, but this one says that a feature is missing. */
export type Verdict =
  | { readonly passes: true }
  | { readonly passes: false; readonly why: string; readonly hollow: boolean }

const PASSES: Verdict = { passes: true }
const HOLLOW = /not supported( yet)?|UNSUPPORTED|not known yet/
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?$/
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
/** A longer number may have more digits than a double. */
const NUMBER_LENGTH_MAX = 15

export function judge(corpusCase: CorpusCase, expected: Answer, outcome: Outcome): Verdict {
  const fails = (why: string, hollow = false): Verdict => ({ passes: false, why, hollow })
  const { error } = outcome
  if (expected.error !== undefined) {
    if (corpusCase.limit) return PASSES
    if (error === null) {
      return fails(`an error was expected, got ${JSON.stringify(outcome.rows.slice(0, 3))}`)
    }
    return HOLLOW.test(error)
      ? fails(`refused for want of a feature, not for the rule: ${error}`, true)
      : PASSES
  }
  if (error !== null) return fails(`error: ${error}`)
  if (corpusCase.compares === 'columns') {
    const names = (expected.columns ?? []).map(([name]) => name)
    return JSON.stringify(names) === JSON.stringify(outcome.columns)
      ? PASSES
      : fails(`columns ${outcome.columns} instead of ${names}`)
  }
  return compareRows(expected.changelog ?? [], outcome.rows, corpusCase.ordered)
}

type Rows = readonly (readonly unknown[])[]

function compareRows(expected: Rows, actual: Rows, ordered: boolean): Verdict {
  const wanted = applied(expected)
  const given = applied(actual)
  const missing = [...wanted.counts].filter(([row, n]) => n !== (given.counts.get(row) ?? 0))
  const unexpected = [...given.counts].filter(([row, n]) => n !== (wanted.counts.get(row) ?? 0))
  if (missing.length > 0 || unexpected.length > 0) {
    const shown = (rows: typeof missing) =>
      rows
        .slice(0, 3)
        .map(([row, n]) => `${n} × ${row}`)
        .join(' ')
    const why = `rows differ: missing ${shown(missing)} unexpected ${shown(unexpected)}`
    return { passes: false, why, hollow: false }
  }
  if (ordered && wanted.order.join('\n') !== given.order.join('\n')) {
    return { passes: false, why: 'the order of the rows differs', hollow: false }
  }
  return PASSES
}

/**
 * How often each row is there at the end (those that are not are left out), and every
 * change in order.
 */
function applied(rows: Rows): { counts: ReadonlyMap<string, number>; order: readonly string[] } {
  const counts = new Map<string, number>()
  const order = rows.map(([kind, ...fields]) => {
    const row = `[${fields.map(canonical).join(', ')}]`
    const change = kind === 'INSERT' || kind === 'UPDATE_AFTER' ? 1 : -1
    counts.set(row, (counts.get(row) ?? 0) + change)
    return row
  })
  for (const [row, count] of counts) if (count === 0) counts.delete(row)
  return { counts, order }
}

/** One text for each value, whichever way it was written. */
function canonical(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return numberText(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(', ')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, each]) => `${JSON.stringify(key)}: ${canonical(each)}`).join(', ')}}`
  }
  const text = String(value)
  if (TIME.test(text)) return JSON.stringify(timeText(text))
  if (NUMBER.test(text) && text.length <= NUMBER_LENGTH_MAX) return numberText(Number(text))
  return JSON.stringify(text)
}

/** −0 is a value of its own, as it is where the answers were recorded. */
function numberText(value: number): string {
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    return JSON.stringify(String(BigInt(value)))
  return Object.is(value, -0) ? '-0' : String(value)
}

function timeText(text: string): string {
  let shown = text.replace('T', ' ').replace(/Z$/, '')
  if (shown.length === 16) shown += ':00'
  return shown.includes('.') ? shown.replace(/0+$/, '').replace(/\.$/, '') : shown
}
