/**
 * Restart strategies: whether and when a failed job starts again. Pure: settings and history in,
 * decision and new history out.
 *
 * Names, keys and defaults are the reference engine's; without `restart-strategy.type` it is
 * exponential-delay when checkpoints are on, none otherwise.
 */
import type { Configuration } from '@millrace/core'
import { RestartStrategyOptions as Options } from '../jobmanager-options.ts'

export type RestartSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed-delay'; readonly attempts: number; readonly delayMs: number }
  | {
      readonly kind: 'failure-rate'
      readonly failuresMax: number
      readonly intervalMs: number
      readonly delayMs: number
    }
  | {
      readonly kind: 'exponential-delay'
      readonly initialMs: number
      readonly maxMs: number
      readonly multiplier: number
      readonly resetThresholdMs: number
      readonly jitter: number
      /** Infinity: no limit. */
      readonly attemptsMax: number
    }

export interface RestartHistory {
  /** Restarts since the start, or since the backoff was reset. */
  readonly restarts: number
  /** Times (monotonic) of failures that still count for failure-rate. */
  readonly failuresMs: readonly number[]
  /** Backoff of the last restart; 0 before the first. */
  readonly backoffMs: number
  readonly lastFailureMs: number
}

export const NO_RESTARTS: RestartHistory = {
  restarts: 0,
  failuresMs: [],
  backoffMs: 0,
  lastFailureMs: Number.NEGATIVE_INFINITY,
}

export type RestartDecision =
  | { readonly restart: true; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly restart: false; readonly reason: string }

export function restartSettingsOf(
  configuration: Configuration,
  checkpointing: boolean,
): RestartSettings {
  const type = configuration.get(Options.type) ?? (checkpointing ? 'exponential-delay' : 'none')
  switch (type) {
    case 'fixed-delay':
    case 'fixeddelay':
      return {
        kind: 'fixed-delay',
        attempts: configuration.get(Options.fixedDelayAttempts),
        delayMs: configuration.get(Options.fixedDelayDelay),
      }
    case 'failure-rate':
    case 'failurerate':
      return {
        kind: 'failure-rate',
        failuresMax: configuration.get(Options.failureRateMax),
        intervalMs: configuration.get(Options.failureRateInterval),
        delayMs: configuration.get(Options.failureRateDelay),
      }
    case 'exponential-delay':
    case 'exponentialdelay':
      return {
        kind: 'exponential-delay',
        initialMs: configuration.get(Options.exponentialInitialBackoff),
        maxMs: configuration.get(Options.exponentialMaxBackoff),
        multiplier: configuration.get(Options.exponentialMultiplier),
        resetThresholdMs: configuration.get(Options.exponentialResetThreshold),
        jitter: configuration.get(Options.exponentialJitter),
        attemptsMax: configuration.get(Options.exponentialAttemptsMax) ?? Number.POSITIVE_INFINITY,
      }
    default:
      return { kind: 'none' }
  }
}

/** `random`: uniform in [0, 1), for the jitter. */
export function decideRestart(
  settings: RestartSettings,
  history: RestartHistory,
  nowMs: number,
  random: number,
): RestartDecision {
  const next = { ...history, restarts: history.restarts + 1, lastFailureMs: nowMs }
  switch (settings.kind) {
    case 'none':
      return { restart: false, reason: 'restart-strategy.type is none' }
    case 'fixed-delay':
      if (history.restarts >= settings.attempts) {
        return {
          restart: false,
          reason: `all ${settings.attempts} restarts of fixed-delay are used up`,
        }
      }
      return { restart: true, delayMs: settings.delayMs, history: next }
    case 'failure-rate': {
      const failuresMs = [...history.failuresMs, nowMs].filter(
        (failureMs) => nowMs - failureMs < settings.intervalMs,
      )
      if (failuresMs.length > settings.failuresMax) {
        return {
          restart: false,
          reason: `${failuresMs.length} failures within ${settings.intervalMs / 1000} s exceed failure-rate's ${settings.failuresMax}`,
        }
      }
      return { restart: true, delayMs: settings.delayMs, history: { ...next, failuresMs } }
    }
    case 'exponential-delay': {
      const calm = nowMs - history.lastFailureMs - history.backoffMs
      const reset = calm >= settings.resetThresholdMs
      const restarts = reset ? 1 : next.restarts
      if (restarts > settings.attemptsMax) {
        return {
          restart: false,
          reason: `all ${settings.attemptsMax} restarts of exponential-delay are used up`,
        }
      }
      const backoffMs =
        reset || history.backoffMs === 0
          ? settings.initialMs
          : Math.min(history.backoffMs * settings.multiplier, settings.maxMs)
      const delayMs = Math.max(0, Math.round(backoffMs * (1 + settings.jitter * (2 * random - 1))))
      return { restart: true, delayMs, history: { ...next, restarts, backoffMs } }
    }
  }
}
