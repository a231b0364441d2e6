/**
 * generateWorkload: one random job with input and schedule from a seed. The door of this folder.
 *
 * Every part draws from a stream of its own (`split`), so that a new choice in one does not
 * change the others.
 */
import type { SeededRandom } from '../world/seeded-random.ts'
import { expectedOutput, LATE_BITS } from './expected-output.ts'
import { withEmptyPartitions } from './generate/empty-partitions.ts'
import { randomConnectors } from './generate/random-connectors.ts'
import { randomInput } from './generate/random-input.ts'
import {
  EXTREMES_SHAPE,
  isChanging,
  LATER_SHAPES,
  randomQuery,
  randomWindow,
  SHAPES,
  type Shape,
} from './generate/random-query.ts'
import { eventTables, sensorTable } from './generate/random-tables.ts'
import { column } from './model/expression.ts'
import { type Query, type SourceTable, withoutFilters } from './model/query.ts'
import { BIGINT } from './model/sql-type.ts'
import type { Guarantee, SinkConnector, SourceConnector, Workload } from './workload.ts'

/** What may be drawn; every list holds the choices, repeated ones come more often. */
export interface WorkloadProfile {
  readonly shapes: readonly (Shape | 'late')[]
  /**
   * Shapes that take the place of the drawn one now and then, from a stream of their own: adding
   * one leaves the jobs of most seeds as they were, and kept seeds keep their meaning.
   */
  readonly laterShapes: readonly Shape[]
  /** Probability of `EXTREMES_SHAPE` in the place of any. */
  readonly extremes: number
  readonly sources: readonly SourceConnector[]
  readonly sinks: readonly SinkConnector[]
  readonly bounded: readonly boolean[]
  readonly guarantees: readonly Guarantee[]
  readonly rowsMin: number
  readonly rowsMax: number
  readonly parallelismMax: number
  readonly partitionsMax: number
  /** Probability that a partition falls silent and an idle timeout lets the job go on. */
  readonly silence: number
  /** Probability that partitions start empty; of most workloads, from a stream of its own. */
  readonly emptyPartitions: number
}

const EVERY_SHAPE: readonly (Shape | 'late')[] = [
  'main-job',
  'main-job',
  'main-job',
  'window',
  'window',
  ...SHAPES,
  'late',
]

/** Jobs over everything; the swarm's default. */
export const SWARM_PROFILE: WorkloadProfile = {
  shapes: EVERY_SHAPE,
  laterShapes: LATER_SHAPES,
  extremes: 0.05,
  sources: ['kafka', 'kafka', 'filesystem'],
  sinks: ['kafka', 'kafka', 'filesystem', 'print'],
  bounded: [true, false, false],
  guarantees: ['exactly-once', 'exactly-once', 'exactly-once', 'at-least-once'],
  rowsMin: 200,
  rowsMax: 2000,
  parallelismMax: 4,
  partitionsMax: 5,
  silence: 0,
  emptyPartitions: 0.15,
}

/** The project's main job: Kafka to Kafka, exactly once. */
export const MAIN_JOB_PROFILE: WorkloadProfile = {
  ...SWARM_PROFILE,
  shapes: ['main-job'],
  laterShapes: [],
  extremes: 0,
  sources: ['kafka'],
  sinks: ['kafka'],
  guarantees: ['exactly-once'],
}

/** Rows later than the watermark's delay; judged by range. */
export const LATE_PROFILE: WorkloadProfile = {
  ...SWARM_PROFILE,
  shapes: ['late'],
  laterShapes: [],
  extremes: 0,
  emptyPartitions: 0,
}

/** Bounded jobs from files to files, which end by themselves. */
export const FILES_PROFILE: WorkloadProfile = {
  ...SWARM_PROFILE,
  sources: ['filesystem'],
  sinks: ['filesystem'],
  bounded: [true],
  guarantees: ['exactly-once'],
}

/** Results that change; into a sink that takes updates. */
export const CHANGELOG_PROFILE: WorkloadProfile = {
  ...SWARM_PROFILE,
  shapes: ['group', 'group-over-window', ...LATER_SHAPES],
  sinks: ['print'],
}

/** Partitions that fall silent. Only exact without faults that stall a reader. */
export const SILENCE_PROFILE: WorkloadProfile = {
  ...SWARM_PROFILE,
  shapes: ['main-job', 'window'],
  laterShapes: [],
  extremes: 0,
  bounded: [false],
  silence: 1,
  emptyPartitions: 0,
}

/** Partitions that are empty when the job starts, wherever that can be. */
export const EMPTY_PARTITIONS_PROFILE: WorkloadProfile = {
  ...SWARM_PROFILE,
  shapes: [...EVERY_SHAPE, 'late', 'late', 'late', 'late'],
  emptyPartitions: 1,
}

interface JobChoice {
  readonly tables: readonly SourceTable[]
  readonly query: Query
}

export function generateWorkload(
  random: SeededRandom,
  profile: WorkloadProfile = SWARM_PROFILE,
): Workload {
  const choice = random.split('choice')
  const shape = randomShape(random, choice, profile)
  const sinkKind = choice.pick(sinksFor(profile, shape))
  const { tables, query } = randomJob(random.split('job'), shape)
  const bounded = choice.pick(profile.bounded)
  const late = shape === 'late'
  const goesSilent = !bounded && choice.chance(profile.silence)
  const partitionCounts = tables.map(() =>
    choice.between(goesSilent ? 2 : 1, profile.partitionsMax),
  )
  const filled = partitionCounts.map((count) => {
    const all = Array.from({ length: count }, (_, n) => n)
    if (goesSilent || choice.chance(0.6)) return all
    return choice.shuffled(all).slice(0, choice.between(1, count))
  })
  const rowCount = choice.between(profile.rowsMin, profile.rowsMax)
  const everyPartitionFilled = filled.every((open, t) => open.length === partitionCounts[t])
  const input = randomInput(random.split('input'), tables, {
    rowCount,
    bounded,
    late,
    goesSilent,
    filled,
    partitionCounts,
    query,
  })
  const parallelism = choice.between(1, profile.parallelismMax)
  const guarantee = guaranteeOf(choice, profile, sinkKind)
  const sinkParallelism = sinkKind !== 'print' && choice.chance(0.15) ? choice.between(1, 3) : null
  const started: Workload = {
    shape,
    tables,
    query,
    source: choice.pick(profile.sources),
    bounded,
    sink: sinkKind,
    guarantee,
    guaranteeWritten: guarantee === 'at-least-once' || choice.chance(0.5),
    sinkParallelism,
    parallelism,
    timestampStandard: choice.chance(0.7) ? 'ISO-8601' : 'SQL',
    settings: randomSettings(random.split('settings'), {
      shape,
      parallelism,
      sinkParallelism,
      guarantee,
      goesSilent,
      emptySplitsMayHold: everyPartitionFilled && !goesSilent,
    }),
    ...randomConnectors(random.split('connectors')),
    inputs: input.inputs,
    finalWatermarkMs: input.finalWatermarkMs,
    late,
    exactUnderStalls: !goesSilent,
  }
  const empty = random.split('partitions that start empty')
  const often = late && !bounded ? LATE_WEIGHT : 1
  const workload =
    !goesSilent && empty.chance(profile.emptyPartitions * often)
      ? withEmptyPartitions(empty, started, profile.partitionsMax)
      : started
  return isEmpty(workload) ? { ...workload, query: withoutFilters(query) } : workload
}

const LATER_SHARE = 0.08
/** Workloads with late rows are few. */
const LATE_WEIGHT = 4

function randomShape(
  random: SeededRandom,
  choice: SeededRandom,
  profile: WorkloadProfile,
): Shape | 'late' {
  const fits = (shape: Shape | 'late') => sinksFor(profile, shape).length > 0
  const shapes = profile.shapes.filter(fits)
  if (shapes.length === 0) throw new Error('No shape of the profile fits its sinks')
  const shape = choice.pick(shapes)
  const later = profile.laterShapes.filter(fits)
  if (profile.extremes > 0 && fits(EXTREMES_SHAPE)) {
    if (random.split('extremes taken back').chance(profile.extremes)) return EXTREMES_SHAPE
  }
  const apart = random.split('later shape')
  return later.length > 0 && apart.chance(LATER_SHARE) ? apart.pick(later) : shape
}

/** Whether the conditions that were drawn leave nothing to compare. */
function isEmpty(workload: Workload): boolean {
  const expectation = expectedOutput(workload)
  return (expectation.kind === 'late' ? expectation.groups : expectation.rows).length === 0
}

/** Changes go to `print` alone, and `print` is kept for them. */
function sinksFor(profile: WorkloadProfile, shape: Shape | 'late'): readonly SinkConnector[] {
  const changing = isChanging(shape)
  return profile.sinks.filter((sink) => (sink === 'print') === changing)
}

function guaranteeOf(
  random: SeededRandom,
  profile: WorkloadProfile,
  sink: SinkConnector,
): Guarantee {
  if (sink === 'kafka') return random.pick(profile.guarantees)
  return sink === 'filesystem' ? 'exactly-once' : 'at-least-once'
}

function randomJob(random: SeededRandom, shape: Shape | 'late'): JobChoice {
  if (shape === 'main-job') {
    const tables = [sensorTable()]
    return { tables, query: randomQuery({ random, tables }, shape) }
  }
  const two = (shape === 'union' || shape === 'window-over-union') && random.chance(0.5)
  const tables = eventTables(random, two ? 2 : 1, shape === 'late')
  if (shape !== 'late') return { tables, query: atTop(randomQuery({ random, tables }, shape)) }
  const window = randomWindow({ random, tables }, { kind: 'scan', table: 'events' }, 'ts')
  const bits = {
    name: LATE_BITS,
    function: 'SUM',
    distinct: false,
    argument: column('late_bit', BIGINT),
    filter: null,
  } as const
  const query = { ...window, aggregates: [...window.aggregates, bits], having: null }
  return { tables, query }
}

/** Nothing is around the top. */
function atTop(query: Query): Query {
  return query.kind === 'select' ? { ...query, placement: 'subquery' } : query
}

interface SettingsChoice {
  readonly shape: Shape | 'late'
  readonly parallelism: number
  readonly sinkParallelism: number | null
  readonly guarantee: Guarantee
  readonly goesSilent: boolean
  readonly emptySplitsMayHold: boolean
}

function randomSettings(random: SeededRandom, choice: SettingsChoice): Record<string, string> {
  const settings: Record<string, string> = {
    'pipeline.name': 'workload',
    'execution.checkpointing.interval': `${random.pick([100, 300, 700, 2000])} ms`,
    'pipeline.auto-watermark-interval': `${random.pick([20, 50, 200])} ms`,
  }
  const stateless = choice.shape === 'projection' || choice.shape === 'union'
  if (choice.guarantee === 'at-least-once' && stateless && random.chance(0.5)) {
    settings['execution.checkpointing.mode'] = 'AT_LEAST_ONCE'
  }
  if (choice.goesSilent) {
    settings['table.exec.source.idle-timeout'] = `${random.pick([500, 2000])} ms`
  } else if (choice.emptySplitsMayHold && random.chance(0.3)) {
    settings['table.exec.source.empty-split-holds-watermark'] = 'true'
  }
  if (random.chance(0.2)) settings['table.optimizer.agg-phase-strategy'] = 'ONE_PHASE'
  if (random.chance(0.2)) settings['table.exec.local-aggregate.max-groups'] = '16'
  if (random.chance(0.15)) settings['pipeline.operator-chaining.enabled'] = 'false'
  if (random.chance(0.3)) {
    const widest = Math.max(choice.parallelism, choice.sinkParallelism ?? 1)
    settings['pipeline.max-parallelism'] = String(random.pick([widest, 7, 30]))
  }
  if (random.chance(0.4)) {
    settings['execution.buffer-timeout.interval'] = `${random.pick([0, 10])} ms`
  }
  return settings
}
