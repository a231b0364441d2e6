/**
 * Random input: one stream of rows in order of arrival, dealt to tables and partitions.
 *
 * Event time advances in steps (none, small, a leap); a row is behind it by less than the
 * watermark's delay, so that it is on time whatever order partitions are read in. Late rows are
 * further behind, as told, and marked. At the end of an unbounded job a closing row in every
 * partition that holds the watermark pushes it past every window.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import { type ColumnFill, type Query, queries, type SourceTable } from '../model/query.ts'
import { isoTimestamp, type Row, type SqlValue } from '../model/sql-type.ts'
import type { InputRow, TableInput } from '../workload.ts'
import { START_MS } from './random-expression.ts'

/** Late rows are told apart by bits of a BIGINT whose sum stays exact in JSON. */
export const LATE_ROWS_MAX = 48

export interface InputShape {
  readonly rowCount: number
  readonly bounded: boolean
  readonly late: boolean
  /** The last partition falls silent after the first part, for good. */
  readonly goesSilent: boolean
  /** Partitions that get rows, by table. */
  readonly filled: readonly (readonly number[])[]
  readonly partitionCounts: readonly number[]
  readonly query: Query
}

export interface GeneratedInput {
  readonly inputs: readonly TableInput[]
  readonly finalWatermarkMs: number
}

const TEXTS = [
  'alpha',
  'beta',
  'gamma',
  'delta',
  'Zoë',
  '日本',
  'a_b%c',
  '',
  ' pad ',
  "it's",
  '7',
  '42',
]
const EMOJI = 'a😀b'

interface Filling {
  readonly random: SeededRandom
  readonly keys: number
  readonly nulls: number
  readonly timeMs: number
  readonly sequence: number
  readonly lateBit: bigint
}

export function randomInput(
  random: SeededRandom,
  tables: readonly SourceTable[],
  shape: InputShape,
): GeneratedInput {
  const partitions = shape.partitionCounts.map((count) =>
    Array.from({ length: count }, (): InputRow[] => []),
  )
  const delayMs = tables[0]!.watermarkDelayMs
  const arrivals = arrivalTimes(random, shape)
  const keys = random.between(1, 30)
  const nulls = random.pick([0, 0.05, 0.3])
  const steps = random.pick([
    [0, 1, 10],
    [0, 50, 200],
    [0, 200, 900],
    [1, 500, 5000],
  ])
  let nowMs = START_MS + random.between(0, 60_000)
  let latestMs = Number.NEGATIVE_INFINITY
  let lateCount = 0
  for (let n = 0; n < shape.rowCount; n++) {
    nowMs += random.chance(0.02) ? steps[2]! * 10 : random.between(0, steps[random.between(0, 2)]!)
    const isLate = shape.late && lateCount < LATE_ROWS_MAX && n > 20 && random.chance(0.05)
    const behindMs = random.chance(0.3) ? 0 : random.between(0, delayMs - 1)
    const timeMs = isLate ? latestMs - delayMs - random.between(1, 90_000) : nowMs - behindMs
    latestMs = Math.max(latestMs, timeMs)
    const table = random.between(0, tables.length - 1)
    const lateBit = isLate ? 1n << BigInt(lateCount) : 0n
    const filling = { random, keys, nulls, timeMs, sequence: n, lateBit }
    const values = randomRow(tables[table]!, filling)
    const open = openPartitions(shape, table, n)
    const late = isLate ? { late: lateCount++ } : {}
    partitions[table]![random.pick(open)]!.push({ atMs: arrivals[n]!, values, ...late })
  }
  const inputs = tables.map(({ name }, t) => ({ table: name, partitions: partitions[t]! }))
  if (shape.bounded) return { inputs, finalWatermarkMs: Number.POSITIVE_INFINITY }
  const closingMs = nowMs + delayMs + windowReachMs(shape.query) + 1000
  const closingAtMs = arrivals[shape.rowCount - 1]! + 300
  tables.forEach((table, t) => {
    for (const partition of openPartitions(shape, t, shape.rowCount)) {
      const filling = { random, keys, nulls, timeMs: closingMs, sequence: -1, lateBit: 0n }
      const values = randomRow(table, filling)
      partitions[t]![partition]!.push({ atMs: closingAtMs, values, closing: true })
    }
  })
  return { inputs: inputs.map(startingFull), finalWatermarkMs: closingMs - delayMs }
}

/**
 * The first row of each partition is there from the beginning: one that has never delivered does
 * not hold the watermark, and a reader that looks at it late would find its first rows late.
 */
function startingFull({ table, partitions }: TableInput): TableInput {
  return {
    table,
    partitions: partitions.map(([first, ...others]) =>
      first === undefined ? [] : [{ ...first, atMs: 0 }, ...others],
    ),
  }
}

/** Partitions that take row number `n`. */
function openPartitions(shape: InputShape, table: number, n: number): readonly number[] {
  const filled = shape.filled[table]!
  const silent = shape.goesSilent && filled.length > 1 && n > shape.rowCount * 0.4
  return silent ? filled.slice(0, -1) : filled
}

/** How far beyond the last row the end of a window, or of a window over it, can be. */
function windowReachMs(query: Query): number {
  let reachMs = 0
  for (const node of queries(query)) if (node.kind === 'window') reachMs += 2 * node.window.sizeMs
  return reachMs
}

/** Arrival times in order: even, or in bursts. */
function arrivalTimes(random: SeededRandom, { rowCount, bounded }: InputShape): number[] {
  if (bounded) return Array.from({ length: rowCount }, () => 0)
  const durationMs = random.between(800, 8000)
  const bursts = random.chance(0.4)
    ? Array.from({ length: random.between(2, 6) }, () => random.between(0, durationMs))
    : null
  const times = Array.from({ length: rowCount }, () =>
    bursts === null ? random.between(0, durationMs) : random.pick(bursts) + random.between(0, 50),
  )
  return times.sort((a, b) => a - b)
}

function randomRow(table: SourceTable, filling: Filling): Row {
  return Object.fromEntries(
    table.columns.map(({ name, fill }) => [name, randomValue(fill, filling)]),
  )
}

function randomValue(fill: ColumnFill, filling: Filling): SqlValue {
  const { random, timeMs } = filling
  switch (fill) {
    case 'rowtime':
      return timeMs
    case 'rowtime-text':
      return isoTimestamp(timeMs).replace('T', ' ')
    case 'sequence':
      return BigInt(filling.sequence)
    case 'late-bit':
      return filling.lateBit
    case 'key':
      if (random.chance(filling.nulls / 10)) return null
      // The product of two draws is skewed towards small numbers.
      return `sensor-${Math.floor(random.next() * random.next() * filling.keys)}`
    default:
      return random.chance(filling.nulls) ? null : nullableValue(fill, random)
  }
}

function nullableValue(
  fill: Exclude<ColumnFill, 'rowtime' | 'rowtime-text' | 'sequence' | 'late-bit' | 'key'>,
  random: SeededRandom,
): SqlValue {
  switch (fill) {
    case 'text':
      return random.chance(0.05) ? EMOJI : random.pick(TEXTS)
    case 'small-int':
      return random.between(-20, 100)
    case 'number':
      return random.chance(0.1)
        ? 4_000_000_000n + BigInt(random.between(0, 3))
        : BigInt(random.between(-50, 1000))
    case 'half':
      return random.between(-200, 2000) / 2
    case 'price':
      // Quarters, so that casts to DOUBLE are exact.
      return BigInt(random.between(-80, 399) * 25)
    case 'flag':
      return random.chance(0.5)
    case 'day':
      return 20_778 + random.between(0, 12)
    case 'time':
      return START_MS + random.between(-5000, 5000) * random.pick([1, 1000, 60_000])
    case 'temperature':
      return random.between(-40, 90) / 2
    case 'humidity':
      return random.between(0, 100)
  }
}
