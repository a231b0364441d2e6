/**
 * Whether an answer has what clients of the reference engine read: every field of a recorded one,
 * of the same type.
 */
import { readFileSync } from 'node:fs'

export interface RecordedAnswer {
  readonly name: string
  readonly request: {
    readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
    readonly path: string
    readonly body?: unknown
    readonly statement?: string
  }
  readonly status: number
  readonly response: unknown
}

/** Answers of the reference engine, cut to two elements a list. `file`: beside this one. */
export function recordedAnswers(file: string): RecordedAnswer[] {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as RecordedAnswer[]
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

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
  if (path.endsWith('.logicalType')) {
    const [wanted, given] = [JSON.stringify(expected), JSON.stringify(actual)]
    return wanted === given ? [] : [`${path}: ${wanted} expected, is ${given}`]
  }
  if (Array.isArray(expected)) {
    const [first] = expected
    const given = actual as unknown[]
    if (first === undefined) return []
    if (given.length === 0) return [`${path}: empty`]
    return shapeDifferences(first, given[0], `${path}[]`)
  }
  if (kindOf(expected) !== 'object') return []
  return Object.entries(expected as object).flatMap(([key, value]) =>
    key in (actual as object)
      ? shapeDifferences(value, (actual as Record<string, unknown>)[key], `${path}.${key}`)
      : [`${path}.${key}: missing`],
  )
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
  const { errors } = recorded.response as { errors?: unknown[] }
  if (errors === undefined) return found
  const keys = Object.keys(body as object)
  if (keys.join() !== 'errors') found.push(`an error's body has the fields ${keys}`)
  const { length } = (body as { errors?: unknown[] }).errors ?? []
  if (length !== errors.length) found.push(`${errors.length} texts expected, are ${length}`)
  return found
}
