/**
 * How the job came back from one fault: a pure computation over what was observed, in wall time.
 *
 *     fault ──► detected ──► RUNNING ──► first new output ──► caught up
 *
 * Detected: the job leaves RUNNING, or the lease names another leader. A row counts as new
 * output only when it is read while the job runs again; a fault that nobody noticed is
 * measured from its end.
 */
export type Observed =
  | { readonly kind: 'leader'; readonly atMs: number; readonly epoch: number }
  | {
      readonly kind: 'state'
      readonly atMs: number
      readonly epoch: number
      readonly state: string
    }
  /** A row that a read_committed reader got; `lagMs` since its window could have fired. */
  | { readonly kind: 'output'; readonly atMs: number; readonly lagMs: number }

export interface FaultTimes {
  readonly beganMs: number
  /** When the fault itself was over; null: it is not yet. */
  readonly healedMs: number | null
}

export interface Recovery {
  readonly detectedMs: number | null
  /** Null with `detectedMs` set: not yet. */
  readonly runningMs: number | null
  readonly firstOutputMs: number | null
  readonly caughtUpMs: number | null
}

const NOTHING: Recovery = {
  detectedMs: null,
  runningMs: null,
  firstOutputMs: null,
  caughtUpMs: null,
}

/** `events` in order of time; `epoch` and RUNNING are what held when the fault began. */
export function recoveryOf(
  events: readonly Observed[],
  fault: FaultTimes,
  epochBefore: number,
  lagLimitMs: number,
): Recovery {
  let epoch = epochBefore
  let running = true
  let found = NOTHING
  const down = (atMs: number) => {
    running = false
    found = { ...NOTHING, detectedMs: found.detectedMs ?? atMs }
  }
  for (const event of events) {
    if (event.atMs < fault.beganMs) continue
    if (event.kind === 'leader') {
      if (event.epoch <= epoch) continue
      epoch = event.epoch
      down(event.atMs)
    } else if (event.kind === 'state') {
      if (event.epoch !== epoch) continue
      if (event.state !== 'RUNNING') down(event.atMs)
      else if (!running) {
        running = true
        found = { ...found, runningMs: event.atMs }
      }
    } else if (running && isNew(event.atMs, found, fault)) {
      const firstOutputMs = found.firstOutputMs ?? event.atMs
      const caughtUpMs = found.caughtUpMs ?? (event.lagMs <= lagLimitMs ? event.atMs : null)
      found = { ...found, firstOutputMs, caughtUpMs }
    }
  }
  return found
}

function isNew(atMs: number, found: Recovery, fault: FaultTimes): boolean {
  if (found.detectedMs !== null) return found.runningMs !== null && atMs >= found.runningMs
  return fault.healedMs !== null && atMs >= fault.healedMs
}
