/** How a job adapts itself to the slots that there are, from its options; whether it does. */
import type { Configuration } from '@millrace/core'
import { SchedulerOptions } from '../jobmanager-options.ts'

/** Times in ms. */
export interface AdaptiveSettings {
  /** It takes every slot that there is, whatever parallelism was asked for. */
  readonly isReactive: boolean
  /** Null: it waits without end. */
  readonly waitMs: number | null
  readonly startStabilizationMs: number
  readonly cooldownMs: number
  readonly growthStabilizationMs: number
}

/** Null: each round has the parallelism that was asked for. */
export function adaptiveSettingsOf(configuration: Configuration): AdaptiveSettings | null {
  const isReactive = configuration.get(SchedulerOptions.mode) === 'reactive'
  if (!isReactive && configuration.get(SchedulerOptions.scheduler) !== 'adaptive') return null
  const { waitTimeout, startStabilization, cooldown, growthStabilization } = SchedulerOptions
  // In reactive mode these two have other defaults, as in the reference engine.
  const isOpen = isReactive && !configuration.has(waitTimeout)
  const isEager = isReactive && !configuration.has(startStabilization)
  const waitMs = configuration.get(waitTimeout)
  return {
    isReactive,
    waitMs: isOpen || waitMs < 0 ? null : waitMs,
    startStabilizationMs: isEager ? 0 : configuration.get(startStabilization),
    cooldownMs: configuration.get(cooldown),
    growthStabilizationMs: configuration.get(growthStabilization),
  }
}
