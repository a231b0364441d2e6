/**
 * Faults of processes: killed and started again, paused and waking up late, slow, with a
 * clock that jumps.
 */
import type { SimulatedCluster } from '../cluster/simulated-cluster.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { FaultClass, PlannedFault } from './fault.ts'
import type { ApplyFault } from './fault-engine.ts'

export interface ProcessFaultParts {
  readonly cluster: SimulatedCluster
  /** The machine loses what was not synced. */
  crashDisk(process: SimulatedProcess): void
}

const SKEW_MS_MAX = 3_600_000
const SLOWNESS_MAX = 40

export function processFaults(parts: ProcessFaultParts): [FaultClass, ApplyFault][] {
  const { cluster } = parts
  const taskManagers = () => [...cluster.taskManagers.values()].map(({ process }) => process)
  const jobManagers = () => [...cluster.jobManagers.values()].map(({ process }) => process)
  const slots = () => taskManagers().flatMap(({ children }) => children)
  const all = () => [...jobManagers(), ...taskManagers()]
  const paused = (candidates: () => SimulatedProcess[]): ApplyFault => {
    return (fault, reached) => {
      const process = choose(
        candidates().filter((each) => !each.paused),
        fault,
        reached,
      )
      if (process === null) return null
      process.pause()
      return { about: process.name, end: () => process.resume() }
    }
  }
  return [
    ['taskmanager-kill', killed(taskManagers, (host) => cluster.startTaskManager(host))],
    ['jobmanager-kill', killed(jobManagers, (host) => cluster.startJobManager(host))],
    [
      'machine-crash',
      killed(taskManagers, (host) => cluster.startTaskManager(host), parts.crashDisk),
    ],
    ['slot-kill', killed(slots, () => {})],
    ['taskmanager-pause', paused(taskManagers)],
    ['jobmanager-pause', paused(jobManagers)],
    ['slot-pause', paused(slots)],
    ['slow-machine', (fault, reached) => slowed(choose(all(), fault, reached), fault)],
    ['clock-jump', (fault, reached) => jumped(choose(all(), fault, reached), fault)],
  ]
}

/**
 * The process at whose step the fault was due, when it is a candidate; else one by the
 * fault's number.
 */
export function choose(
  candidates: readonly SimulatedProcess[],
  fault: PlannedFault,
  reached: SimulatedProcess | null,
): SimulatedProcess | null {
  const living = candidates.filter((process) => process.alive)
  for (let at = reached; at !== null; at = at.parent) if (living.includes(at)) return at
  return living[Math.floor(fault.target * living.length)] ?? null
}

function killed(
  candidates: () => SimulatedProcess[],
  restart: (host: string) => void,
  before: (process: SimulatedProcess) => void = () => {},
): ApplyFault {
  return (fault, reached) => {
    const process = choose(candidates(), fault, reached)
    if (process === null) return null
    before(process)
    process.kill()
    return { about: process.name, end: () => restart(process.host) }
  }
}

function slowed(process: SimulatedProcess | null, fault: PlannedFault) {
  if (process === null) return null
  const before = process.slowness
  process.slowness = 1 + fault.amount * SLOWNESS_MAX
  const about = `${process.name} ${process.slowness.toFixed(1)} times`
  return { about, end: () => void (process.slowness = before) }
}

/** Wall time jumps and stays; the monotonic clock does not. */
function jumped(process: SimulatedProcess | null, fault: PlannedFault) {
  if (process === null) return null
  const jumpMs = Math.round((fault.amount - 0.5) * 2 * SKEW_MS_MAX)
  process.wallSkewMs += jumpMs
  return { about: `${process.name} by ${jumpMs} ms`, end: () => {} }
}
