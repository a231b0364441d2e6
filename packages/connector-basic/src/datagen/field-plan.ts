/**
 * `fields.<column>.*` options → how each column is generated, checked at planning; plain JSON in
 * the source's plan.
 */
import { connectorError } from '@millrace/connector'
import { type Field, formatType, nearestName, parseDurationMs, type Schema } from '@millrace/core'
import { DATAGEN_FIELD_OPTIONS } from './datagen-table-options.ts'

export type FieldPlan =
  | { readonly kind: 'sequence'; readonly start: number; readonly end: number }
  | {
      readonly kind: 'random'
      readonly min: number
      readonly max: number
      readonly maxPastMs: number
      readonly length: number
      readonly variableLength: boolean
      readonly nullRate: number
    }

const KNOWN = DATAGEN_FIELD_OPTIONS.map(({ key }) => key)

function invalid(key: string, expected: string, text: string): Error {
  return connectorError('TABLE_OPTION_INVALID', `Set '${key}' to ${expected}; it is '${text}'.`, {
    location: { optionKey: key },
  })
}

/** The plan of each column of the schema, in order. */
export function planFields(
  schema: Schema,
  options: Readonly<Record<string, string>>,
): readonly FieldPlan[] {
  const names = schema.fields.map(({ name }) => name)
  for (const key of Object.keys(options)) {
    if (!key.startsWith('fields.')) continue
    const dot = key.lastIndexOf('.')
    const name = key.slice('fields.'.length, dot)
    const setting = key.slice(dot + 1)
    if (!names.includes(name)) throw unknown(key, `column '${name}'`, name, names)
    if (!KNOWN.includes(setting)) throw unknown(key, `field option '${setting}'`, setting, KNOWN)
  }
  return schema.fields.map((field) => planField(field, options))
}

function unknown(key: string, what: string, name: string, known: readonly string[]): Error {
  const nearest = nearestName(name, known)
  return connectorError('TABLE_OPTION_UNKNOWN', `Unknown ${what} in option '${key}'.`, {
    location: { optionKey: key },
    hint: nearest ? `Did you mean '${nearest}'?` : `Known: ${known.join(', ')}.`,
  })
}

function planField(field: Field, options: Readonly<Record<string, string>>): FieldPlan {
  const { type } = field
  const prefix = `fields.${field.name}.`
  const number = (name: string, fallback: number): number => {
    const text = options[prefix + name]
    if (text === undefined) return fallback
    const value = Number(text)
    if (text.trim() === '' || Number.isNaN(value)) throw invalid(prefix + name, 'a number', text)
    return value
  }
  const kind = options[`${prefix}kind`] ?? 'random'
  if (kind === 'sequence') return planSequence(field, prefix, options, number)
  if (kind !== 'random') throw invalid(`${prefix}kind`, 'random or sequence', kind)
  const [lowest, highest] = rangeOf(field)
  const min = number('min', lowest)
  const max = number('max', highest)
  if (min > max) throw invalid(`${prefix}max`, `at least 'min' (${min})`, String(max))
  const nullRate = number('null-rate', 0)
  if (nullRate < 0 || nullRate > 1) {
    throw invalid(`${prefix}null-rate`, 'a number from 0 to 1', String(nullRate))
  }
  const pastText = options[`${prefix}max-past`] ?? '0'
  const maxPastMs = parseDurationMs(pastText)
  if (maxPastMs === null) throw invalid(`${prefix}max-past`, 'a duration', pastText)
  const variableLength = (options[`${prefix}var-len`] ?? 'false').toLowerCase() === 'true'
  const length = number('length', (type.kind === 'STRING' ? type.length : undefined) ?? 100)
  if (type.kind === 'STRING' && type.length !== undefined) {
    const fits = type.fixed ? length === type.length : length <= type.length
    if (!fits) {
      const expected = `${type.fixed ? '' : 'at most '}${type.length}, the length of the column`
      throw invalid(`${prefix}length`, expected, String(length))
    }
  }
  return { kind, min, max, maxPastMs, length, variableLength, nullRate }
}

const SEQUENCE_KINDS = new Set('TINYINT SMALLINT INT BIGINT FLOAT DOUBLE DECIMAL STRING'.split(' '))

function planSequence(
  field: Field,
  prefix: string,
  options: Readonly<Record<string, string>>,
  number: (name: string, fallback: number) => number,
): FieldPlan {
  const { kind } = field.type
  if (!SEQUENCE_KINDS.has(kind)) {
    throw invalid(`${prefix}kind`, `random for ${formatType(field.type)}`, 'sequence')
  }
  for (const name of ['start', 'end']) {
    if (options[prefix + name] !== undefined) continue
    throw connectorError(
      'TABLE_OPTION_MISSING',
      `Set option '${prefix}${name}'; a sequence needs it.`,
      { location: { optionKey: prefix + name } },
    )
  }
  const start = number('start', 0)
  const end = number('end', 0)
  if (start > end) throw invalid(`${prefix}end`, `at least 'start' (${start})`, String(end))
  return { kind: 'sequence', start, end }
}

function rangeOf({ type }: Field): readonly [number, number] {
  switch (type.kind) {
    case 'TINYINT':
      return [-128, 127]
    case 'SMALLINT':
      return [-32_768, 32_767]
    case 'INT':
      return [-(2 ** 31), 2 ** 31 - 1]
    case 'BIGINT':
      return [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
    case 'DECIMAL': {
      const limit = 10 ** (Math.min(15, type.precision) - type.scale)
      return [-limit, limit]
    }
    case 'FLOAT':
    case 'DOUBLE':
      return [-1e9, 1e9]
    case 'INTERVAL_YEAR_MONTH':
      return [0, 120_000]
    case 'INTERVAL_DAY_TIME':
      return [0, 86_400_000_000]
    default:
      return [0, 0]
  }
}

/** Rows that the sequences and `number-of-rows` allow; null: without end. */
export function rowLimitOf(
  plans: readonly FieldPlan[],
  numberOfRows: number | null,
): number | null {
  let limit = numberOfRows ?? Number.POSITIVE_INFINITY
  for (const plan of plans) {
    if (plan.kind === 'sequence') limit = Math.min(limit, plan.end - plan.start + 1)
  }
  return Number.isFinite(limit) ? limit : null
}
