/**
 * shrinkWorkload: smaller variants of a workload, in the order in which they are worth trying.
 *
 * Each differs in one thing and is smaller by `workloadSize`, so that going from a failing workload
 * to a failing variant ends. Deterministic: no randomness. Variants of late workloads keep the
 * column that tells late rows apart.
 */
import { LATE_BITS } from '../expected-output.ts'
import { columnsOf, type Expression, walk } from '../model/expression.ts'
import { expressionsOf, queries, type SourceTable } from '../model/query.ts'
import { lastArrivalMs, rowCount, type Workload } from '../workload.ts'
import { sooner, withoutPartitions, withoutStretches } from './input-variants.ts'
import { isWholeQuery, queryVariants } from './query-variants.ts'

/** Settings without which the workload would be another, or never end. */
const KEPT_SETTINGS = new Set([
  'pipeline.name',
  'execution.checkpointing.interval',
  'table.exec.source.idle-timeout',
  'table.exec.source.empty-split-holds-watermark',
])

export function* shrinkWorkload(workload: Workload): Generator<Workload> {
  for (const variant of variants(workload)) if (isWhole(variant)) yield variant
}

function* variants(workload: Workload): Generator<Workload> {
  const { inputs, query, parallelism, settings } = workload
  for (const parts of [2, 4]) {
    for (const smaller of withoutStretches(inputs, parts)) yield { ...workload, inputs: smaller }
  }
  for (const smaller of withoutPartitions(inputs)) yield { ...workload, inputs: smaller }
  if (parallelism > 1) yield withParallelism(workload, 1)
  if (parallelism > 2) yield withParallelism(workload, parallelism - 1)
  if (workload.sinkParallelism !== null) yield { ...workload, sinkParallelism: null }
  const kept = workload.late ? [LATE_BITS] : []
  for (const smaller of queryVariants(query, kept)) yield { ...workload, query: smaller }
  yield* tableVariants(workload)
  for (const key of Object.keys(settings).filter((name) => !KEPT_SETTINGS.has(name))) {
    const { [key]: _dropped, ...others } = settings
    yield { ...workload, settings: others }
  }
  for (const smaller of sooner(inputs)) yield { ...workload, inputs: smaller }
  for (const parts of [8, 16]) {
    for (const smaller of withoutStretches(inputs, parts)) yield { ...workload, inputs: smaller }
  }
}

/** The sink's parallelism shrinks along, since it may be the one that needs the slots. */
function withParallelism(workload: Workload, parallelism: number): Workload {
  const { sinkParallelism } = workload
  const narrowed = sinkParallelism === null ? null : Math.min(sinkParallelism, parallelism)
  return { ...workload, parallelism, sinkParallelism: narrowed }
}

/** Without tables and columns that nothing reads. */
function* tableVariants(workload: Workload): Generator<Workload> {
  const { tables, inputs, query } = workload
  const nodes = [...queries(query)]
  const read = new Set(nodes.flatMap((node) => (node.kind === 'scan' ? [node.table] : [])))
  for (const { name } of tables) {
    if (read.has(name)) continue
    yield {
      ...workload,
      tables: tables.filter((table) => table.name !== name),
      inputs: inputs.filter(({ table }) => table !== name),
    }
  }
  const used = new Set(nodes.flatMap(expressionsOf).flatMap((part) => [...columnsOf(part)]))
  // Tables of one workload have the same columns; they lose them together.
  const [first] = tables as [SourceTable]
  for (const { name } of first.computed) {
    if (used.has(name) || name === first.rowtime) continue
    const without = (table: SourceTable) => ({
      ...table,
      computed: table.computed.filter((item) => item.name !== name),
    })
    yield { ...workload, tables: tables.map(without) }
  }
  const inputsOfComputed = first.computed.flatMap(({ expression }) => [...columnsOf(expression)])
  for (const { name } of first.columns) {
    if (used.has(name) || name === first.rowtime || inputsOfComputed.includes(name)) continue
    const without = (table: SourceTable) => ({
      ...table,
      columns: table.columns.filter((column) => column.name !== name),
    })
    yield { ...workload, tables: tables.map(without) }
  }
}

function isWhole({ query, tables, inputs }: Workload): boolean {
  const rows = inputs.flatMap(({ partitions }) => partitions.flat())
  return rows.length > 0 && isWholeQuery(query, tables)
}

/** Grows with everything that a variant can lose. */
export function workloadSize(workload: Workload): number {
  const { query, tables, inputs, settings } = workload
  const ofExpressions = (expressions: readonly Expression[]) =>
    expressions.reduce((sum, expression) => sum + [...walk(expression)].length, 0)
  let size = rowCount(workload) + lastArrivalMs(workload)
  size += inputs.reduce((sum, { partitions }) => sum + partitions.length, 0)
  size += workload.parallelism + (workload.sinkParallelism ?? 0) + Object.keys(settings).length
  for (const { columns, computed } of tables) {
    size += 1 + columns.length + computed.length
    size += ofExpressions(computed.map(({ expression }) => expression))
  }
  for (const node of queries(query)) {
    size += 1 + ofExpressions(expressionsOf(node))
    if (node.kind === 'select' && node.placement !== 'subquery') size++
    if (node.kind === 'window') {
      size += (node.window.kind === 'hop' ? 1 : 0) + (node.window.offsetMs === 0 ? 0 : 1)
      size += node.form === 'group-function' ? 1 : 0
    }
    if (node.kind !== 'window' && node.kind !== 'group') continue
    size += node.aggregates.length
    size += node.aggregates.filter((aggregate) => aggregate.distinct).length
  }
  return size
}

export interface Shrunk {
  readonly workload: Workload
  readonly tries: number
}

/**
 * Goes on to the first smaller variant that `fails` too, until none does or `triesMax`
 * have been tried.
 */
export async function shrinkWhileFailing(
  workload: Workload,
  fails: (variant: Workload) => boolean | Promise<boolean>,
  triesMax: number,
): Promise<Shrunk> {
  let smallest = workload
  let tries = 0
  for (let found = true; found; ) {
    found = false
    for (const variant of shrinkWorkload(smallest)) {
      if (tries >= triesMax) return { workload: smallest, tries }
      tries++
      if (!(await fails(variant))) continue
      smallest = variant
      found = true
      break
    }
  }
  return { workload: smallest, tries }
}
