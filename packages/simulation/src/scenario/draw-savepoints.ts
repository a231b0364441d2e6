/**
 * Which savepoints somebody takes of the job in a run, what becomes of the job by them, and what
 * strikes while one is under way: mostly whoever has just taken a step of it.
 */
import {
  FAULT_FAMILIES,
  type FaultClass,
  type FaultFamily,
  type PlannedFault,
} from '../faults/fault.ts'
import { queries } from '../workload/model/query.ts'
import type { Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

/** The job that is started from the savepoint that stopped another. */
export interface PlannedSuccessor {
  readonly parallelism: number
  readonly claims: boolean
  /** `state.backend.type`; null: the cluster's. */
  readonly backend: string | null
}

export interface PlannedSavepoint {
  readonly atMs: number
  readonly after: 'go-on' | 'suspend' | 'drain'
  readonly format: 'canonical' | 'native'
  /** When it stops the job. */
  readonly successor: PlannedSuccessor
  /** Their times and steps count from the moment in which it is asked for. */
  readonly faults: readonly PlannedFault[]
}

/** Of the seeds. */
const SHARE = 0.25
const COUNT_MAX = 3
/** Ids of other faults are smaller. */
const FIRST_FAULT_ID = 1000

/** From the record of a stop that begins to the tasks that finish. */
const STEPS: readonly string[] = [
  'store putIf',
  'store putIf done',
  'call TriggerCheckpoint',
  'call TriggerCheckpoint answered',
  'file append',
  'file sync',
  'call AcknowledgeCheckpoint',
  'call AcknowledgeCheckpoint answered',
  'file _metadata',
  'file change',
  'call NotifyCheckpoint',
  'call NotifyCheckpoint answered',
  'kafka endTxn',
  'kafka endTxn done',
  'call FinishTasks',
]
const CLASSES: readonly FaultClass[] = [
  ...(['jobmanager-kill', 'jobmanager-kill', 'taskmanager-kill', 'slot-kill'] as const),
  ...(['machine-crash', 'jobmanager-pause', 'store-false-error', 'write-error'] as const),
]

export interface SavepointDraw {
  readonly workload: Workload
  readonly families: readonly FaultFamily[]
  readonly without: ReadonlySet<FaultClass>
  readonly phaseMs: number
}

export function drawSavepoints(random: SeededRandom, draw: SavepointDraw): PlannedSavepoint[] {
  const { workload, phaseMs } = draw
  // A stop that is given up starts all pipelines anew, which no failure may.
  if (!random.chance(SHARE) || workload.beside !== undefined) return []
  const classes = CLASSES.filter((each) => isDrawn(each, draw))
  return Array.from({ length: random.between(1, COUNT_MAX) }, (_, number) => ({
    // One that is bounded has soon read all.
    atMs: random.between(workload.bounded ? 150 : 300, workload.bounded ? 2000 : phaseMs),
    after: random.pick(waysOf(workload)),
    format: random.pick(['canonical', 'native'] as const),
    successor: {
      parallelism: random.between(1, workload.parallelism),
      claims: random.chance(0.5),
      backend: random.pick([null, 'hashmap', 'rocksdb']),
    },
    faults: drawFaultsAtSteps(random, classes, FIRST_FAULT_ID + 10 * number),
  })).sort((a, b) => a.atMs - b.atMs)
}

/** Drained, windows fire early, and show what they have seen by then. */
function waysOf({ query }: Workload): readonly PlannedSavepoint['after'][] {
  const hasWindows = [...queries(query)].some(({ kind }) => kind === 'window')
  return hasWindows
    ? ['go-on', 'suspend', 'suspend']
    : ['go-on', 'go-on', 'suspend', 'suspend', 'drain', 'drain']
}

function isDrawn(each: FaultClass, { families, without }: SavepointDraw): boolean {
  const ofFamilies = families.some((family) =>
    (FAULT_FAMILIES[family] as readonly FaultClass[]).includes(each),
  )
  return ofFamilies && !without.has(each)
}

function drawFaultsAtSteps(
  random: SeededRandom,
  classes: readonly FaultClass[],
  firstId: number,
): PlannedFault[] {
  const count = classes.length === 0 ? 0 : random.pick([0, 1, 1, 2])
  return Array.from({ length: count }, (_, number) => ({
    id: firstId + number,
    class: random.pick(classes),
    moment: {
      kind: 'step',
      step: random.pick(STEPS),
      occurrence: 1 + Math.floor(random.exponential(2)),
    },
    target: random.next(),
    durationMs: random.between(20, random.pick([300, 2000, 8000])),
    amount: random.next(),
  }))
}
