/**
 * String functions. Characters are code points, positions are 1-based, as in SQL.
 *
 * Texts without surrogates (nearly all) take the short way of UTF-16 indexes.
 */
import type { LogicalType, Value } from '@millrace/core'
import { expressionError } from '../error-codes.ts'
import {
  BOOLEAN,
  type FunctionSpec,
  INT,
  isString,
  isWhole,
  type Scalar,
  STRING,
} from './function-spec.ts'
import { likeMatcher } from './like-pattern.ts'

const SURROGATE = /[\ud800-\udfff]/
/** No text made by REPEAT or a pad grows beyond this many UTF-16 units. */
export const TEXT_LENGTH_MAX = 16 * 1024 * 1024

export function charLength(text: string): number {
  return SURROGATE.test(text) ? [...text].length : text.length
}

/** Code points `start … end` (0-based, exclusive) of a text. */
function slice(text: string, start: number, end?: number): string {
  return SURROGATE.test(text) ? [...text].slice(start, end).join('') : text.slice(start, end)
}

function substring(text: string, position: number, count?: number): string {
  if (count !== undefined && count <= 0) return ''
  const length = charLength(text)
  // 0 counts as 1; a negative position counts from the end.
  const from = position > 0 ? position - 1 : position < 0 ? length + position : 0
  const to = count === undefined ? length : Math.min(length, from + count)
  return from >= length || to <= 0 || from < 0 ? '' : slice(text, from, to)
}

function pad(text: string, length: number, fill: string, left: boolean): string | null {
  if (length < 0 || fill === '') return null
  const size = charLength(text)
  if (size >= length) return slice(text, 0, length)
  if (length > TEXT_LENGTH_MAX) throw tooLong(length)
  const missing = length - size
  const padding = slice(fill.repeat(Math.ceil(missing / charLength(fill))), 0, missing)
  return left ? padding + text : text + padding
}

function tooLong(length: number): Error {
  return expressionError(
    'FUNCTION_VALUE_INVALID',
    `Keep texts under ${TEXT_LENGTH_MAX} characters; it would be ${length}.`,
  )
}

function repeat(text: string, count: number): string {
  if (count <= 0) return ''
  if (text.length * count > TEXT_LENGTH_MAX) throw tooLong(text.length * count)
  return text.repeat(count)
}

/** Removes any of `characters` (default: space) from the ends that `side` names. */
function trim(side: string, text: string, characters = ' '): string {
  const units = [...text]
  const removed = new Set(characters)
  let start = 0
  let end = units.length
  if (side !== 'TRAILING') while (start < end && removed.has(units[start] as string)) start++
  if (side !== 'LEADING') while (end > start && removed.has(units[end - 1] as string)) end--
  return units.slice(start, end).join('')
}

function initcap(text: string): string {
  return text.toLowerCase().replace(/[\p{L}\p{N}]+/gu, (word) => {
    const [first] = word
    return (first as string).toUpperCase() + word.slice((first as string).length)
  })
}

/** 1-based position in code points, 0 when absent. */
function position(needle: string, text: string): number {
  const at = text.indexOf(needle)
  return at < 0 ? 0 : charLength(text.slice(0, at)) + 1
}

/**
 * `position` of the first occurrence at or after the 1-based `from`; one before the
 * text is its start.
 */
function locate(needle: string, text: string, from = 1): number {
  const start = Math.max(1, from)
  const found = position(needle, slice(text, start - 1))
  return found === 0 ? 0 : found + start - 1
}

/**
 * Place of the `nth` occurrence from the 1-based `start` on; a negative `start` counts, and
 * searches, from the end.
 */
function instr(text: string, needle: string, start = 1, nth = 1): number {
  if (nth < 1) {
    throw expressionError(
      'FUNCTION_VALUE_INVALID',
      `Give INSTR an occurrence from 1; it is ${nth}.`,
    )
  }
  if (start === 0) return 0
  const characters = [...text]
  const sought = [...needle]
  const step = start > 0 ? 1 : -1
  let left = nth
  for (
    let at = start > 0 ? start - 1 : characters.length + start;
    at >= 0 && at <= characters.length - sought.length;
    at += step
  ) {
    if (sought.every((character, i) => characters[at + i] === character) && --left === 0) {
      return at + 1
    }
  }
  return 0
}

/**
 * `count` characters from the 1-based `start` replaced; the text itself when `start` is outside it.
 */
function overlay(text: string, by: string, start: number, count = charLength(by)): string {
  const length = charLength(text)
  if (start <= 0 || start > length) return text
  if (count < 0 || start + count > length) return slice(text, 0, start - 1) + by
  return slice(text, 0, start - 1) + by + slice(text, start - 1 + count)
}

let lastPattern: string | null = null
let lastFlags = ''
let lastRegExp: RegExp | null = null

/**
 * A compiled pattern, null when it is none; the last one is kept, patterns are nearly
 * always constants.
 */
function regExp(pattern: string, flags: string): RegExp | null {
  if (lastPattern === pattern && lastFlags === flags) {
    if (lastRegExp !== null) lastRegExp.lastIndex = 0
    return lastRegExp
  }
  lastPattern = pattern
  lastFlags = flags
  try {
    lastRegExp = new RegExp(pattern, flags)
  } catch {
    lastRegExp = null
  }
  return lastRegExp
}

/** A pattern that is none finds nothing, and so does an empty one. */
function regexp(text: string, pattern: string): boolean {
  return pattern !== '' && regExp(pattern, 'u')?.test(text) === true
}

function regexpExtract(text: string, pattern: string, group = 0): string | null {
  return regExp(pattern, 'u')?.exec(text)?.[group] ?? null
}

/** The replacement is taken as it stands: the reference knows no groups in it. */
function regexpReplace(text: string, pattern: string, replacement: string): string | null {
  const compiled = regExp(pattern, 'gu')
  return compiled === null ? null : text.replace(compiled, () => replacement)
}

function splitIndex(text: string, separator: string | number, index: number): string | null {
  const by = typeof separator === 'number' ? String.fromCodePoint(separator) : separator
  if (index < 0 || by === '') return null
  return text.split(by)[index] ?? null
}

type Rule = (args: readonly LogicalType[]) => boolean
/** Argument shapes: `s` STRING, `i` INT (BIGINT too), letters after `?` optional. */
function shape(pattern: string): Rule {
  const [required, optional] = pattern.split('?') as [string, string?]
  const kinds = required + (optional ?? '')
  return (args) =>
    args.length >= required.length &&
    args.length <= kinds.length &&
    args.every((type, i) => (kinds[i] === 's' ? isString(type) : isWhole(type)))
}

function describe(pattern: string): string {
  const [required, optional] = pattern.split('?') as [string, string?]
  const names: string[] = [...required].map((letter) => (letter === 's' ? 'STRING' : 'INT'))
  for (const letter of optional ?? '') names.push(letter === 's' ? '[STRING]' : '[INT]')
  return `(${names.join(', ')})`
}

/** A function over texts and whole numbers; BIGINT arguments are narrowed to numbers first. */
function textFunction(
  name: string,
  pattern: string,
  result: LogicalType,
  apply: (...args: never[]) => Value,
  nulls: 'strict' | 'strict-nullable' = 'strict',
): FunctionSpec {
  const fits = shape(pattern)
  return {
    name,
    nulls,
    infer: (args) => (fits(args) ? result : describe(pattern)),
    bind(args): Scalar {
      const call = apply as (...args: unknown[]) => Value
      if (!args.some(({ kind }) => kind === 'BIGINT')) {
        return (_context, ...values) => call(...values)
      }
      return (_context, ...values) =>
        call(...values.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
    },
  }
}

const likeSpec = (name: string, negated: boolean): FunctionSpec => ({
  name,
  infix: negated ? 'NOT LIKE' : 'LIKE',
  nulls: 'strict',
  infer: (args) =>
    shape('ss?s')(args) ? BOOLEAN : 'a text, a pattern and optionally an escape character',
  bind() {
    let pattern: string | null = null
    let escapeBy: string | undefined
    let matches: (text: string) => boolean = () => false
    return (_context, text: string, newPattern: string, newEscape?: string) => {
      if (pattern !== newPattern || escapeBy !== newEscape) {
        matches = likeMatcher(newPattern, newEscape)
        pattern = newPattern
        escapeBy = newEscape
      }
      return matches(text) !== negated
    }
  },
})

const joins = (args: readonly LogicalType[]) => args.length >= 1 && args.every(isString)

export const TEXT: readonly FunctionSpec[] = [
  textFunction('upper', 's', STRING, (text: string) => text.toUpperCase()),
  textFunction('lower', 's', STRING, (text: string) => text.toLowerCase()),
  textFunction('char_length', 's', INT, charLength),
  textFunction('substring', 'si?i', STRING, substring),
  textFunction('trim', 'ss?s', STRING, trim),
  textFunction('ltrim', 's?s', STRING, (text: string, c?: string) => trim('LEADING', text, c)),
  textFunction('rtrim', 's?s', STRING, (text: string, c?: string) => trim('TRAILING', text, c)),
  textFunction('btrim', 's?s', STRING, (text: string, c?: string) => trim('BOTH', text, c)),
  textFunction('position', 'ss', INT, position),
  textFunction('locate', 'ss?i', INT, locate),
  textFunction('instr', 'ss?ii', INT, instr),
  textFunction('startswith', 'ss', BOOLEAN, (text: string, start: string) =>
    text.startsWith(start),
  ),
  textFunction('endswith', 'ss', BOOLEAN, (text: string, end: string) => text.endsWith(end)),
  textFunction('overlay', 'ssi?i', STRING, overlay),
  textFunction('replace', 'sss', STRING, (text: string, from: string, to: string) =>
    from === '' ? text : text.replaceAll(from, () => to),
  ),
  textFunction(
    'lpad',
    'sis',
    STRING,
    (text: string, length: number, fill: string) => pad(text, length, fill, true),
    'strict-nullable',
  ),
  textFunction(
    'rpad',
    'sis',
    STRING,
    (text: string, length: number, fill: string) => pad(text, length, fill, false),
    'strict-nullable',
  ),
  textFunction('reverse', 's', STRING, (text: string) => [...text].reverse().join('')),
  textFunction('repeat', 'si', STRING, repeat),
  textFunction('left', 'si', STRING, (text: string, n: number) =>
    n <= 0 ? '' : slice(text, 0, n),
  ),
  textFunction('right', 'si', STRING, (text: string, n: number) =>
    n <= 0 ? '' : slice(text, Math.max(0, charLength(text) - n)),
  ),
  textFunction('initcap', 's', STRING, initcap),
  textFunction('regexp', 'ss', BOOLEAN, regexp),
  textFunction('regexp_extract', 'ss?i', STRING, regexpExtract, 'strict-nullable'),
  textFunction('regexp_replace', 'sss', STRING, regexpReplace, 'strict-nullable'),
  textFunction('split_index', 'ssi', STRING, splitIndex, 'strict-nullable'),
  textFunction('ascii', 's', INT, (text: string) => text.codePointAt(0) ?? 0),
  likeSpec('like', false),
  likeSpec('not_like', true),
  {
    name: 'concat',
    nulls: 'strict',
    infer: (args) => (joins(args) ? STRING : 'STRINGs'),
    bind:
      () =>
      (_context, ...texts: string[]) =>
        texts.join(''),
  },
  {
    name: 'concat_ws',
    nulls: 'handled',
    infer: (args) => (joins(args) ? STRING : 'a separator and STRINGs'),
    bind:
      () =>
      (_context, separator: string | null, ...texts: (string | null)[]) =>
        separator === null ? null : texts.filter((text) => text !== null).join(separator),
  },
]
