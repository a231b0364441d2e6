/**
 * What a checker found wrong: its name, one sentence, and rows as evidence, at most
 * `DETAILS_MAX` of them.
 */
export interface Violation {
  readonly checker: string
  readonly message: string
  readonly details: readonly string[]
}

export const DETAILS_MAX = 20
const DETAIL_LENGTH_MAX = 500

export function violation(checker: string, message: string, details: readonly string[]): Violation {
  const shown = details
    .slice(0, DETAILS_MAX)
    .map((detail) =>
      detail.length > DETAIL_LENGTH_MAX ? `${detail.slice(0, DETAIL_LENGTH_MAX)}…` : detail,
    )
  if (details.length > DETAILS_MAX) shown.push(`… and ${details.length - DETAILS_MAX} more`)
  return { checker, message, details: shown }
}
