/**
 * What a failure leads to: a pure decision over the error, the restart strategy and what the failed
 * tasks are connected to.
 *
 * Errors that repeat themselves (retry `never`, anywhere in the cause chain: a malformed record, a
 * wrong option) end the job at once.
 */
import type { ErrorData } from '@millrace/core'
import { decideRestart, type RestartHistory, type RestartSettings } from './restart-strategy.ts'

export interface FailoverFacts {
  readonly error: ErrorData
  /** Vertices whose tasks failed; empty: the failure is the whole job's. */
  readonly failedVertices: readonly string[]
  readonly regions: ReadonlyMap<string, readonly string[]>
  readonly strategy: 'region' | 'full'
  readonly settings: RestartSettings
  readonly history: RestartHistory
  readonly nowMs: number
  readonly random: number
}

export type FailoverDecision =
  | {
      readonly kind: 'restart'
      readonly vertices: ReadonlySet<string>
      readonly delayMs: number
      readonly history: RestartHistory
    }
  /** `reason` is null when the error itself forbids a restart. */
  | { readonly kind: 'fail'; readonly reason: string | null }

export function decideFailover(facts: FailoverFacts): FailoverDecision {
  if (neverRetry(facts.error)) return { kind: 'fail', reason: null }
  const decision = decideRestart(facts.settings, facts.history, facts.nowMs, facts.random)
  if (!decision.restart) return { kind: 'fail', reason: decision.reason }
  const whole = facts.strategy === 'full' || facts.failedVertices.length === 0
  const vertices = new Set(
    whole
      ? facts.regions.keys()
      : facts.failedVertices.flatMap((id) => facts.regions.get(id) as readonly string[]),
  )
  return { kind: 'restart', vertices, delayMs: decision.delayMs, history: decision.history }
}

export function neverRetry(error: ErrorData | undefined): boolean {
  for (let cause = error; cause !== undefined; cause = cause.cause) {
    if (cause.retry === 'never') return true
  }
  return false
}
