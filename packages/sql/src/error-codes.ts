/**
 * Every error code of the SQL front end, in one table (docs/errors.md is checked against it in
 * both directions).
 *
 * All of them are the user's to mend and none gets better by trying again. `raise` gives an error
 * the place in the statement where it stands, so that the client can underline it.
 */
import { defineErrors, type MillraceError, nearestName } from '@millrace/core'
import type { Span } from './parse/token.ts'

export const { error: sqlError, declarations: SQL_ERRORS } = defineErrors({
  SQL_SYNTAX: {
    domain: 'user',
    retry: 'never',
    description:
      'The statement cannot be read: an unexpected word, a missing part or an unterminated text.',
  },
  SQL_NOT_SUPPORTED: {
    domain: 'user',
    retry: 'never',
    description:
      'The statement is understood, but uses a part of SQL that Millrace does not run yet.',
  },
  SQL_UNKNOWN_COLUMN: {
    domain: 'user',
    retry: 'never',
    description: 'A column of that name is not in scope, or the name is ambiguous.',
  },
  SQL_UNKNOWN_TABLE: {
    domain: 'user',
    retry: 'never',
    description: 'No table or view of that name exists in the catalog.',
  },
  SQL_UNKNOWN_FUNCTION: {
    domain: 'user',
    retry: 'never',
    description: 'No function of that name exists.',
  },
  SQL_TYPE_MISMATCH: {
    domain: 'user',
    retry: 'never',
    description: 'A value’s type does not fit where it is used.',
  },
  SQL_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The statement is well-formed, but means nothing that can be run.',
  },
  SQL_AGGREGATE_TOO_LATE: {
    domain: 'user',
    retry: 'never',
    description:
      'An aggregate was added over rows that may be taken back, and the savepoint has groups without it.',
  },
  SQL_OBJECT_EXISTS: {
    domain: 'user',
    retry: 'never',
    description: 'A table, view or database of that name exists already.',
  },
  SQL_TABLE_OPTIONS: {
    domain: 'user',
    retry: 'never',
    description: 'An option in WITH is missing, unknown or does not fit.',
  },
  SQL_CHANGELOG: {
    domain: 'user',
    retry: 'never',
    description: 'The query updates earlier results and its target takes inserts only.',
  },
})

/** An error about the part of the statement at `span`. */
export function raise(
  code: keyof typeof SQL_ERRORS,
  span: Span | null,
  message: string,
  hint?: string,
): MillraceError {
  return sqlError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(span === null
      ? {}
      : {
          location: {
            line: span.line,
            column: span.column,
            endLine: span.endLine,
            endColumn: span.endColumn,
          },
        }),
  })
}

/** "<name> is not supported yet", at its place. */
export function notSupported(what: string, span: Span | null, hint?: string): MillraceError {
  return raise('SQL_NOT_SUPPORTED', span, `${what} is not supported yet.`, hint)
}

/** The known name nearest to a mistyped one; none for names so short that anything is near. */
export function nearName(name: string, known: Iterable<string>): string | undefined {
  return name.length < 3 ? undefined : nearestName(name, known)
}
