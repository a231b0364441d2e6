/** The cluster of one run of a user's job, and its faults, drawn from the run's seed. */
import { drawFaults } from '../faults/draw-faults.ts'
import {
  FAULT_FAMILIES,
  type FaultClass,
  type FaultFamily,
  type PlannedFault,
} from '../faults/fault.ts'
import { impossibleFaults } from '../faults/impossible-faults.ts'
import { type ClusterPlan, drawProperties, drawSlowness } from '../scenario/run-plan.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import type { PlannedUserJob } from './plan-user-job.ts'

/**
 * A job that loses what it needs has no right output to be compared: `loss` is for generated jobs.
 */
export type UserFaultFamily = Exclude<FaultFamily, 'loss'>

export const USER_FAULT_FAMILIES = Object.keys(FAULT_FAMILIES).filter(
  (family): family is UserFaultFamily => family !== 'loss',
)

/**
 * How many faults of each family a run has; a list of families: some of these, as many as
 * the seed says.
 */
export type FaultProfile =
  | 'none'
  | 'all'
  | readonly UserFaultFamily[]
  | Readonly<Partial<Record<UserFaultFamily, number>>>

export interface ClusterShape {
  /** 1 to 5; drawn when absent. */
  readonly taskManagers?: number
  /** 1 when absent; several: high availability, and faults of its store. */
  readonly jobManagers?: number
}

const FAULTS_MAX = 6
const TASK_MANAGERS_MAX = 3
const QUIET_PHASE_MS = 1500

export interface ClusterDraw {
  readonly seed: number
  readonly job: PlannedUserJob
  readonly faults: FaultProfile
  readonly shape: ClusterShape
  readonly inputMs: number
}

export function drawCluster(draw: ClusterDraw): ClusterPlan {
  const { seed, job, shape } = draw
  const random = new SeededRandom(`user plan ${seed}`)
  const cluster = random.split('cluster')
  const taskManagers = shape.taskManagers ?? cluster.between(1, TASK_MANAGERS_MAX)
  const jobManagers = shape.jobManagers ?? 1
  const phaseMs = draw.inputMs + QUIET_PHASE_MS + cluster.between(0, 6000)
  const without = impossible(job, jobManagers)
  return {
    seed,
    jobManagers,
    taskManagers,
    slotsPerTaskManager: Math.ceil(job.parallelism / taskManagers) + cluster.between(0, 1),
    brokers: cluster.between(1, 3),
    slowness: drawSlowness(random.split('slowness'), taskManagers),
    faults: drawProfile(random.split('faults'), draw.faults, { without, phaseMs }),
    restarts: [],
    rescales: [],
    neighbours: [],
    savepoints: [],
    phaseMs,
    properties: drawProperties(random.split('properties')),
  }
}

/** One JobManager and TaskManager, no faults; an error that the job has ends it. */
export function referenceCluster(job: PlannedUserJob): ClusterPlan {
  return {
    seed: 0,
    jobManagers: 1,
    taskManagers: 1,
    slotsPerTaskManager: job.parallelism,
    brokers: 1,
    slowness: [],
    faults: [],
    restarts: [],
    rescales: [],
    neighbours: [],
    savepoints: [],
    phaseMs: 0,
    properties: {
      ...drawProperties(new SeededRandom('reference')),
      'execution.checkpointing.interval': '1 s',
      'execution.checkpointing.timeout': '60 s',
      'restart-strategy.type': 'none',
    },
  }
}

function impossible(job: PlannedUserJob, jobManagers: number): Set<FaultClass> {
  return impossibleFaults({
    jobManagers,
    sources: job.sources.map(({ connector }) => connector),
    sinks: job.sinks.map(({ connector }) => connector),
    transactional: job.sinks.some(({ connector, repeats }) => connector === 'kafka' && !repeats),
    // Only of generated jobs is it known.
    needsCommittedOnly: false,
    onLocalDisk: false,
    mayBreakOff: false,
  })
}

function drawProfile(
  random: SeededRandom,
  profile: FaultProfile,
  draw: { readonly without: ReadonlySet<FaultClass>; readonly phaseMs: number },
): PlannedFault[] {
  if (profile === 'none') return []
  if (profile === 'all' || isList(profile)) {
    const families = profile === 'all' ? USER_FAULT_FAMILIES : profile
    return drawFaults(random, { ...draw, families, countMax: FAULTS_MAX })
  }
  const all = Object.entries(profile).flatMap(([family, count]) => {
    if (count === 0) return []
    const families = [family as UserFaultFamily]
    return drawFaults(random.split(family), {
      ...draw,
      families,
      countMin: count,
      countMax: count,
    })
  })
  return all.map((fault, id) => ({ ...fault, id }))
}

export function isList(
  profile: Exclude<FaultProfile, string>,
): profile is readonly UserFaultFamily[] {
  return Array.isArray(profile)
}
