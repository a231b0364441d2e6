/**
 * The one error object: the same code, message, place and hint reach the CLI, REST, the log and the
 * job's exception history.
 *
 * Each package declares its codes in one table (`error-codes.ts`, through `defineErrors`),
 * checked by test/architecture against docs/errors.md in both directions. Errors cross threads
 * and processes as plain data (`toErrorData`), so they are recognised by `brand` and `code`,
 * never by `instanceof`.
 */

/**
 * Who can mend it: the user's statement or option, the data, a system outside, or Millrace itself.
 */
export type ErrorDomain = 'user' | 'data' | 'external' | 'internal'
/**
 * Whether doing the same again can succeed: `never` makes a job fail at once, `backoff` leaves it
 * to the restart strategy.
 */
export type ErrorRetry = 'never' | 'backoff'

export interface ErrorDeclaration {
  readonly domain: ErrorDomain
  readonly retry: ErrorRetry
  /** What makes it happen, one sentence, for docs/errors.md. */
  readonly description: string
}

/** Where the fault stands; every known part is given. */
export interface ErrorLocation {
  /** 1-based line in the SQL statement. */
  readonly line?: number
  /** 1-based column in the SQL statement. */
  readonly column?: number
  readonly endLine?: number
  readonly endColumn?: number
  readonly optionKey?: string
  readonly file?: string
  readonly topic?: string
  readonly partition?: number
  /** Kafka offset, or byte offset in `file`. */
  readonly offset?: string
  readonly operator?: string
  readonly subtask?: string
  readonly taskManager?: string
}

/** Plain-data form of an error: what crosses threads, gRPC and REST. */
export interface ErrorData {
  readonly brand: 'millrace-error'
  readonly code: string
  /** Sentence case, the action first, current value last; no location and no hint inside. */
  readonly message: string
  readonly domain: ErrorDomain
  readonly retry: ErrorRetry
  /** What to do. */
  readonly hint?: string
  readonly location?: ErrorLocation
  readonly cause?: ErrorData
  readonly stack?: string
}

export interface ErrorDetails {
  readonly hint?: string
  readonly location?: ErrorLocation
  readonly cause?: unknown
}

export class MillraceError extends Error {
  readonly brand = 'millrace-error' as const
  readonly code: string
  readonly domain: ErrorDomain
  readonly retry: ErrorRetry
  readonly hint: string | undefined
  readonly location: ErrorLocation | undefined
  constructor(
    code: string,
    declaration: Pick<ErrorDeclaration, 'domain' | 'retry'>,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'MillraceError'
    this.code = code
    this.domain = declaration.domain
    this.retry = declaration.retry
    this.hint = details.hint
    this.location = details.location
  }
}

/**
 * Declares a package's error codes and returns their constructor.
 *
 *     export const { error: sqlError, declarations: SQL_ERRORS } = defineErrors({
 *       SQL_SYNTAX: { domain: 'user', retry: 'never', description: 'It does not parse.' },
 *     })
 *     const location = { line: 1, column: 10 }
 *     throw sqlError('SQL_SYNTAX', "Expected FROM, found 'FORM'.", { location })
 */
export function defineErrors<const T extends Record<string, ErrorDeclaration>>(
  declarations: T,
): {
  declarations: T
  error: (code: keyof T & string, message: string, details?: ErrorDetails) => MillraceError
} {
  return {
    declarations,
    error: (code, message, details) =>
      new MillraceError(code, declarations[code] as ErrorDeclaration, message, details),
  }
}

/** Plain data of any thrown value; one that is no MillraceError becomes `INTERNAL_ERROR`. */
export function toErrorData(thrown: unknown): ErrorData {
  const seen = thrown as Partial<ErrorData> & {
    message?: string
    stack?: string
    cause?: unknown
    name?: string
  }
  const causeValue = seen?.cause
  const cause =
    causeValue === undefined || causeValue === null ? undefined : toErrorData(causeValue)
  if (seen?.brand === 'millrace-error') {
    return {
      brand: 'millrace-error',
      code: seen.code ?? 'INTERNAL_ERROR',
      message: seen.message ?? '',
      domain: seen.domain ?? 'internal',
      retry: seen.retry ?? 'backoff',
      ...(seen.hint === undefined ? {} : { hint: seen.hint }),
      ...(seen.location === undefined ? {} : { location: seen.location }),
      ...(cause === undefined ? {} : { cause }),
      ...(seen.stack === undefined ? {} : { stack: seen.stack }),
    }
  }
  return {
    brand: 'millrace-error',
    code: 'INTERNAL_ERROR',
    message:
      thrown instanceof Error || typeof seen?.message === 'string'
        ? `${seen.message}`
        : String(thrown),
    domain: 'internal',
    retry: 'backoff',
    ...(cause === undefined ? {} : { cause }),
    ...(typeof seen?.stack === 'string' ? { stack: seen.stack } : {}),
  }
}

/** The error that `toErrorData` was made from, rebuilt on this side of a border. */
export function fromErrorData(data: ErrorData): MillraceError {
  const error = new MillraceError(data.code, data, data.message, {
    ...(data.hint === undefined ? {} : { hint: data.hint }),
    ...(data.location === undefined ? {} : { location: data.location }),
    ...(data.cause === undefined ? {} : { cause: fromErrorData(data.cause) }),
  })
  if (data.stack !== undefined) error.stack = data.stack
  return error
}

/** Whether a caught value is a MillraceError of the given code (any code when omitted). */
export function isMillraceError(thrown: unknown, code?: string): thrown is MillraceError {
  const seen = thrown as Partial<ErrorData> | null
  return seen?.brand === 'millrace-error' && (code === undefined || seen.code === code)
}
