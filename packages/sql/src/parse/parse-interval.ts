/**
 * INTERVAL literals: `INTERVAL '10' SECOND`, `INTERVAL '1:30' HOUR TO MINUTE`, `INTERVAL '1-6'
 * YEAR TO MONTH`.
 *
 * The value is worked out here: milliseconds for day-time intervals, months for year-month ones.
 */
import { raise } from '../error-codes.ts'
import type { IntervalSyntax } from './syntax-tree.ts'
import type { TokenStream } from './token-stream.ts'

const UNITS = ['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'SECOND'] as const
type Unit = (typeof UNITS)[number]
const UNIT_MS: Record<string, number> = {
  WEEK: 604_800_000,
  DAY: 86_400_000,
  HOUR: 3_600_000,
  MINUTE: 60_000,
  SECOND: 1000,
}
const SINGLE_UNITS = ['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY', 'HOUR', 'MINUTE', 'SECOND']
/** The separator in front of a unit in a range such as `DAY TO SECOND`: `1 10:30:00.5`. */
const SEPARATOR: Record<string, string> = { MONTH: '-', HOUR: ' ', MINUTE: ':', SECOND: ':' }

/** At the word INTERVAL. */
export function parseInterval(tokens: TokenStream): IntervalSyntax {
  const start = tokens.expect('INTERVAL').span
  const sign = tokens.accept('-') ? -1 : tokens.accept('+') ? 1 : 1
  const token = tokens.current
  if (token.kind === 'number') {
    throw raise(
      'SQL_SYNTAX',
      token.span,
      `Expected the interval's value in quotes, found '${token.text}'.`,
      `Write INTERVAL '${token.text}' …`,
    )
  }
  const text = tokens.expectString("a quoted value such as '10'").text
  const from = unit(tokens, SINGLE_UNITS)
  const to = tokens.accept('TO') ? unit(tokens, UNITS) : from
  const span = tokens.from(start)
  const value = from === to ? single(text, from) : range(text, from as Unit, to as Unit)
  if (value === null) {
    const shape = from === to ? `${from}` : `${from} TO ${to}`
    throw raise(
      'SQL_SYNTAX',
      token.span,
      `The text '${text}' is no interval of ${shape}.`,
      exampleOf(from, to),
    )
  }
  const yearMonth = ['YEAR', 'QUARTER', 'MONTH'].includes(from)
  return {
    kind: 'interval',
    family: yearMonth ? 'year-month' : 'day-time',
    value: sign * value + 0,
    span,
  }
}

function exampleOf(from: string, to: string): string {
  if (from === to) return `For example: INTERVAL '10' ${from}.`
  if (from === 'YEAR') return "For example: INTERVAL '1-6' YEAR TO MONTH."
  if (from === 'DAY') return `For example: INTERVAL '1 10:30:00' DAY TO SECOND.`
  return "For example: INTERVAL '1:30' HOUR TO MINUTE."
}

function unit(tokens: TokenStream, known: readonly string[]): string {
  const token = tokens.current
  const word = token.kind === 'word' ? token.upper : ''
  const name = known.includes(word) ? word : known.find((candidate) => `${candidate}S` === word)
  if (name === undefined) throw tokens.expected(`a unit such as ${known.slice(-3).join(', ')}`)
  tokens.advance()
  if (tokens.at('(')) skipPrecision(tokens)
  return name
}

/** `SECOND(3)`, `DAY(2)`: precision is accepted and has no effect. */
function skipPrecision(tokens: TokenStream): void {
  tokens.expect('(')
  do tokens.expectInteger('a precision')
  while (tokens.accept(','))
  tokens.expect(')')
}

function single(text: string, unitName: string): number | null {
  const match = /^\s*([+-])?\s*(\d{1,12})(\.\d{1,9})?\s*$/.exec(text)
  if (match === null || (match[3] !== undefined && unitName !== 'SECOND')) return null
  const amount = Number(`${match[2]}${match[3] ?? ''}`) * (match[1] === '-' ? -1 : 1)
  if (unitName === 'YEAR') return amount * 12
  if (unitName === 'QUARTER') return amount * 3
  if (unitName === 'MONTH') return amount
  return Math.round(amount * (UNIT_MS[unitName] as number))
}

function range(text: string, from: Unit, to: Unit): number | null {
  const first = UNITS.indexOf(from)
  const last = UNITS.indexOf(to)
  if (last <= first || (first < 2 && last >= 2)) return null
  let rest = text.trim()
  const sign = rest.startsWith('-') ? -1 : 1
  rest = rest.replace(/^[+-]/, '')
  let total = 0
  for (let i = first; i <= last; i++) {
    const name = UNITS[i] as string
    if (i > first) {
      if (!rest.startsWith(SEPARATOR[name] as string)) return null
      rest = rest.slice(1)
    }
    const match = (name === 'SECOND' ? /^\d{1,9}(\.\d{1,9})?/ : /^\d{1,9}/).exec(rest)
    if (match === null) return null
    rest = rest.slice(match[0].length)
    total +=
      Number(match[0]) * (name === 'YEAR' ? 12 : name === 'MONTH' ? 1 : (UNIT_MS[name] as number))
  }
  return rest === '' ? sign * Math.round(total) : null
}
