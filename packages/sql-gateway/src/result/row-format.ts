/**
 * A row's values as clients get them: `JSON` (typed, times as ISO-8601 writes them) or `PLAIN_TEXT`
 * (every value as the text that a CAST to STRING gives, as people read it).
 *
 * Values come in as the collect sink and the planner give them: BIGINT a number or text,
 * DECIMAL text, times as SQL writes them, TIMESTAMP_LTZ of them in UTC; doubles that JSON
 * cannot hold as text. A number that a double cannot hold stays text here and is written as a
 * bare number by `toWire`.
 */
import {
  formatDouble,
  formatTimestamp,
  type LogicalType,
  parseDouble,
  parseTimestamp,
  type Schema,
  utcToLocalMs,
} from '@millrace/core'
import type { ResultColumn, ResultRow, RowFormat } from '@millrace/rest-api'

type FormatValue = (value: unknown) => unknown

/** Formats rows of `schema`; `localTimeZone`: what TIMESTAMP_LTZ is shown in as text. */
export function rowFormatter(
  schema: Schema,
  format: RowFormat,
  localTimeZone: string,
): (row: ResultRow) => ResultRow {
  const zone = localTimeZone === 'default' ? 'UTC' : localTimeZone
  const formats = schema.fields.map(({ type }) =>
    format === 'JSON' ? jsonFormat(type) : textFormat(type, zone),
  )
  return ({ kind, fields }) => ({
    kind,
    fields: fields.map((value, column) =>
      value === null ? null : (formats[column] as FormatValue)(value),
    ),
  })
}

const unchanged: FormatValue = (value) => value

function jsonFormat(type: LogicalType): FormatValue {
  switch (type.kind) {
    case 'TIMESTAMP':
      return (value) => isoText(value as string)
    case 'TIMESTAMP_LTZ':
      return (value) => `${isoText(value as string)}Z`
    case 'BIGINT':
    case 'DECIMAL':
      return (value) => exactNumber(String(value))
    case 'FLOAT':
    case 'DOUBLE':
      return (value) => (value === '-0.0' ? -0 : value)
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'STRING':
    case 'DATE':
    case 'INTERVAL_DAY_TIME':
    case 'INTERVAL_YEAR_MONTH':
      return unchanged
  }
}

/**
 * `2026-11-22 10:15:30.500` → `2026-11-22T10:15:30.5`: no zeros at the end of the fraction,
 * and no empty one.
 */
function isoText(text: string): string {
  return text.replace(' ', 'T').replace(/\.?0*$/, (zeros) => (text.includes('.') ? '' : zeros))
}

/**
 * A number where a double holds the text exactly; else the text itself, without zeros at the end.
 */
function exactNumber(text: string): number | string {
  const shortest = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  const number = Number(shortest)
  return String(number) === shortest ? number : shortest
}

function textFormat(type: LogicalType, zone: string): FormatValue {
  switch (type.kind) {
    case 'BOOLEAN':
      return (value) => (value === true ? 'TRUE' : 'FALSE')
    case 'FLOAT':
    case 'DOUBLE':
      return (value) => formatDouble(doubleOf(value))
    case 'TIMESTAMP_LTZ':
      return (value) =>
        formatTimestamp(utcToLocalMs(parseTimestamp(value as string), zone), type.precision)
    case 'INTERVAL_DAY_TIME':
      return (value) => dayTimeText(value as number)
    case 'INTERVAL_YEAR_MONTH':
      return (value) => yearMonthText(value as number)
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'DECIMAL':
    case 'STRING':
    case 'DATE':
    case 'TIMESTAMP':
      return String
  }
}

function doubleOf(value: unknown): number {
  return typeof value === 'number' ? value : (parseDouble(value as string) ?? Number.NaN)
}

const padded = (value: number, digits: number) => String(value).padStart(digits, '0')

/** Milliseconds as `+1 02:03:04.005`. */
function dayTimeText(ms: number): string {
  const size = Math.abs(ms)
  const days = Math.floor(size / 86_400_000)
  const hours = Math.floor(size / 3_600_000) % 24
  const minutes = Math.floor(size / 60_000) % 60
  const seconds = Math.floor(size / 1000) % 60
  const time = [hours, minutes, seconds].map((part) => padded(part, 2)).join(':')
  return `${ms < 0 ? '-' : '+'}${days} ${time}.${padded(Math.floor(size) % 1000, 3)}`
}

/** Months as `+1-02`. */
function yearMonthText(months: number): string {
  const size = Math.abs(months)
  return `${months < 0 ? '-' : '+'}${Math.floor(size / 12)}-${padded(size % 12, 2)}`
}

/**
 * Text written as it is in JSON: part of the language since ES2025, not yet of its
 * type declarations.
 */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/**
 * Rows in JSON format as `JSON.stringify` must see them: numbers that it would not write exactly
 * as bare numbers.
 */
export function toWire(
  columns: readonly ResultColumn[],
  rows: readonly ResultRow[],
): readonly ResultRow[] {
  const types = columns.map(({ logicalType }) => logicalType.type)
  return rows.map(({ kind, fields }) => ({
    kind,
    fields: fields.map((value, column) => wireValue(value, types[column] as string)),
  }))
}

function wireValue(value: unknown, type: string): unknown {
  if (typeof value === 'string') {
    return type === 'BIGINT' || type === 'DECIMAL' ? rawJson(value) : value
  }
  return Object.is(value, -0) ? rawJson('-0.0') : value
}
