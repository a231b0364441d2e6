/**
 * What expressions are evaluated with in a subtask: the shape of their input, the clock, the zone.
 */
import type { OperatorContext, Schema } from '@millrace/core'

/** Declared by `sql`, which checks it; read here as it is. */
const LOCAL_TIME_ZONE_KEY = 'table.local-time-zone'

export interface EvaluationSettings {
  readonly inputSchema: Schema
  readonly nowMs: () => number
  readonly localTimeZone: string
}

export function evaluationSettings(
  inputSchema: Schema,
  context: OperatorContext,
): EvaluationSettings {
  const zone = context.configuration.getRaw(LOCAL_TIME_ZONE_KEY) ?? 'default'
  return {
    inputSchema,
    nowMs: () => context.nowMs(),
    localTimeZone: zone === 'default' ? 'UTC' : zone,
  }
}
