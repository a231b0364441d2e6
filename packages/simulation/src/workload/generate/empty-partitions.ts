/**
 * Partitions that are empty when the job starts: they stay so, or get their first row when
 * others have gone on.
 *
 * Made of a workload whose partitions all start with a row, so that the workloads of other seeds
 * stay as they are. Each kind keeps what can be judged for certain whatever stalls: `hold` and
 * `hold-until-idle` give the oracle's rows exactly, since an empty partition that is active holds
 * the watermark; in `late` and `late-and-idle` only rows numbered as late are in partitions that
 * start empty, and no watermark of theirs can make another row late.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { EmptyPartitions, InputRow, TableInput, Workload } from '../workload.ts'

const HOLDS = 'table.exec.source.empty-split-holds-watermark'
const IDLE_TIMEOUT = 'table.exec.source.idle-timeout'
/** Longer than input and faults take, and shorter than a run may take to come right after them. */
const PATIENT_TIMEOUT_MS = 90_000
const SHORT_TIMEOUTS_MS = [500, 2000]
/** First rows come up to that long after everything else. */
const AFTER_ALL_MS = 2500
/** How far behind the first row in time a late one may be. */
const LATE_BY_MS = 90_000

type Rows = readonly InputRow[]

/** The workload with partitions that start empty, or as it is when it has none to spare. */
export function withEmptyPartitions(
  random: SeededRandom,
  workload: Workload,
  partitionsMax: number,
): Workload {
  if (workload.late && !workload.bounded) {
    const kind = random.chance(0.5) ? 'late-and-idle' : 'late'
    return withLatePartitions(random, workload, partitionsMax, kind)
  }
  const untilIdle = workload.bounded ? random.chance(0.5) : random.chance(0.25)
  if (workload.bounded || untilIdle)
    return withEmptyOnes(random, workload, partitionsMax, untilIdle)
  const inputs = workload.inputs.map(({ table, partitions }) => ({
    table,
    partitions: startingLate(random, partitions.filter(hasRows), 1),
  }))
  return { ...marked(workload, 'hold', { [HOLDS]: 'true' }), inputs }
}

/**
 * At least one partition is empty to the end: that of a bounded job ends, the others go
 * idle in the end.
 */
function withEmptyOnes(
  random: SeededRandom,
  workload: Workload,
  partitionsMax: number,
  untilIdle: boolean,
): Workload {
  const chosen = random.between(0, workload.inputs.length - 1)
  const { partitions: others } = workload.inputs[chosen]!
  if (others.every(hasRows) && others.length >= partitionsMax) return workload
  const inputs = workload.inputs.map(({ table, partitions }, t): TableInput => {
    const started = workload.bounded ? partitions : startingLate(random, partitions, 0)
    if (t !== chosen || !partitions.every(hasRows)) return { table, partitions: started }
    return { table, partitions: started.toSpliced(random.between(0, started.length), 0, []) }
  })
  const settings = {
    [HOLDS]: 'true',
    ...(untilIdle ? { [IDLE_TIMEOUT]: `${PATIENT_TIMEOUT_MS} ms` } : {}),
  }
  return { ...marked(workload, untilIdle ? 'hold-until-idle' : 'hold', settings), inputs }
}

/** One more partition takes the late rows, and takes its first one late. */
function withLatePartitions(
  random: SeededRandom,
  workload: Workload,
  partitionsMax: number,
  kind: 'late' | 'late-and-idle',
): Workload {
  const [input] = workload.inputs as [TableInput]
  const all = input.partitions.flat()
  const late = all.filter(isLate).sort((a, b) => a.late! - b.late!)
  if (late.length === 0 || partitionsMax < 2) return workload
  const onTime = input.partitions.map((rows) => fromTheStart(rows.filter((row) => !isLate(row))))
  const fits = onTime.length < partitionsMax
  if (kind === 'late') {
    const others = fits ? onTime : mergedLast(onTime)
    const closing = all.find((row) => row.closing === true)!
    const atMs = Math.max(...late.map((row) => row.atMs), closing.atMs)
    const [rows] = startingLate(random, [[...late, { ...closing, atMs }]], 1) as [Rows]
    const partitions = others.toSpliced(random.between(0, others.length), 0, rows)
    return { ...marked(workload, kind, {}), inputs: [{ ...input, partitions }] }
  }
  // One partition has all rows that are on time: read in order, only a watermark from elsewhere
  // could make them late.
  const { rowtime, watermarkDelayMs } = workload.tables[0]!
  const main = merged(onTime)
  const earliestMs = Math.min(...main.map(({ values }) => values[rowtime] as number))
  const older = late.map((row): InputRow => {
    const timeMs = earliestMs + watermarkDelayMs - 1 - random.between(0, LATE_BY_MS)
    return { ...row, values: { ...row.values, [rowtime]: timeMs } }
  })
  const [rows] = startingLate(random, [older], 1) as [Rows]
  const partitions = random.chance(0.5) ? [rows, main] : [main, rows]
  const settings = { [IDLE_TIMEOUT]: `${random.pick(SHORT_TIMEOUTS_MS)} ms` }
  return { ...marked(workload, kind, settings), inputs: [{ ...input, partitions }] }
}

function marked(
  workload: Workload,
  emptyPartitions: EmptyPartitions,
  settings: Readonly<Record<string, string>>,
): Workload {
  return { ...workload, emptyPartitions, settings: { ...workload.settings, ...settings } }
}

const hasRows = (rows: Rows): boolean => rows.length > 0
const isLate = (row: InputRow): boolean => row.late !== undefined

/**
 * At least `least` of the partitions with rows get nothing before a moment of their own, then what
 * has come by then.
 */
function startingLate(random: SeededRandom, partitions: readonly Rows[], least: number): Rows[] {
  const filled = [...partitions.keys()].filter((p) => hasRows(partitions[p]!))
  const chosen = random.shuffled(filled).slice(0, random.between(least, filled.length))
  const lastMs = Math.max(...partitions.flat().map(({ atMs }) => atMs))
  return partitions.map((rows, p) => {
    if (!chosen.includes(p)) return rows
    const startMs = random.chance(0.25)
      ? lastMs + random.between(1, AFTER_ALL_MS)
      : random.between(1, lastMs)
    return rows.map((row) => ({ ...row, atMs: Math.max(row.atMs, startMs) }))
  })
}

/** The last two partitions as one, where there are two. */
function mergedLast(partitions: readonly Rows[]): Rows[] {
  if (partitions.length < 2) return [...partitions]
  return [...partitions.slice(0, -2), merged(partitions.slice(-2))]
}

/**
 * The rows of several partitions of a table with `seq` in the order in which they were made, with
 * one closing row at the end.
 */
function merged(partitions: readonly Rows[]): Rows {
  const all = partitions.flat()
  const rows = all.filter((row) => row.closing !== true)
  const closing = all.find((row) => row.closing === true)
  rows.sort((a, b) => Number(a.values.seq) - Number(b.values.seq))
  let atMs = 0
  return fromTheStart(
    [...rows, ...(closing === undefined ? [] : [closing])].map((row) => {
      atMs = Math.max(atMs, row.atMs)
      return { ...row, atMs }
    }),
  )
}

function fromTheStart([first, ...others]: Rows): Rows {
  return first === undefined ? [] : [{ ...first, atMs: 0 }, ...others]
}
