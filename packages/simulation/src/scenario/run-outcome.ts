/** What a run shows in the end: plain data that crosses threads. */
import type { Violation } from '../checkers/violation.ts'

export interface SeedOutcome {
  readonly seed: number
  readonly violations: readonly Violation[]
  /** Of the whole log: the same commit and seed give the same. */
  readonly digest: string
  readonly events: number
  readonly simulatedMs: number
  /** Faults that struck, by class. */
  readonly hits: Readonly<Record<string, number>>
  /** How often each checker compared something. */
  readonly checks: Readonly<Record<string, number>>
  /** What was drawn, for people: job, cluster, input. */
  readonly shape: readonly string[]
  /** The faults that struck, in order, for people. */
  readonly faults: readonly string[]
}
