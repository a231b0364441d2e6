/**
 * RunPlan: everything that a seed decides, as plain data — the cluster, its job and input, and
 * what goes wrong. A run is a function of its plan; a smaller plan is a smaller run.
 */

import { drawFaults } from '../faults/draw-faults.ts'
import type { FaultFamily, PlannedFault } from '../faults/fault.ts'
import { impossibleFaults } from '../faults/impossible-faults.ts'
import { withWidenableKey } from '../workload/edit-tables.ts'
import { EXTREMES_SHAPE } from '../workload/generate/random-query.ts'
import { generateWorkload, SWARM_PROFILE } from '../workload/generate-workload.ts'
import { queries, readsATableTwice } from '../workload/model/query.ts'
import { AFTER_TASKS_FINISH, lastArrivalMs, type Workload } from '../workload/workload.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import { drawAdaptation } from './draw-adaptation.ts'
import { drawSecondPipeline } from './draw-beside.ts'
import { drawForgetting, type PlannedForgetting, withTimeToLive } from './draw-forgetting.ts'
import { drawNeighbours } from './draw-neighbours.ts'
import { drawSavepoints, type PlannedSavepoint } from './draw-savepoints.ts'
import type { PlannedNeighbour } from './neighbours.ts'

/**
 * The job is stopped (or ends up so) and started again from its latest checkpoint, maybe at
 * another parallelism.
 */
export interface PlannedRestart {
  readonly atMs: number
  readonly parallelism: number
}

/** Somebody asks that all of the running job be at that parallelism. */
export interface PlannedRescale {
  readonly atMs: number
  readonly parallelism: number
}

/** The cluster, and what goes wrong; whatever the job. */
export interface ClusterPlan {
  readonly seed: number
  readonly jobManagers: number
  readonly taskManagers: number
  readonly slotsPerTaskManager: number
  readonly brokers: number
  /**
   * How much slower than others the host of each TaskManager computes, in the phase with faults.
   */
  readonly slowness: readonly number[]
  readonly faults: readonly PlannedFault[]
  readonly restarts: readonly PlannedRestart[]
  /** By time. */
  readonly rescales: readonly PlannedRescale[]
  /** By time. */
  readonly neighbours: readonly PlannedNeighbour[]
  /** By time. */
  readonly savepoints: readonly PlannedSavepoint[]
  /** Length of the phase with faults, from the job's submission. */
  readonly phaseMs: number
  /** Of the cluster. */
  readonly properties: Readonly<Record<string, string>>
}

/**
 * One of the checkpoints that complete is kept, and restored in a run of its own when all else
 * was right.
 */
export interface PlannedRestore {
  readonly parallelism: number
  /** Draws which one, and how its query has been edited since. */
  readonly draw: number
  /** Its state has a time to live; absent: it has none. */
  readonly forgetting?: PlannedForgetting
}

export interface RunPlan extends ClusterPlan {
  readonly workload: Workload
  readonly restore: PlannedRestore | null
}

const QUIET_PHASE_MS = 1500
/** Beyond those of all other faults. */
const SECOND_IDS = 100
const FAULTS_MAX = 20
/** Of the seeds. */
const RESTORED_SHARE = 0.4
const RESTORED_PARALLELISM_MAX = 5
/** Of the restored ones, that their tables may be edited so that keys become wider. */
const WIDENABLE_SHARE = 0.8
/** Of the seeds. */
const RESCALED_SHARE = 0.3
const RESCALED_PARALLELISM_MAX = 5
/** Of the seeds. */
const UNALIGNED_SHARE = 0.3
/** Of unbounded jobs with windows. */
const DRAINED_SHARE = 0.3
/** Of bounded jobs. */
const UNFINISHED_SHARE = 0.2

export function drawPlan(seed: number, families: readonly FaultFamily[]): RunPlan {
  const random = new SeededRandom(`plan ${seed}`)
  const generated = generateWorkload(random.split('workload'), SWARM_PROFILE)
  const shape = random.split('cluster')
  const taskManagers = shape.between(1, 5)
  const jobManagers = shape.pick([1, 2, 2, 3])
  const phaseMs = lastArrivalMs(generated) + QUIET_PHASE_MS + shape.between(0, 12_000)
  const drawnRescales = drawRescales(random.split('rescales'), generated)
  const second = drawSecondPipeline(random.split('second pipeline'), generated, {
    ...{ phaseMs, mayFail: families.includes('kill'), firstId: SECOND_IDS },
  })
  const { beside } = second
  // The law of restoring is one of a single sink.
  const drawn = beside === null ? drawRestore(random.split('restore'), generated) : null
  const forgetting = drawForgetting(random.split('forgetting'), generated)
  const restore = drawn === null || forgetting === null ? drawn : { ...drawn, forgetting }
  const isKeyed = drawn !== null && random.split('widenable key').chance(WIDENABLE_SHARE)
  const keyed = isKeyed ? withWidenableKey(generated) : generated
  const alone = restore?.forgetting === undefined ? keyed : withTimeToLive(keyed)
  const ended = withoutLast(random.split('after tasks finish'), alone, restore === null)
  const drained = drainedAtEnd(random.split('drained at the end'), ended, restore === null)
  const workload = beside === null ? drained : { ...generated, beside }
  const { source, sink, guarantee } = workload
  const backend = drawBackend(random.split('backend'), workload)
  const without = impossibleFaults({
    jobManagers,
    sources: beside === null ? [source] : [source, 'filesystem'],
    sinks: [sink],
    needsCommittedOnly: !readsATableTwice(workload.query),
    onLocalDisk: 'state.backend.type' in backend,
    transactional: sink === 'kafka' && guarantee === 'exactly-once',
    // Which late rows a window took is judged from the windows after it.
    mayBreakOff: sink !== 'print' && guarantee === 'exactly-once' && !workload.late,
  })
  const faults =
    families.length === 0
      ? []
      : drawFaults(random.split('faults'), { families, without, phaseMs, countMax: FAULTS_MAX })
  const adaptation = drawAdaptation(random.split('adaptation'), {
    ...{ phaseMs, mayKill: families.includes('kill'), firstId: faults.length },
  })
  const rescales = adaptation.isReactive ? [] : drawnRescales
  // How many slots each gets of two that take what there is, nobody has said.
  const isAlone = beside !== null || Object.keys(adaptation.properties).length > 0
  const neighbours = isAlone
    ? []
    : drawNeighbours(random.split('neighbours'), { workload, phaseMs, faults })
  return {
    seed,
    jobManagers,
    taskManagers,
    // A lost TaskManager leaves enough slots in some runs, and not in others.
    slotsPerTaskManager:
      slotsFor(workload, taskManagers, widestOf(drawnRescales)) +
      shape.between(0, 1) +
      neighbours.reduce((sum, { parallelism }) => sum + Math.ceil(parallelism / taskManagers), 0),
    brokers: shape.between(1, 3),
    slowness: drawSlowness(random.split('slowness'), taskManagers),
    workload,
    faults: [...faults, ...adaptation.departures, ...second.failures],
    restarts: drawRestarts(random.split('restarts'), workload, phaseMs),
    rescales,
    restore,
    savepoints: drawSavepoints(random.split('savepoints'), {
      workload,
      families,
      without,
      phaseMs,
    }),
    neighbours,
    phaseMs,
    properties: {
      ...drawProperties(random.split('properties')),
      ...backend,
      ...adaptation.properties,
      'execution.checkpointing.local-backup.enabled': String(
        random.split('local backup').chance(0.3),
      ),
      ...drawUnaligned(random.split('unaligned'), random.split('aligned timeout')),
    },
  }
}

/** Some bounded jobs end without a last checkpoint: what waits for one is never shown. */
function withoutLast(random: SeededRandom, workload: Workload, isLast: boolean): Workload {
  // Which late rows a window took is judged from the windows after it.
  if (!workload.bounded || workload.late || !isLast || !random.chance(UNFINISHED_SHARE)) {
    return workload
  }
  return { ...workload, settings: { ...workload.settings, [AFTER_TASKS_FINISH]: 'false' } }
}

/**
 * Windows that are open when the input has come to its end fire when the job is drained. Nothing
 * goes on from what a drain has left: windows have fired without the rows that may come.
 */
function drainedAtEnd(random: SeededRandom, workload: Workload, isLast: boolean): Workload {
  const { bounded, late, guarantee, query } = workload
  const hasWindows = [...queries(query)].some(({ kind }) => kind === 'window')
  const isJudged = isLast && hasWindows && !bounded && !late && guarantee === 'exactly-once'
  return isJudged && random.chance(DRAINED_SHARE) ? { ...workload, isDrainedAtEnd: true } : workload
}

/** On a slow machine work piles up: a checkpoint begins while fetched rows wait. */
export function drawSlowness(random: SeededRandom, taskManagers: number): number[] {
  const slowest = random.pick([1, 40, 1000, 4000])
  return Array.from({ length: taskManagers }, () => random.pick([1, slowest, slowest]))
}

/** Slots a TaskManager needs so that all of them can run the job, also at `atLeast`. */
export function slotsFor(workload: Workload, taskManagers: number, atLeast = 1): number {
  const widest = Math.max(workload.parallelism, workload.sinkParallelism ?? 1, atLeast)
  return Math.ceil(widest / taskManagers)
}

function drawRestarts(
  random: SeededRandom,
  workload: Workload,
  phaseMs: number,
): readonly PlannedRestart[] {
  // What an at-least-once sink or a printed changelog shows is not taken back when a
  // job is stopped.
  if (workload.bounded || !random.chance(0.25)) return []
  // With one subtask the second pipeline has no exchange: another job than the one before.
  const least = workload.beside === undefined ? 1 : 2
  return Array.from({ length: random.between(1, 2) }, () => ({
    atMs: random.between(500, phaseMs),
    parallelism: random.between(least, workload.parallelism),
  })).sort((a, b) => a.atMs - b.atMs)
}

function drawRescales(random: SeededRandom, workload: Workload): readonly PlannedRescale[] {
  if (!random.chance(RESCALED_SHARE)) return []
  return Array.from({ length: random.between(1, 3) }, () => ({
    // Most while there is input yet.
    atMs: random.between(300, lastArrivalMs(workload) + QUIET_PHASE_MS),
    parallelism: random.between(1, RESCALED_PARALLELISM_MAX),
  })).sort((a, b) => a.atMs - b.atMs)
}

function widestOf(rescales: readonly PlannedRescale[]): number {
  return Math.max(1, ...rescales.map(({ parallelism }) => parallelism))
}

function drawRestore(random: SeededRandom, workload: Workload): PlannedRestore | null {
  const { parallelism, settings, emptyPartitions, bounded } = workload
  const draw = random.between(1, 1_000_000)
  // Its last windows wait for a timeout of 90 s.
  const isSlow = emptyPartitions === 'hold-until-idle' && !bounded
  if (isSlow || !random.chance(RESTORED_SHARE)) return null
  const most = Number(settings['pipeline.max-parallelism'] ?? RESTORED_PARALLELISM_MAX)
  const others = Array.from(
    { length: Math.min(most, RESTORED_PARALLELISM_MAX) },
    (_, n) => n + 1,
  ).filter((each) => each !== parallelism)
  return { parallelism: others.length === 0 ? parallelism : random.pick(others), draw }
}

/**
 * Times are short, so that much happens; what they are drawn from keeps them consistent
 * with one another.
 */
export function drawProperties(random: SeededRandom): Record<string, string> {
  const heartbeatTimeoutMs = random.pick([2000, 5000])
  const leaseMs = random.pick([3000, 6000])
  return {
    'high-availability.filesystem.leader-election.lease-duration': `${leaseMs} ms`,
    'high-availability.filesystem.leader-election.renew-deadline': `${leaseMs * 0.7} ms`,
    'high-availability.filesystem.leader-election.retry-period': `${leaseMs / 6} ms`,
    'heartbeat.interval': `${heartbeatTimeoutMs / 5} ms`,
    'heartbeat.timeout': `${heartbeatTimeoutMs} ms`,
    'execution.checkpointing.interval': `${random.pick([100, 250, 500, 1000, 2000])} ms`,
    'execution.checkpointing.timeout': `${random.pick([2000, 5000, 60_000])} ms`,
    'execution.checkpointing.tolerable-failed-checkpoints': String(random.pick([0, 2, 1000])),
    'execution.checkpointing.num-retained': String(random.between(1, 3)),
    'execution.checkpointing.min-pause': `${random.pick([0, 0, 100, 400])} ms`,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'state.storage.fs.memory-threshold': random.pick(['20kb', '64b', '1kb']),
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': '1000000',
    'restart-strategy.fixed-delay.delay': `${random.pick([10, 100, 1000])} ms`,
    'jobmanager.execution.failover-strategy': random.pick(['region', 'full']),
    'slot.request.timeout': '10 min',
    // An ended job is forgotten, and swept, within the time that a run has for that.
    'rest.async.store-duration': '20 s',
    'execution.buffer-timeout.interval': `${random.pick([5, 20, 100])} ms`,
    'taskmanager.slot.prewarm': String(random.chance(0.5)),
    'taskmanager.memory.segment-size': random.pick(['4kb', '8kb', '32kb']),
    'taskmanager.memory.process.size': '512m',
    'metrics.fetcher.update-interval': '500 ms',
    'pekko.ask.timeout': `${random.pick([2000, 10_000])} ms`,
    'task.cancellation.timeout': '5 s',
    'jobmanager.task-cancellation.timeout': '8 s',
    // Few of them: what is behind waits, and a source has fetched more than it could pass on.
    'taskmanager.network.memory.buffers-per-channel': random.pick(['1', '2', '2']),
    'taskmanager.network.memory.floating-buffers-per-gate': random.pick(['0', '1', '8', '8']),
    'execution.checkpointing.incremental': String(random.chance(0.6)),
  }
}

/** Barriers that overtake rows, with which a checkpoint has in it what is under way. */
function drawUnaligned(random: SeededRandom, patience: SeededRandom): Record<string, string> {
  if (!random.chance(UNALIGNED_SHARE)) return {}
  const timeout = 'execution.checkpointing.aligned-checkpoint-timeout'
  return {
    'execution.checkpointing.unaligned.enabled': 'true',
    ...(patience.chance(0.5) ? { [timeout]: `${patience.pick([1, 5, 20, 200])} ms` } : {}),
  }
}

/**
 * On disk hardly anything is cached: a few batches turn over all of the state, and windows are
 * fired from there. Jobs of GROUP BY, whose state stays, have it more often, with checkpoints that
 * follow each other closely, mostly increments, of state that is seldom kept in the metadata.
 */
function drawBackend(random: SeededRandom, { query, shape }: Workload): Record<string, string> {
  const groups = [...queries(query)].some(({ kind }) => kind === 'group')
  if (random.chance(groups ? 0.2 : 0.6)) return {}
  // Few values are there at a time: they leave a small cache alone.
  const memory = shape === EXTREMES_SHAPE ? ['0', '0', '1kb'] : ['0', '1kb', '8kb', '1mb']
  return {
    'state.backend.type': random.pick(['rocksdb', 'disk']),
    'state.backend.rocksdb.memory.fixed-per-slot': random.pick(memory),
    'execution.checkpointing.incremental': String(random.chance(0.8)),
    'state.storage.fs.memory-threshold': random.pick(['64b', '64b', '64b', '20kb']),
    ...(groups
      ? { 'execution.checkpointing.interval': `${random.pick([100, 250, 1000])} ms` }
      : {}),
  }
}
