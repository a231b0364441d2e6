/** Functions of texts: characters are code points, positions count from 1. */
import { BOOLEAN, INT, type SqlType, type SqlValue, STRING } from '../model/sql-type.ts'
import { type ArgumentSpec, always, infix, type OperatorSpec, prefix } from './operator-spec.ts'

const text = (...of: readonly string[]): ArgumentSpec => ({ type: STRING, of })
const int = (...of: readonly number[]): ArgumentSpec => ({ type: INT, of })

function define(
  name: string,
  args: readonly ArgumentSpec[],
  result: SqlType,
  apply: (values: never) => SqlValue,
  sql: OperatorSpec['sql'] = prefix(name),
): OperatorSpec {
  return { name, args, result: always(result), sql, apply }
}

const take = (value: string, from: number, to?: number): string =>
  Array.from(value).slice(from, to).join('')

function substring(value: string, start: number, length: number): string {
  const size = Array.from(value).length
  const from = start > 0 ? start - 1 : start < 0 ? size + start : 0
  return from < 0 || length <= 0 ? '' : take(value, from, from + length)
}

function padding(value: string, length: number, fill: string): string {
  const size = Array.from(value).length
  return take(fill.repeat(length), 0, Math.max(0, length - size))
}

/** LIKE by its definition: % any run, _ any character, the escape character makes them plain. */
export function isLike(value: string, pattern: string, escapeBy = '\\'): boolean {
  const [subject, wanted] = [Array.from(value), Array.from(pattern)]
  const from = (i: number, j: number): boolean => {
    if (j === wanted.length) return i === subject.length
    const letter = wanted[j]
    if (letter === escapeBy) return subject[i] === wanted[j + 1] && from(i + 1, j + 2)
    if (letter === '%') return from(i, j + 1) || (i < subject.length && from(i + 1, j))
    return i < subject.length && (letter === '_' || letter === subject[i]) && from(i + 1, j + 1)
  }
  return from(0, 0)
}

const PATTERNS = ['a%', '%a', '%et%', '_lpha', '%', '', 'Zo_', '%7', 'g%m%a']

const matching: readonly OperatorSpec[] = [
  define(
    'LIKE',
    ['STRING', text(...PATTERNS)],
    BOOLEAN,
    ([a, p]: string[]) => isLike(a!, p!),
    infix('LIKE'),
  ),
  define(
    'NOT LIKE',
    ['STRING', text(...PATTERNS)],
    BOOLEAN,
    ([a, p]: string[]) => !isLike(a!, p!),
    infix('NOT LIKE'),
  ),
  define(
    'LIKE ESCAPE',
    ['STRING', text('a#_b#%%', '%#_%', '%#%%')],
    BOOLEAN,
    ([a, p]: string[]) => isLike(a!, p!, '#'),
    ([a, p]) => `(${a} LIKE ${p} ESCAPE '#')`,
  ),
  define('REGEXP', ['STRING', text('^a.*a$', '[0-9]+', 'm{2}', 'o')], BOOLEAN, ([a, p]: string[]) =>
    new RegExp(p!, 'u').test(a!),
  ),
  define(
    'REGEXP_EXTRACT',
    ['STRING', text('([a-z])([0-9])', '(l)(p)'), int(0, 1, 2)],
    STRING,
    ([a, p, group]: [string, string, number]) => new RegExp(p, 'u').exec(a)?.[group] ?? null,
  ),
  define(
    'REGEXP_REPLACE',
    ['STRING', text('[aeiou]', 't+', '\\s'), text('', '-')],
    STRING,
    ([a, p, by]: string[]) => a!.split(new RegExp(p!, 'u')).join(by!),
  ),
]

const trims: readonly OperatorSpec[] = [
  define('TRIM', ['STRING'], STRING, ([a]: string[]) => a!.replace(/^ +| +$/g, '')),
  define('LTRIM', ['STRING'], STRING, ([a]: string[]) => a!.replace(/^ +/, '')),
  define('RTRIM', ['STRING'], STRING, ([a]: string[]) => a!.replace(/ +$/, '')),
  define('BTRIM', ['STRING', text('a', 'aZ')], STRING, ([a, letters]: string[]) =>
    a!.replace(new RegExp(`^[${letters}]+|[${letters}]+$`, 'g'), ''),
  ),
  define(
    'TRIM LEADING FROM',
    ['STRING'],
    STRING,
    ([a]: string[]) => a!.replace(/^a+/, ''),
    ([a]) => `TRIM(LEADING 'a' FROM ${a})`,
  ),
]

export const TEXT_OPERATORS: readonly OperatorSpec[] = [
  ...matching,
  ...trims,
  define('UPPER', ['STRING'], STRING, ([a]: string[]) => a!.toUpperCase()),
  define('LOWER', ['STRING'], STRING, ([a]: string[]) => a!.toLowerCase()),
  define('INITCAP', ['STRING'], STRING, ([a]: string[]) =>
    a!
      .toLowerCase()
      .replace(/[\p{L}\p{N}]+/gu, (word) => take(word, 0, 1).toUpperCase() + take(word, 1)),
  ),
  define('CHAR_LENGTH', ['STRING'], INT, ([a]: string[]) => Array.from(a!).length),
  define(
    'SUBSTRING',
    ['STRING', int(1, 2, -3, 0), int(0, 1, 3)],
    STRING,
    ([a, from, length]: [string, number, number]) => substring(a, from, length),
  ),
  define(
    'SUBSTRING FROM FOR',
    ['STRING', int(1, 2, 4), int(1, 2)],
    STRING,
    ([a, from, length]: [string, number, number]) => substring(a, from, length),
    ([a, from, length]) => `SUBSTRING(${a} FROM ${from} FOR ${length})`,
  ),
  define('LEFT', ['STRING', int(0, 1, 3)], STRING, ([a, n]: [string, number]) => take(a, 0, n)),
  define('RIGHT', ['STRING', int(1, 3)], STRING, ([a, n]: [string, number]) =>
    take(a, Math.max(0, Array.from(a).length - n)),
  ),
  define(
    'POSITION',
    [text('a', 'ta', '日', ''), 'STRING'],
    INT,
    ([needle, a]: string[]) => {
      const at = a!.indexOf(needle!)
      return at < 0 ? 0 : Array.from(a!.slice(0, at)).length + 1
    },
    ([needle, a]) => `POSITION(${needle} IN ${a})`,
  ),
  define(
    'REPLACE',
    ['STRING', text('a', 'mm', '_'), text('', 'xy', '$&')],
    STRING,
    ([a, from, to]: string[]) => a!.split(from!).join(to!),
  ),
  define(
    'LPAD',
    ['STRING', int(2, 6), text('*', '-+')],
    STRING,
    ([a, n, fill]: [string, number, string]) => take(padding(a, n, fill) + take(a, 0, n), 0, n),
  ),
  define(
    'RPAD',
    ['STRING', int(2, 6), text('*', '-+')],
    STRING,
    ([a, n, fill]: [string, number, string]) => take(a + padding(a, n, fill), 0, n),
  ),
  define('REVERSE', ['STRING'], STRING, ([a]: string[]) => Array.from(a!).reverse().join('')),
  define('REPEAT', ['STRING', int(0, 1, 2)], STRING, ([a, n]: [string, number]) => a.repeat(n)),
  define(
    'SPLIT_INDEX',
    ['STRING', text('a', '_', 'l'), int(0, 1, 5)],
    STRING,
    ([a, by, index]: [string, string, number]) => a.split(by)[index] ?? null,
  ),
  define('ASCII', ['STRING'], INT, ([a]: string[]) => a!.codePointAt(0) ?? 0),
  define('||', ['STRING', 'STRING'], STRING, ([a, b]: string[]) => a! + b!, infix('||')),
  define('CONCAT', ['STRING', 'STRING', 'STRING'], STRING, (parts: string[]) => parts.join('')),
  {
    name: 'CONCAT_WS',
    args: [text('-', ''), 'STRING', 'STRING'],
    result: always(STRING),
    sql: prefix('CONCAT_WS'),
    nulls: 'handled',
    apply: ([separator, ...parts]: (string | null)[]) =>
      parts.filter((part) => part !== null).join(separator!),
  },
]
