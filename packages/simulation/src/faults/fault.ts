/**
 * Faults as plain data: which, when, on whom, for how long. A run's list of them can be printed,
 * repeated and shrunk.
 */

/** Families, as `--faults` names them, with what belongs to each. */
export const FAULT_FAMILIES = {
  kill: ['taskmanager-kill', 'slot-kill', 'machine-crash', 'task-failure'],
  jobmanager: ['jobmanager-kill', 'jobmanager-pause', 'leader-isolation'],
  pause: ['taskmanager-pause', 'slot-pause'],
  partition: ['partition', 'one-way-partition', 'broker-partition'],
  connection: ['connection-loss', 'slow-link', 'slow-machine'],
  clock: ['clock-jump'],
  disk: [
    'disk-full',
    'disk-slow',
    'read-error',
    'write-error',
    'corrupted-read',
    'local-disk-full',
    'local-read-error',
    'local-damage',
    'local-disk-lost',
  ],
  store: [
    'store-write-lost',
    'store-false-error',
    'store-late-write',
    'store-read-error',
    'store-partition',
  ],
  broker: [
    'broker-down',
    'broker-pause',
    'leader-change',
    'coordinator-move',
    'request-fails-before',
    'request-fails-during',
    'request-fails-after',
    'request-refused',
    'request-unsure',
    'broker-slow',
    'slow-markers',
    'transaction-timeout',
    'transactional-id-forgotten',
    'retention',
  ],
  /**
   * They take what the job may still need: it comes right all the same, or it ends by the
   * name of the loss.
   */
  loss: ['retention-overtakes', 'topic-made-anew', 'transaction-expires'],
} as const

export type FaultFamily = keyof typeof FAULT_FAMILIES
export type FaultClass = (typeof FAULT_FAMILIES)[FaultFamily][number]

export const FAULT_CLASSES: readonly FaultClass[] = Object.values(FAULT_FAMILIES).flat()

export type FaultMoment =
  /** Simulated time since the job was submitted. */
  | { readonly kind: 'time'; readonly atMs: number }
  /**
   * When code reaches a named step for the n-th time, the process that reached it being the target.
   */
  | { readonly kind: 'step'; readonly step: string; readonly occurrence: number }

export interface PlannedFault {
  readonly id: number
  readonly class: FaultClass
  readonly moment: FaultMoment
  /** Chooses among the possible targets: in [0, 1). */
  readonly target: number
  readonly durationMs: number
  /** How much: a factor, milliseconds, requests; its meaning is the class's. */
  readonly amount: number
}

/** One line for people. */
export function describeFault(fault: PlannedFault): string {
  const { moment } = fault
  const when =
    moment.kind === 'time'
      ? `at ${moment.atMs} ms`
      : `at '${moment.step}' number ${moment.occurrence}`
  return `#${fault.id} ${fault.class} ${when} for ${fault.durationMs} ms`
}
