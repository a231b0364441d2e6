/**
 * Faults that a run does not have: they strike nothing in it, or even a right job may give
 * something else after them. One rule for generated jobs and for users' own.
 */
import { FAULT_FAMILIES, type FaultClass } from './fault.ts'

export interface ExposedJob {
  readonly jobManagers: number
  /** Connectors that it reads with. */
  readonly sources: readonly string[]
  readonly sinks: readonly string[]
  /**
   * Whether the offsets that its group has committed are all that it needs. Not so of two sources
   * that read the same topic: they commit into one group, and each may be behind the other.
   */
  readonly needsCommittedOnly: boolean
  /** Whether a sink of it writes transactions into a broker. */
  readonly transactional: boolean
  /** Whether its state is on local disks. */
  readonly onLocalDisk: boolean
  /** Whether an output that breaks off can be judged: what is there is right, and there once. */
  readonly mayBreakOff: boolean
}

export function impossibleFaults(job: ExposedJob): Set<FaultClass> {
  const { sources, sinks } = job
  const { store, jobmanager, partition, pause, broker } = FAULT_FAMILIES
  const without = new Set<FaultClass>()
  const leaveOut = (...classes: readonly FaultClass[]): void => {
    for (const each of classes) without.add(each)
  }
  // Drawn with the pipeline whose tasks fail.
  leaveOut('task-failure')
  // Without high availability a job ends with its JobManager, and nothing uses the store.
  if (job.jobManagers === 1) leaveOut(...store, ...jobmanager)
  if (!job.onLocalDisk) {
    leaveOut('local-disk-full', 'local-read-error', 'local-damage', 'local-disk-lost')
  }
  // Input has no checksum: a reader cannot know that a bit of it was wrong.
  if (sources.includes('filesystem')) leaveOut('corrupted-read')
  if (![...sources, ...sinks].includes('kafka')) leaveOut('broker-partition', ...broker)
  if (!sources.includes('kafka') || !job.needsCommittedOnly) leaveOut('retention')
  if (!sources.includes('kafka') || !job.mayBreakOff) {
    leaveOut('retention-overtakes', 'topic-made-anew')
  }
  if (!job.transactional || !job.mayBreakOff) leaveOut('transaction-expires')
  if (!job.transactional) {
    leaveOut('transaction-timeout', 'transactional-id-forgotten', 'slow-markers')
  }
  // A zombie that prints late is nobody's fault: printing is not fenced.
  if (sinks.includes('print')) leaveOut(...partition, ...pause, ...jobmanager, ...store)
  return without
}
