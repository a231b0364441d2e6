/**
 * EditedWorkload: a workload whose query somebody has edited since a checkpoint was taken — an
 * aggregate gone, added, all of them in another order.
 *
 * What it shows is compared in the columns that both have. An aggregate that was added sees only
 * the rows since; that it disturbs no other is what is held.
 */
import { columnsOf } from '../workload/model/expression.ts'
import {
  type Aggregate,
  type AggregateName,
  type GroupQuery,
  isChangelog,
  queryColumns,
  type WindowQuery,
} from '../workload/model/query.ts'
import type { Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

export interface EditedWorkload {
  readonly workload: Workload
  /** Columns of the output that were there before and are. */
  readonly common: readonly string[]
  /** For the log. */
  readonly about: string
}

const MOVED = 'moved'
const NUMBERS: readonly string[] = ['INT', 'BIGINT', 'DOUBLE', 'DECIMAL']
const UNORDERED: readonly string[] = ['BOOLEAN']

/** Null: it has nothing that can be edited, or nothing was drawn. */
export function editedWorkload(workload: Workload, random: SeededRandom): EditedWorkload | null {
  const { query } = workload
  if (workload.late || (query.kind !== 'window' && query.kind !== 'group')) return null
  const drawn: (Aggregate | typeof MOVED | null)[] = [
    random.chance(0.6) ? removed(query, random) : null,
    random.chance(0.6) ? MOVED : null,
    random.chance(0.4) ? rowCount() : null,
    random.chance(0.6) ? begun(query, random) : null,
  ]
  let { aggregates } = query
  const about: string[] = []
  for (const edit of drawn) {
    if (edit === null) continue
    if (edit === MOVED) {
      const by = random.between(1, Math.max(1, aggregates.length - 1))
      aggregates = [...aggregates.slice(by), ...aggregates.slice(0, by)]
    } else if (aggregates.includes(edit)) aggregates = aggregates.filter((each) => each !== edit)
    else aggregates = aggregates.toSpliced(random.between(0, aggregates.length), 0, edit)
    about.push(edit === MOVED ? MOVED : `${edit.function} ${edit.name}`)
  }
  if (about.length === 0) return null
  const edited = { ...workload, query: { ...query, aggregates } }
  const before = queryColumns(query, workload.tables).map(({ name }) => name)
  const after = new Set(queryColumns(edited.query, workload.tables).map(({ name }) => name))
  const common = before.filter((name) => after.has(name))
  return { workload: edited, common, about: about.join(', ') }
}

/** One that no condition above reads. */
function removed(query: WindowQuery | GroupQuery, random: SeededRandom): Aggregate | null {
  const { having, aggregates } = query
  const read = having === null ? new Set<string>() : columnsOf(having)
  const distinct = aggregates.filter((call) => isDistinct(call))
  const free = aggregates.filter((call) => {
    // Without the last DISTINCT a HOP window is computed in two phases, and keeps slices.
    const isLast = query.kind === 'window' && distinct.length === 1 && distinct[0] === call
    return !read.has(call.name) && !(isLast && query.window.kind === 'hop')
  })
  return aggregates.length > 1 && free.length > 0 ? random.pick(free) : null
}

function isDistinct({ distinct, function: name }: Aggregate): boolean {
  return distinct && name !== 'MIN' && name !== 'MAX'
}

function rowCount(): Aggregate {
  return { name: 'added_rows', function: 'COUNT', distinct: false, argument: null, filter: null }
}

/** Over what another one reads, so that both might share what they count. */
function begun(query: WindowQuery | GroupQuery, random: SeededRandom): Aggregate | null {
  if (isChangelog(query.input)) return null
  const read = query.aggregates.filter((call) => call.argument !== null && !call.distinct)
  if (read.length === 0) return null
  const { argument, filter } = random.pick(read)
  const kind = argument?.type.kind ?? ''
  const functions: AggregateName[] = [
    'COUNT',
    ...(UNORDERED.includes(kind) ? [] : (['MIN', 'MAX'] as const)),
    ...(NUMBERS.includes(kind) ? (['SUM', 'AVG'] as const) : []),
  ]
  return { name: 'added', function: random.pick(functions), distinct: false, argument, filter }
}
