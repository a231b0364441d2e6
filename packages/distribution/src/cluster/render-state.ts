/** What a savepoint or checkpoint holds, as tables for people: `millrace state inspect`. */
import { borderLine, layoutTable, rowLine } from '@millrace/cli'
import { formatType, type Schema } from '@millrace/core'
import type {
  ComparedCheckpoints,
  ComparedOperator,
  InspectedCheckpoint,
  InspectedOperator,
  InspectedState,
  VerifiedCheckpoint,
} from '@millrace/state'

const HEADERS = [
  { name: 'state', type: 'STRING' },
  { name: 'kind', type: 'STRING' },
  { name: 'rows', type: 'BIGINT' },
  { name: 'bytes', type: 'BIGINT' },
  { name: 'key groups', type: 'STRING' },
  { name: 'columns', type: 'STRING' },
]
/** Columns of a schema are what people look for, and stand last. */
const CELL_COLUMNS_MAX = 400
const NONE = '–'

export function renderInspected(checkpoint: InspectedCheckpoint): string {
  const { operators, files, bytes, inFlightBytes } = checkpoint
  const lines = [
    ...heading(checkpoint),
    `  ${counted(operators.length, 'operator')} with state, ${sized(bytes)} in ${files === 0 ? 'the metadata' : counted(files, 'file')}`,
  ]
  if (inFlightBytes > 0) lines.push(`  unaligned: ${sized(inFlightBytes)} of rows under way`)
  for (const operator of operators) {
    lines.push('', ...operatorLines(operator), ...table(operator.states.map(stateCells(operator))))
  }
  if (operators.some(({ states }) => states.some(({ isUpperBound }) => isUpperBound))) {
    lines.push('', '≤: it builds upon earlier checkpoints; entries count as often as written.')
  }
  return `${lines.join('\n')}\n`
}

export function renderVerified(location: string, { read, damaged }: VerifiedCheckpoint): string {
  const of = `${sized(read.bytes)} in ${counted(read.files, 'file')}`
  if (damaged.length === 0) {
    const what = read.files === 0 ? 'the metadata, which holds it all' : `the metadata, ${of}`
    return `${location}\n  All checksums are right: ${what}.\n`
  }
  const lines = damaged.map(({ code, message }) => `  [${code}] ${message}`)
  const what = `${counted(damaged.length, 'file')} of ${read.files} cannot be restored from (${of}):`
  return `${[location, `  ${what}`, ...lines].join('\n')}\n`
}

export function renderCompared({ before, after, operators }: ComparedCheckpoints): string {
  const lines = [...heading(before), 'compared with', ...heading(after)]
  for (const operator of operators) {
    const { name, id, states } = operator
    lines.push('', `${name}  (${id})${presence(operator)}`)
    if (operator.before !== null && operator.after !== null) {
      const [was, is] = [operator.before, operator.after]
      if (was.parallelism !== is.parallelism) {
        lines.push(`  parallelism ${was.parallelism} → ${is.parallelism}`)
      }
    }
    const rows = states.map(({ name: state, kind, before: was, after: is, schemaChanges }) => [
      state,
      kind,
      changed(was && rowsOf(was), is && rowsOf(is)),
      changed(was && `${was.bytes}`, is && `${is.bytes}`),
      changed(was && keyGroupsOf(was), is && keyGroupsOf(is)),
      schemaChanges.length > 0 ? schemaChanges.join(', ') : columnsOf((is ?? was)?.schema ?? null),
    ])
    lines.push(...table(rows))
  }
  if (operators.length === 0) lines.push('', 'Neither has state.')
  return `${lines.join('\n')}\n`
}

function heading(checkpoint: InspectedCheckpoint): string[] {
  const { kind, checkpointId, jobId, location, timestampMs, formatVersion } = checkpoint
  const what = kind === 'savepoint' ? 'Savepoint' : 'Checkpoint'
  const taken = new Date(timestampMs).toISOString().slice(0, 19).replace('T', ' ')
  return [
    `${what} ${checkpointId} of job ${jobId}`,
    `  ${location}`,
    `  taken ${taken} UTC, format version ${formatVersion}`,
  ]
}

function operatorLines(operator: InspectedOperator): string[] {
  const { name, id, parallelism, maxParallelism, segments, bytes } = operator
  const where = segments === 0 ? '' : `, ${sized(bytes)} in ${counted(segments, 'segment')}`
  return [`${name}  (${id})`, `  parallelism ${parallelism} of ${maxParallelism}${where}`]
}

const stateCells =
  ({ maxParallelism }: InspectedOperator) =>
  (state: InspectedState): string[] => [
    state.name,
    state.kind,
    rowsOf(state),
    `${state.bytes}`,
    state.keyGroups === null ? NONE : `${state.keyGroups} of ${maxParallelism}`,
    columnsOf(state.schema),
  ]

function table(rows: readonly (readonly string[])[]): string[] {
  const layout = layoutTable(HEADERS, rows, CELL_COLUMNS_MAX)
  const header = rowLine(
    layout,
    HEADERS.map(({ name }) => name),
  )
  const lines = [header, borderLine(layout), ...rows.map((row) => rowLine(layout, row))]
  return lines.map((line) => `  ${line}`)
}

function presence({ before, after }: ComparedOperator): string {
  if (before === null) return ' is in the second alone'
  return after === null ? ' is in the first alone' : ''
}

function changed(before: string | null, after: string | null): string {
  if (before === after) return before ?? NONE
  return `${before ?? NONE} → ${after ?? NONE}`
}

const rowsOf = ({ rows, isUpperBound }: InspectedState): string =>
  `${isUpperBound ? '≤ ' : ''}${rows}`

const keyGroupsOf = ({ keyGroups }: InspectedState): string =>
  keyGroups === null ? NONE : `${keyGroups}`

function columnsOf(schema: Schema | null): string {
  if (schema === null) return NONE
  return schema.fields.map(({ name, type }) => `${name} ${formatType(type)}`).join(', ')
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

export function sized(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`
  return bytes < 10_000_000
    ? `${(bytes / 1000).toFixed(0)} kB`
    : `${(bytes / 1_000_000).toFixed(0)} MB`
}
