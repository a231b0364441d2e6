/**
 * Functions of TIMESTAMP and DATE in UTC: parts, rounding, arithmetic, conversion to and from text.
 */
import {
  BIGINT,
  DATE,
  DAY_MS,
  INT,
  isoDate,
  isoTimestamp,
  type SqlType,
  type SqlValue,
  STRING,
  TIMESTAMP,
} from '../model/sql-type.ts'
import { type ArgumentSpec, always, type OperatorSpec, prefix } from './operator-spec.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  SECOND: 1000,
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: DAY_MS,
}

function define(
  name: string,
  args: readonly ArgumentSpec[],
  result: SqlType,
  apply: (values: never) => SqlValue,
  sql: OperatorSpec['sql'],
): OperatorSpec {
  return { name, args, result: always(result), sql, apply }
}

const PARTS: readonly [string, (date: Date) => number][] = [
  ['YEAR', (date) => date.getUTCFullYear()],
  ['QUARTER', (date) => Math.floor(date.getUTCMonth() / 3) + 1],
  ['MONTH', (date) => date.getUTCMonth() + 1],
  ['DAY', (date) => date.getUTCDate()],
  ['HOUR', (date) => date.getUTCHours()],
  ['MINUTE', (date) => date.getUTCMinutes()],
  ['SECOND', (date) => date.getUTCSeconds()],
  [
    'DOY',
    (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1,
  ],
  ['DOW', (date) => date.getUTCDay() + 1],
]
/** Parts that have a function of their own as well. */
const PART_FUNCTIONS: Readonly<Record<string, string>> = {
  YEAR: 'YEAR',
  MONTH: 'MONTH',
  DAY: 'DAYOFMONTH',
  HOUR: 'HOUR',
  MINUTE: 'MINUTE',
  SECOND: 'SECOND',
  DOW: 'DAYOFWEEK',
}

const extracts = PARTS.map(([unit, part]) =>
  define(
    `EXTRACT ${unit}`,
    ['TIMESTAMP'],
    BIGINT,
    ([a]: number[]) => BigInt(part(new Date(a!))),
    ([a]) => `EXTRACT(${unit} FROM ${a})`,
  ),
)
const partFunctions = PARTS.flatMap(([unit, part]) => {
  const name = PART_FUNCTIONS[unit]
  if (name === undefined) return []
  return [
    define(
      name,
      ['TIMESTAMP'],
      BIGINT,
      ([a]: number[]) => BigInt(part(new Date(a!))),
      prefix(name),
    ),
  ]
})
const ofDates = (['YEAR', 'MONTH', 'DAY'] as const).map((unit) =>
  define(
    `EXTRACT ${unit} DATE`,
    ['DATE'],
    BIGINT,
    ([a]: number[]) => BigInt(PARTS.find(([name]) => name === unit)![1](new Date(a! * DAY_MS))),
    ([a]) => `EXTRACT(${unit} FROM ${a})`,
  ),
)

const roundings = Object.entries(UNIT_MS).flatMap(([unit, ms]) => [
  define(
    `FLOOR TO ${unit}`,
    ['TIMESTAMP'],
    TIMESTAMP,
    ([a]: number[]) => Math.floor(a! / ms) * ms,
    ([a]) => `FLOOR(${a} TO ${unit})`,
  ),
  define(
    `CEIL TO ${unit}`,
    ['TIMESTAMP'],
    TIMESTAMP,
    ([a]: number[]) => Math.ceil(a! / ms) * ms,
    ([a]) => `CEIL(${a} TO ${unit})`,
  ),
])

const INTERVALS: readonly [string, number][] = [
  ["INTERVAL '1' SECOND", 1000],
  ["INTERVAL '2' MINUTE", 120_000],
  ["INTERVAL '1:30' HOUR TO MINUTE", 5_400_000],
  ["INTERVAL '3' DAY", 3 * DAY_MS],
]
const shifts = INTERVALS.flatMap(([text, ms]) => [
  define(
    `+ ${text}`,
    ['TIMESTAMP'],
    TIMESTAMP,
    ([a]: number[]) => a! + ms,
    ([a]) => `(${a} + ${text})`,
  ),
  define(
    `- ${text}`,
    ['TIMESTAMP'],
    TIMESTAMP,
    ([a]: number[]) => a! - ms,
    ([a]) => `(${a} - ${text})`,
  ),
])

const units = Object.entries(UNIT_MS).flatMap(([unit, ms]) => [
  define(
    `TIMESTAMPADD ${unit}`,
    [{ type: INT, of: [-5, 1, 90] }, 'TIMESTAMP'],
    TIMESTAMP,
    ([count, a]: number[]) => a! + count! * ms,
    ([count, a]) => `TIMESTAMPADD(${unit}, ${count}, ${a})`,
  ),
  define(
    `TIMESTAMPDIFF ${unit}`,
    [{ column: 'TIMESTAMP' }, { leaf: 'TIMESTAMP' }],
    INT,
    ([from, to]: number[]) => Math.trunc((to! - from!) / ms) + 0,
    ([from, to]) => `TIMESTAMPDIFF(${unit}, ${from}, ${to})`,
  ),
])

const conversions: readonly OperatorSpec[] = [
  define(
    'TO_TIMESTAMP text',
    [{ column: 'STRING' }],
    TIMESTAMP,
    ([a]: string[]) => {
      const match = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d{3})?))?$/.exec(a!)
      return match === null ? null : Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}Z`)
    },
    prefix('TO_TIMESTAMP'),
  ),
  define(
    'DATE_FORMAT',
    ['TIMESTAMP'],
    STRING,
    ([a]: number[]) => isoTimestamp(a!).slice(0, 16).replaceAll('-', '/').replace('T', ' '),
    ([a]) => `DATE_FORMAT(${a}, 'yyyy/MM/dd HH:mm')`,
  ),
  define(
    'TO_TIMESTAMP',
    ['TIMESTAMP'],
    TIMESTAMP,
    ([a]: number[]) => Math.floor(a! / 1000) * 1000,
    ([a]) => `TO_TIMESTAMP(DATE_FORMAT(${a}, 'yyyy-MM-dd HH:mm:ss'))`,
  ),
  define(
    'TO_DATE',
    ['TIMESTAMP'],
    DATE,
    ([a]: number[]) => Math.floor(a! / DAY_MS),
    ([a]) => `TO_DATE(DATE_FORMAT(${a}, 'yyyy-MM-dd'))`,
  ),
  define(
    'UNIX_TIMESTAMP',
    ['TIMESTAMP'],
    BIGINT,
    ([a]: number[]) => BigInt(Math.floor(a! / 1000)),
    ([a]) => `UNIX_TIMESTAMP(DATE_FORMAT(${a}, 'yyyy-MM-dd HH:mm:ss'))`,
  ),
  define(
    'FROM_UNIXTIME',
    ['TIMESTAMP'],
    STRING,
    ([a]: number[]) => isoTimestamp(a!).slice(0, 19).replace('T', ' '),
    ([a]) => `FROM_UNIXTIME(UNIX_TIMESTAMP(DATE_FORMAT(${a}, 'yyyy-MM-dd HH:mm:ss')))`,
  ),
  define(
    'CAST TIMESTAMP AS DATE',
    ['TIMESTAMP'],
    DATE,
    ([a]: number[]) => Math.floor(a! / DAY_MS),
    ([a]) => `CAST(${a} AS DATE)`,
  ),
  define(
    'CAST TIMESTAMP AS STRING',
    ['TIMESTAMP'],
    STRING,
    ([a]: number[]) => isoTimestamp(a!).replace('T', ' '),
    ([a]) => `CAST(CAST(${a} AS TIMESTAMP(3)) AS STRING)`,
  ),
  define(
    'CAST DATE AS STRING',
    ['DATE'],
    STRING,
    ([a]: number[]) => isoDate(a!),
    ([a]) => `CAST(${a} AS STRING)`,
  ),
  define(
    'CAST DATE AS TIMESTAMP',
    ['DATE'],
    TIMESTAMP,
    ([a]: number[]) => a! * DAY_MS,
    ([a]) => `CAST(${a} AS TIMESTAMP(3))`,
  ),
]

export const TIME_OPERATORS: readonly OperatorSpec[] = [
  ...extracts,
  ...partFunctions,
  ...ofDates,
  ...roundings,
  ...shifts,
  ...units,
  ...conversions,
]
