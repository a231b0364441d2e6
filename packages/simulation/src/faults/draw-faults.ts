/**
 * Draws a run's faults from its seed. Each run has a few classes of its own (swarm testing: a run with every
 * fault at once hides what two of them do together), some at a moment in time, some at a named step.
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

const RARE_FAMILIES: readonly FaultFamily[] = ['jobmanager', 'store']

const DURATIONS_MS: readonly (readonly [number, number])[] = [
  [20, 300],
  [300, 2000],
  // Beyond the heartbeat timeout.
  [6000, 14_000],
]

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
  const possible = draw.families
    .flatMap((family): readonly FaultClass[] =>
      // Not every run can have these; those that can have them more often.
      RARE_FAMILIES.includes(family)
        ? [...FAULT_FAMILIES[family], ...FAULT_FAMILIES[family]]
        : FAULT_FAMILIES[family],
    )
    .filter((each) => !draw.without.has(each))
  if (possible.length === 0) return []
  const classes = random
    .shuffled(possible)
    .slice(0, random.between(1, Math.min(5, possible.length)))
  const count = random.between(draw.countMin ?? 1, draw.countMax)
  return Array.from({ length: count }, (_, id) => {
    const [shortest, longest] = random.pick(DURATIONS_MS)
    return {
      id,
      class: random.pick(classes),
      moment: drawMoment(random, draw.phaseMs),
      target: random.next(),
      durationMs: random.between(shortest, longest),
      amount: random.next(),
    }
  })
}

function drawMoment(random: SeededRandom, phaseMs: number): FaultMoment {
  if (random.chance(0.5)) return { kind: 'time', atMs: random.between(0, phaseMs) }
  const occurrence = 1 + Math.floor(random.exponential(6))
  return { kind: 'step', step: random.pick(STEPS), occurrence }
}
