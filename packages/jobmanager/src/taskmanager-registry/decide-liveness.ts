/** Whether a TaskManager is still there: a pure decision over what was heard of it. */
export interface LivenessFacts {
  readonly sinceLastHeartbeatMs: number
  /** Failed heartbeat calls in a row. */
  readonly rpcFailures: number
}

export interface LivenessLimits {
  readonly timeoutMs: number
  /** -1: call failures do not count. */
  readonly rpcFailureThreshold: number
}

/** Null: alive; else why it counts as lost. */
export function decideLiveness(facts: LivenessFacts, limits: LivenessLimits): string | null {
  if (facts.sinceLastHeartbeatMs >= limits.timeoutMs) {
    return `it has been silent for ${Math.round(facts.sinceLastHeartbeatMs / 1000)} s (heartbeat.timeout is ${limits.timeoutMs / 1000} s)`
  }
  if (limits.rpcFailureThreshold >= 0 && facts.rpcFailures >= limits.rpcFailureThreshold) {
    return `${facts.rpcFailures} heartbeat calls in a row failed`
  }
  return null
}
