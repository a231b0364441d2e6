/**
 * Jobs that follow the slots that there are: how they wait for them, and TaskManagers that go for
 * longer than such a job waits.
 *
 * Drawn in a stream of its own: all other runs stay as they are.
 */
import type { PlannedFault } from '../faults/fault.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

/** Of the seeds. */
const ADAPTIVE_SHARE = 0.2
/** Of those. */
const REACTIVE_SHARE = 0.35
const DEPARTURES_MAX = 4
/** Longer than it takes to notice, to settle and to begin again. */
const ABSENCE_MS = [3000, 15_000] as const
const KEYS = 'jobmanager.adaptive-scheduler'

export interface Adaptation {
  /** It takes every slot, and nobody asks for a parallelism. */
  readonly isReactive: boolean
  readonly properties: Readonly<Record<string, string>>
  readonly departures: readonly PlannedFault[]
}

const NONE: Adaptation = { isReactive: false, properties: {}, departures: [] }

/** What a rescale waits for. */
function drawTrigger(random: SeededRandom): Record<string, string> {
  const delayMs = random.pick([null, null, 0, 200, 3000])
  return {
    [`${KEYS}.rescale-trigger.max-checkpoint-failures`]: String(random.between(1, 3)),
    [`${KEYS}.rescale-trigger.active-checkpoint.enabled`]: String(random.chance(0.6)),
    ...(delayMs === null ? {} : { [`${KEYS}.rescale-trigger.max-delay`]: `${delayMs} ms` }),
  }
}

/** `mayKill`: TaskManagers may go. `firstId`: of the faults that these are. */
export function drawAdaptation(
  random: SeededRandom,
  draw: { readonly phaseMs: number; readonly mayKill: boolean; readonly firstId: number },
): Adaptation {
  if (!random.chance(ADAPTIVE_SHARE)) return NONE
  const isReactive = random.chance(REACTIVE_SHARE)
  const properties = {
    ...(isReactive ? { 'scheduler-mode': 'reactive' } : { 'jobmanager.scheduler': 'adaptive' }),
    [`${KEYS}.submission.resource-wait-timeout`]: '10 min',
    [`${KEYS}.submission.resource-stabilization-timeout`]: `${random.pick([0, 200, 1500])} ms`,
    [`${KEYS}.executing.cooldown-after-rescaling`]: `${random.pick([0, 300, 2000])} ms`,
    [`${KEYS}.executing.resource-stabilization-timeout`]: `${random.pick([0, 500, 3000])} ms`,
    ...drawTrigger(random.split('rescale trigger')),
  }
  const count = draw.mayKill ? random.between(1, DEPARTURES_MAX) : 0
  const departures = Array.from({ length: count }, (_, i): PlannedFault => {
    return {
      id: draw.firstId + i,
      class: 'taskmanager-kill',
      moment: { kind: 'time', atMs: random.between(300, draw.phaseMs) },
      target: random.next(),
      durationMs: random.between(...ABSENCE_MS),
      amount: 0,
    }
  })
  return { isReactive, properties, departures }
}
