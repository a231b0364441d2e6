/**
 * What an expression may ask of its surroundings; everything else about it is in its
 * tree and its row.
 */
export interface EvaluationContext {
  /** Processing time, epoch ms: CURRENT_TIMESTAMP, PROCTIME() … */
  nowMs(): number
  /** `table.local-time-zone`: how TIMESTAMP_LTZ is cast, split into parts and shown. */
  readonly localTimeZone: string
}

/** For expressions that are known to be deterministic: the clock stands at 0, the zone is UTC. */
export const CONSTANT_CONTEXT: EvaluationContext = { nowMs: () => 0, localTimeZone: 'UTC' }
