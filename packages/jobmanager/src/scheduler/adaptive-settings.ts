/** How a job adapts itself to the slots that there are, from its options; whether it does. */
import type { Configuration } from '@millrace/core'
import { CheckpointingOptions, SchedulerOptions } from '../jobmanager-options.ts'

/** Times in ms. */
export interface AdaptiveSettings {
  /** It takes every slot that there is, whatever parallelism was asked for. */
  readonly isReactive: boolean
  /** Null: it waits without end. */
  readonly waitMs: number | null
  readonly startStabilizationMs: number
  readonly cooldownMs: number
  readonly growthStabilizationMs: number
  readonly trigger: RescaleTriggerSettings
}

/** What a rescale waits for. */
export interface RescaleTriggerSettings {
  /** So many checkpoints that fail in a row end the wait. */
  readonly failuresMax: number
  /** And so does that time. */
  readonly delayMs: number
  /** A checkpoint is taken for it. */
  readonly takesOne: boolean
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
    trigger: triggerSettingsOf(configuration),
  }
}

function triggerSettingsOf(configuration: Configuration): RescaleTriggerSettings {
  const { triggerFailures, triggerDelay, triggerTakesCheckpoint } = SchedulerOptions
  const failuresMax = configuration.get(triggerFailures)
  const intervalMs = configuration.get(CheckpointingOptions.interval) ?? 0
  return {
    failuresMax,
    delayMs: configuration.get(triggerDelay) ?? intervalMs * (failuresMax + 1),
    takesOne: configuration.get(triggerTakesCheckpoint),
  }
}
