/**
 * Whether an answer has what clients of the reference engine read: every field of a recorded one,
 * of the same type, words that such clients know, and the same status.
 */
import { readFileSync } from 'node:fs'

export interface RecordedAnswer {
  readonly name: string
  readonly request: {
    readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
    readonly path: string
    readonly body?: unknown
    readonly rawBody?: string
    readonly statement?: string
  }
  readonly status: number
  readonly response: unknown
}

/**
 * Answers of the reference engine, cut to two elements a list; of metrics all names are kept.
 * `area`: a file of `fixtures`.
 */
export function recordedAnswers(area: string): RecordedAnswer[] {
  const file = new URL(`fixtures/${area}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as RecordedAnswer[]
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

/** Fields whose texts are words of a fixed set: another one is no answer to a client. */
const WORDS = new Set([
  'status',
  'state',
  'jobType',
  'job-type',
  'schedulerType',
  'type',
  'className',
  'checkpoint_type',
  'savepointFormat',
  'mode',
  'application-status',
  'backpressureLevel',
  'backpressure-level',
  'exchange',
  'resultType',
  'resultKind',
])

/** One of the reference's lists of metrics: each entry is a name, and perhaps its values. */
function isMetrics(value: unknown): value is { readonly id: string }[] {
  const METRIC = new Set(['id', 'value', 'min', 'max', 'avg', 'sum', 'skew'])
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (entry) =>
        typeof entry?.id === 'string' && Object.keys(entry).every((key) => METRIC.has(key)),
    )
  )
}

/** Without subtask and operator, whose names differ: `0.Calc[3].numRecordsIn` → `numRecordsIn`. */
export function metricName(id: string): string {
  const plain = id.replace(/^\d+\./, '')
  const operator = /^[^.]*(\[\d+\]|__Writer|__Committer|: Writer)[^.]*\./.exec(plain)
  return operator === null ? plain : `<operator>.${plain.slice(operator[0].length)}`
}

/**
 * Fields that are missing or of another type, by their path; types of columns are
 * compared by value.
 */
export function shapeDifferences(expected: unknown, actual: unknown, path = '$'): string[] {
  // A number that the reference does not measure everywhere.
  if (expected === 'NaN' && typeof actual === 'number') return []
  if (kindOf(expected) !== kindOf(actual)) {
    return [`${path}: ${kindOf(expected)} expected, is ${kindOf(actual)}`]
  }
  const key = path.slice(path.lastIndexOf('.') + 1)
  if (key === 'logicalType' || (WORDS.has(key) && typeof expected === 'string')) {
    const [wanted, given] = [JSON.stringify(expected), JSON.stringify(actual)]
    return wanted === given ? [] : [`${path}: ${wanted} expected, is ${given}`]
  }
  if (Array.isArray(expected)) return listDifferences(expected, actual as unknown[], path)
  if (kindOf(expected) !== 'object') return []
  return Object.entries(expected as object).flatMap(([key, value]) =>
    key in (actual as object)
      ? shapeDifferences(value, (actual as Record<string, unknown>)[key], `${path}.${key}`)
      : [`${path}.${key}: missing`],
  )
}

function listDifferences(expected: unknown[], given: unknown[], path: string): string[] {
  const [first] = expected
  if (first === undefined) return []
  if (given.length === 0) return [`${path}: empty`]
  if (!isMetrics(expected)) {
    // The one that is most like it: a list has several kinds, in no order that both share.
    const each = given.map((element) => shapeDifferences(first, element, `${path}[]`))
    return each.reduce((least, other) => (other.length < least.length ? other : least))
  }
  const names = new Set((given as { id: string }[]).map(({ id }) => metricName(id)))
  const missing = new Set(
    expected.map(({ id }) => metricName(id)).filter((name) => !names.has(name)),
  )
  return [
    ...[...missing].sort().map((name) => `${path}: no metric ${name}`),
    ...shapeDifferences(first, { id: '', ...(given[0] as object) }, `${path}[]`),
  ]
}

/**
 * What is wrong with the whole answer. An error's body has no further field, and as many
 * texts as recorded.
 */
export function answerDifferences(
  recorded: RecordedAnswer,
  status: number,
  body: unknown,
): string[] {
  const found = shapeDifferences(recorded.response, body)
  if (status !== recorded.status) found.push(`status ${recorded.status} expected, is ${status}`)
  const { errors } = (recorded.response ?? {}) as { errors?: unknown[] }
  if (errors === undefined) return found
  const keys = Object.keys((body ?? {}) as object)
  if (keys.join() !== 'errors') found.push(`an error's body has the fields ${keys}`)
  const { length } = ((body ?? {}) as { errors?: unknown[] }).errors ?? []
  if (length !== errors.length) found.push(`${errors.length} texts expected, are ${length}`)
  return found
}
