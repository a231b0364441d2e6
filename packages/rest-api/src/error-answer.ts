/**
 * The body of every answer with status 4xx or 5xx: exactly `{"errors": [text, …]}`, as the
 * reference engine's clients demand, which refuse a body with any further field.
 *
 * What else an error has (code, place, hint, causes) travels inside the text, where those clients
 * look for a stack trace: they show the message of the last `Caused by: SomeException: …` up to the
 * first line that begins with a tab and `at`. Such a line carries the whole error as JSON, so that
 * `errorDataOf` gives back what `errorAnswer` was given.
 */
import { describeLocation, type ErrorData } from '@millrace/core'

export interface ErrorAnswer {
  readonly errors: readonly string[]
}

const FRAME = '\tat millrace.error('
const CAUSES_MAX = 5

/**
 * The answer to a request that was refused. `wrapped`: the reference answers with two texts, the
 * second a trace from its server (results of statements, among others).
 */
export function errorAnswer(error: ErrorData, wrapped = false): ErrorAnswer {
  const trace = `MillraceException: ${messageText(error)}\n${FRAME}${JSON.stringify(withoutStacks(error))})\n`
  if (!wrapped) return { errors: [trace] }
  const text = `<Exception on server side:\nMillraceException: The request failed.\nCaused by: ${trace}\nEnd of exception on server side>`
  return { errors: ['Internal server error.', text] }
}

/** The error that a body carries; null when it carries none of ours. */
export function errorDataOf(answer: unknown): ErrorData | null {
  const errors = (answer as Partial<ErrorAnswer> | null)?.errors
  for (const text of Array.isArray(errors) ? errors : []) {
    const at = typeof text === 'string' ? text.indexOf(FRAME) : -1
    if (at < 0) continue
    const line = text.slice(at + FRAME.length).split('\n')[0] as string
    const data = parse(line.slice(0, line.lastIndexOf(')')))
    if (data?.brand === 'millrace-error') return data
  }
  return null
}

function parse(text: string): ErrorData | null {
  try {
    return JSON.parse(text) as ErrorData
  } catch {
    return null
  }
}

/**
 * All that a person needs in one message: foreign clients show nothing else. No line of it begins
 * with `at`, at which one of them ends the message.
 */
function messageText(error: ErrorData): string {
  const place = describeLocation(error.location)
  const lines = [`[${error.code}] ${error.message}${place === '' ? '' : ` (${place})`}`]
  let { cause, hint } = error
  for (let depth = 0; cause !== undefined && depth < CAUSES_MAX; depth++, cause = cause.cause) {
    lines.push(`because of [${cause.code}] ${cause.message}`)
    hint ??= cause.hint
  }
  if (hint !== undefined) lines.push(`Hint: ${hint}`)
  return lines.join('\n')
}

function withoutStacks({ stack: _, cause, ...shown }: ErrorData): ErrorData {
  return cause === undefined ? shown : { ...shown, cause: withoutStacks(cause) }
}
