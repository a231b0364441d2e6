/**
 * FUNCTIONS: every function and operator by its name in a call expression, and the other names
 * SQL has for them.
 *
 * The one place that knows them all: inference, interpreter, generator and the functions'
 * reference page read it.
 */
import { nearestName } from '@millrace/core'
import { expressionError } from '../error-codes.ts'
import { ARITHMETIC } from './arithmetic.ts'
import { COMPARISON } from './comparison.ts'
import type { FunctionSpec } from './function-spec.ts'
import { MATH } from './math.ts'
import { TEXT } from './text.ts'
import { TEXT_CODES } from './text-codes.ts'
import { TIME } from './time.ts'

export const FUNCTIONS: ReadonlyMap<string, FunctionSpec> = new Map(
  [...ARITHMETIC, ...COMPARISON, ...TEXT, ...TEXT_CODES, ...MATH, ...TIME].map((spec) => [
    spec.name,
    spec,
  ]),
)

/** SQL spellings (lower case) of functions that stand in the table under another name. */
export const FUNCTION_ALIASES: Readonly<Record<string, string>> = {
  '+': 'plus',
  '-': 'minus',
  '*': 'times',
  '/': 'divide',
  '%': 'mod',
  '=': 'equals',
  '<>': 'not_equals',
  '!=': 'not_equals',
  '<': 'less',
  '<=': 'less_equal',
  '>': 'greater',
  '>=': 'greater_equal',
  '||': 'concat',
  character_length: 'char_length',
  length: 'char_length',
  substr: 'substring',
  ceiling: 'ceil',
  pow: 'power',
  ucase: 'upper',
  lcase: 'lower',
  day: 'dayofmonth',
  regexp_like: 'regexp',
}

/** The table's function for a name as SQL writes it, any case; undefined when there is none. */
export function findFunction(name: string): FunctionSpec | undefined {
  const lower = name.toLowerCase()
  return FUNCTIONS.get(FUNCTION_ALIASES[lower] ?? lower)
}

/** The function, or FUNCTION_UNKNOWN with the nearest known name. */
export function functionOf(name: string): FunctionSpec {
  const spec = findFunction(name)
  if (spec !== undefined) return spec
  const known = [...FUNCTIONS.keys(), ...Object.keys(FUNCTION_ALIASES)]
  const nearest = nearestName(name.toLowerCase(), known)
  throw expressionError('FUNCTION_UNKNOWN', `Use a known function; '${name}' is none.`, {
    ...(nearest === undefined ? {} : { hint: `Did you mean '${nearest.toUpperCase()}'?` }),
  })
}
