/**
 * Draws a run's faults from its seed. Each run has a few classes of its own (swarm testing: a
 * run with every fault at once hides what two of them do together), some at a moment in time,
 * some at a named step.
 */
import type { SeededRandom } from '../world/seeded-random.ts'
import {
  FAULT_FAMILIES,
  type FaultClass,
  type FaultFamily,
  type FaultMoment,
  type PlannedFault,
} from './fault.ts'

/** Steps at which something is half done. Named by the simulated transports, disks and clients. */
const STEPS: readonly string[] = [
  'call DeployTasks',
  'call DeployTasks answered',
  'call RequestSlot',
  'call RequestSlot answered',
  'call FreeSlot',
  'call CancelTasks',
  'call CancelTasks answered',
  'call FinishTasks',
  'call TriggerCheckpoint',
  'call TriggerCheckpoint answered',
  'call NotifyCheckpoint',
  'call NotifyCheckpoint answered',
  'call AcknowledgeCheckpoint',
  'call AcknowledgeCheckpoint answered',
  'call RegisterTaskManager',
  'call UpdateTaskState',
  'call OperatorEvent',
  'call OperatorEvent answered',
  'file append',
  'file sync',
  'file change',
  'file read',
  'file _metadata',
  'store putIf',
  'store putIf done',
  'store get',
  'kafka produce',
  'kafka produce done',
  'kafka initProducerId',
  'kafka initProducerId done',
  'kafka addPartitionsToTxn',
  'kafka addPartitionsToTxn done',
  'kafka endTxn',
  'kafka endTxn done',
  'kafka fetch done',
]

/**
 * How often a class is drawn in comparison: 2 when absent. More for those that not every run can
 * have, and for those that lie in wait and may meet nobody.
 */
const WEIGHTS: Readonly<Partial<Record<FaultClass, number>>> = {
  'taskmanager-kill': 1,
  'jobmanager-kill': 6,
  'jobmanager-pause': 6,
  'leader-isolation': 6,
  'taskmanager-pause': 4,
  'slot-pause': 4,
  partition: 4,
  'one-way-partition': 4,
  'broker-partition': 5,
  'connection-loss': 4,
  'slow-link': 2,
  'slow-machine': 3,
  'machine-crash': 3,
  'clock-jump': 2,
  'disk-full': 3,
  'disk-slow': 3,
  'read-error': 6,
  'corrupted-read': 34,
  'store-write-lost': 7,
  'store-false-error': 8,
  'store-late-write': 7,
  'store-read-error': 5,
  'store-partition': 5,
  'broker-down': 4,
  'broker-pause': 5,
  'leader-change': 4,
  'coordinator-move': 3,
  'request-fails-before': 11,
  'request-fails-during': 11,
  'request-fails-after': 10,
  'request-refused': 10,
  'request-unsure': 14,
  'broker-slow': 12,
  'slow-markers': 20,
  'transaction-timeout': 21,
  'transactional-id-forgotten': 8,
  'write-error': 3,
  retention: 6,
  'local-disk-full': 9,
  'local-read-error': 9,
  'local-damage': 9,
  'local-disk-lost': 9,
  'retention-overtakes': 21,
  'topic-made-anew': 10,
  'transaction-expires': 21,
}
const WEIGHT = 2

/** Steps at which a class meets somebody, or soon after when it lies in wait. */
const OWN_STEPS: Readonly<Partial<Record<FaultClass, readonly string[]>>> = {
  'disk-full': ['call TriggerCheckpoint', 'file append'],
  'disk-slow': ['call TriggerCheckpoint', 'file sync'],
  'write-error': ['call TriggerCheckpoint', 'file append', 'file sync'],
  'read-error': ['file read', 'call DeployTasks', 'call CancelTasks'],
  'corrupted-read': ['file read', 'call DeployTasks', 'call CancelTasks'],
  'local-disk-full': ['local append', 'call TriggerCheckpoint'],
  'local-read-error': ['local read', 'call TriggerCheckpoint'],
  'local-damage': ['local read', 'call TriggerCheckpoint'],
  'local-disk-lost': ['local append', 'local read'],
  'request-fails-before': ['kafka produce', 'kafka initProducerId', 'kafka endTxn'],
  'request-fails-during': ['kafka produce', 'kafka initProducerId', 'kafka endTxn'],
  'request-fails-after': ['kafka produce', 'kafka initProducerId', 'kafka endTxn'],
  'request-refused': ['kafka produce', 'kafka initProducerId', 'kafka endTxn'],
  'request-unsure': ['kafka produce', 'kafka initProducerId', 'kafka endTxn'],
  'slow-markers': ['kafka produce', 'kafka endTxn'],
  'transaction-timeout': ['kafka initProducerId', 'call TriggerCheckpoint'],
  'transactional-id-forgotten': ['call CancelTasks', 'kafka endTxn done', 'call DeployTasks'],
  'retention-overtakes': ['call TriggerCheckpoint', 'kafka fetch done', 'call CancelTasks'],
  'topic-made-anew': ['call TriggerCheckpoint', 'kafka fetch done', 'call CancelTasks'],
  'transaction-expires': ['call AcknowledgeCheckpoint', 'call NotifyCheckpoint', 'kafka endTxn'],
}

/** What a class needs to happen before it meets anybody: state is read when a task starts again. */
const COMPANIONS: Readonly<Partial<Record<FaultClass, FaultClass>>> = {
  'read-error': 'slot-kill',
  'corrupted-read': 'taskmanager-kill',
  'transactional-id-forgotten': 'taskmanager-kill',
  'retention-overtakes': 'taskmanager-kill',
}

/** Beyond the heartbeat timeout and the lease. */
const LONG_MS = [6000, 14_000] as const
type Duration = readonly [number, number]
const DURATIONS_MS: readonly Duration[] = [[20, 300], [300, 2000], LONG_MS]
/** Of those that lie in wait. */
const WAITING_DURATIONS_MS: readonly Duration[] = [[300, 2000], [2000, 6000], LONG_MS]
/** Mostly long: before the lease has run out nobody else leads. */
const LEADER_DURATIONS_MS: readonly Duration[] = [[300, 2000], LONG_MS, LONG_MS]
const LEADER_CLASSES: readonly FaultClass[] = ['jobmanager-pause', 'leader-isolation']
const LYING_IN_WAIT: readonly FaultClass[] = [
  ...FAULT_FAMILIES.disk,
  ...FAULT_FAMILIES.store,
  ...(Object.keys(OWN_STEPS) as FaultClass[]),
  'broker-slow',
]

/** Of one run: with all of them at once, one hides what another does. */
const CLASSES_MAX = 7

export interface FaultDraw {
  readonly families: readonly FaultFamily[]
  /** Classes that make no sense in this run. */
  readonly without: ReadonlySet<FaultClass>
  /** Length of the phase with faults. */
  readonly phaseMs: number
  readonly countMax: number
  /** 1 when absent. */
  readonly countMin?: number
}

export function drawFaults(random: SeededRandom, draw: FaultDraw): PlannedFault[] {
  const classes = drawClasses(random, draw)
  if (classes.length === 0) return []
  const count = random.between(draw.countMin ?? 1, draw.countMax)
  return Array.from({ length: count }, (_, id) => {
    const chosen = random.pick(classes)
    const [shortest, longest] = random.pick(durationsOf(chosen))
    return {
      id,
      class: chosen,
      moment: drawMoment(random, chosen, draw.phaseMs),
      target: random.next(),
      durationMs: random.between(shortest, longest),
      amount: random.next(),
    }
  })
}

/**
 * The classes of this run; one that is there twice comes more often. Each arrives in its own
 * stream, and the first few make the run: a class that is new, or has another weight, leaves
 * the runs as they are in which it is not among them. So a seed that found a bug mostly
 * keeps its faults.
 */
function drawClasses(random: SeededRandom, draw: FaultDraw): readonly FaultClass[] {
  const possible = draw.families
    .flatMap((family): readonly FaultClass[] => FAULT_FAMILIES[family])
    .filter((each) => !draw.without.has(each))
  if (possible.length === 0) return []
  const count = random.between(1, CLASSES_MAX)
  const classes = possible
    .flatMap((each) => arrivalsOf(random.split(each), each, count))
    .sort((a, b) => a.at - b.at)
    .slice(0, count)
    .map((arrival) => arrival.class)
  const companions = classes.flatMap((each) => COMPANIONS[each] ?? [])
  return [...classes, ...companions.filter((each) => possible.includes(each))]
}

/** Of a Poisson process whose rate is the class's weight. */
function arrivalsOf(random: SeededRandom, each: FaultClass, count: number) {
  const between = 1 / (WEIGHTS[each] ?? WEIGHT)
  let at = 0
  return Array.from({ length: count }, () => ({
    class: each,
    at: (at += random.exponential(between)),
  }))
}

function durationsOf(each: FaultClass): readonly Duration[] {
  if (LEADER_CLASSES.includes(each)) return LEADER_DURATIONS_MS
  // Few files are read, and only when a task starts again.
  if (each === 'corrupted-read') return [LONG_MS]
  return LYING_IN_WAIT.includes(each) ? WAITING_DURATIONS_MS : DURATIONS_MS
}

function drawMoment(random: SeededRandom, each: FaultClass, phaseMs: number): FaultMoment {
  if (random.chance(0.5)) return { kind: 'time', atMs: random.between(0, phaseMs) }
  const own = OWN_STEPS[each]
  const steps = own !== undefined && random.chance(0.7) ? own : STEPS
  const occurrence = 1 + Math.floor(random.exponential(6))
  return { kind: 'step', step: random.pick(steps), occurrence }
}
