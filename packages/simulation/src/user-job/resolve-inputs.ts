/**
 * A user's inputs → the lines of each partition of each topic and file of each directory, with the
 * places of failures among them. Everything is checked before any run: names, marks, and that every
 * row fits its table.
 */

import { type FormatDecoder, RecordSpans } from '@millrace/connector'
import { isMillraceError, nearestName, OperatorMetrics } from '@millrace/core'
import { localPathOf } from '@millrace/platform'
import { simulationError } from '../error-codes.ts'
import {
  ABORT,
  EOF,
  type InputItem,
  type TableInput,
  type UserInputs,
  type UserRow,
} from './input-marks.ts'
import { type SourceTable, shortName } from './plan-user-job.ts'

export interface PartitionInput {
  readonly lines: readonly string[]
  /** After so many lines a TaskManager is killed; the n-th of all partitions is the same kill. */
  readonly aborts: readonly number[]
}

export interface PlaceInput {
  readonly connector: SourceTable['connector']
  /** Topic or directory. */
  readonly place: string
  /** All of it is there when the job starts: it ends by itself. */
  readonly bounded: boolean
  readonly partitions: readonly PartitionInput[]
}

export function resolveInputs(
  inputs: UserInputs,
  sources: readonly SourceTable[],
): readonly PlaceInput[] {
  const found = new Map<string, PlaceInput>()
  for (const [name, items] of Object.entries(inputs)) {
    const { source, place } = target(name, sources)
    if (found.has(place)) {
      throw invalid(`Give the input of '${place}' once; '${name}' is a second name for it.`)
    }
    const encode = rowEncoder(source)
    found.set(place, {
      connector: source.connector,
      place,
      bounded: source.bounded,
      partitions: partitionsOf(name, items).map((partition, index) =>
        partitionInput(`inputs['${name}'], partition ${index}`, partition, encode),
      ),
    })
  }
  for (const { places, topicPattern, description } of sources) {
    for (const place of places) {
      if (found.has(place)) continue
      const table = shortName(description.tableName)
      throw invalid(
        `Give an input for the table '${table}'; there is none.`,
        `inputs: { ${JSON.stringify(table)}: [] } if it should be empty.`,
      )
    }
    if (topicPattern === null) continue
    if (![...found.keys()].some((place) => matches(topicPattern, place))) {
      throw invalid(`Give an input for a topic that matches '${topicPattern}'; there is none.`)
    }
  }
  return [...found.values()]
}

function target(
  name: string,
  sources: readonly SourceTable[],
): { readonly source: SourceTable; readonly place: string } {
  const directory = localPathOf(name) ?? name
  for (const source of sources) {
    if (source.places.includes(name)) return { source, place: name }
    if (source.connector === 'filesystem' && source.places.includes(directory)) {
      return { source, place: directory }
    }
    if (source.topicPattern !== null && matches(source.topicPattern, name)) {
      return { source, place: name }
    }
  }
  const tables = sources.filter(({ description: { tableName } }) => {
    return tableName === name || shortName(tableName) === name
  })
  const [source] = tables
  const [place] = source?.places ?? []
  if (source !== undefined && place !== undefined && source.places.length === 1) {
    return { source, place }
  }
  if (source !== undefined) {
    throw invalid(
      `Name the topic instead of the table '${name}', which reads several: ${source.places.join(', ') || source.topicPattern}.`,
    )
  }
  const known = sources.flatMap(({ description, places }) => [
    shortName(description.tableName),
    ...places,
  ])
  const near = nearestName(name, known)
  throw invalid(
    `Name a table, topic or directory that the job reads; '${name}' is none.`,
    near === undefined ? `It reads ${known.join(', ')}.` : `Did you mean '${near}'?`,
  )
}

function matches(topicPattern: string, topic: string): boolean {
  return new RegExp(`^(?:${topicPattern})$`).test(topic)
}

function partitionsOf(name: string, items: TableInput): readonly (readonly InputItem[])[] {
  if (!Array.isArray(items)) throw invalid(`Give inputs['${name}'] as an array of rows.`)
  const nested = items.filter((item) => Array.isArray(item)).length
  if (nested === 0) return [items as readonly InputItem[]]
  if (nested === items.length) return items as readonly (readonly InputItem[])[]
  throw invalid(`Give inputs['${name}'] as an array of rows or of partitions; it mixes both.`)
}

function partitionInput(
  where: string,
  items: readonly InputItem[],
  encode: (row: UserRow, where: string) => string,
): PartitionInput {
  const lines: string[] = []
  const aborts: number[] = []
  items.forEach((item, index) => {
    if (item === ABORT) aborts.push(lines.length)
    else if (item !== EOF) lines.push(encode(item as UserRow, `${where}, item ${index}`))
    else if (index !== items.length - 1) {
      throw invalid(`Let EOF be the last of ${where}; items follow it.`)
    }
  })
  return { lines, aborts }
}

/**
 * Texts are taken as they are: how a job takes what is malformed can be tested. Objects must fit.
 */
function rowEncoder({ description }: SourceTable): (row: UserRow, where: string) => string {
  const { schema, options, formats } = description
  const names = schema.fields.map(({ name }) => name)
  const isSql = (options['json.timestamp-format.standard'] ?? 'SQL') === 'SQL'
  const zoned = new Set(
    schema.fields.flatMap(({ name, type }) => (type.kind === 'TIMESTAMP_LTZ' ? [name] : [])),
  )
  const strict = Object.fromEntries(
    Object.entries(options).filter(([key]) => key !== 'json.ignore-parse-errors'),
  )
  let decoder: FormatDecoder | null = null
  return (row, where) => {
    if (typeof row === 'string') {
      if (!/[\r\n]/.test(row)) return row
      throw invalid(`Give the row as one line: ${where}.`)
    }
    if (typeof row !== 'object' || row === null) {
      throw invalid(`Give an object, a text, ABORT or EOF: ${where} is ${String(row)}.`)
    }
    const unknown = Object.keys(row).find((name) => !names.includes(name))
    if (unknown !== undefined) {
      const near = nearestName(unknown, names)
      throw invalid(
        `Give columns of the table: ${where} has '${unknown}'.`,
        near === undefined ? `It has ${names.join(', ')}.` : `Did you mean '${near}'?`,
      )
    }
    const line = rowText(row, (value, name) => dateText(value, isSql, zoned.has(name)))
    decoder ??= (
      formats.get(options.format ?? options['value.format'] ?? 'json') as NonNullable<
        ReturnType<typeof formats.get>
      >
    ).createDecoder({
      schema,
      projection: names.map((_, index) => index),
      options: strict,
      metrics: new OperatorMetrics(),
    })
    checkFits(decoder, line, where)
    return line
  }
}

function checkFits(decoder: FormatDecoder, line: string, where: string): void {
  const bytes = new TextEncoder().encode(line)
  const spans = new RecordSpans(bytes, Int32Array.of(0), Int32Array.of(bytes.length), 1)
  try {
    decoder.decode(spans, 0, 1, { locate: () => ({}) })
  } catch (cause) {
    const { message, hint } = cause as Error & { readonly hint?: string }
    if (!isMillraceError(cause)) throw cause
    throw simulationError(
      'SIMULATE_INPUT_INVALID',
      `Give a row that fits its table: ${where} is ${line}. ${message}`,
      { cause, ...(hint === undefined ? {} : { hint }) },
    )
  }
}

function rowText(
  row: Readonly<Record<string, unknown>>,
  dateText: (value: Date, name: string) => string,
): string {
  const values = Object.entries(row).map(([name, value]) => {
    const plain = value instanceof Date ? dateText(value, name) : value
    const text = typeof plain === 'bigint' ? String(plain) : (JSON.stringify(plain) ?? 'null')
    return `${JSON.stringify(name)}:${text}`
  })
  return `{${values.join(',')}}`
}

/** In the table's way of writing timestamps. */
function dateText(value: Date, isSql: boolean, isZoned: boolean): string {
  const text = isZoned ? value.toISOString() : value.toISOString().replace('Z', '')
  return isSql ? text.replace('T', ' ') : text
}

function invalid(message: string, hint?: string) {
  return simulationError('SIMULATE_INPUT_INVALID', message, hint === undefined ? {} : { hint })
}
