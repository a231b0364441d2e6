/** A job's checkpoint settings, read once from its configuration; null when checkpoints are off. */
import type { Configuration } from '@millrace/core'
import {
  CHECKPOINTS_RETAINED,
  EXTERNALIZED_RETENTION,
  type ExternalizedRetention,
  INCREMENTAL_CHECKPOINTS,
} from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import { CheckpointingOptions as Options } from '../jobmanager-options.ts'

export interface CheckpointSettings {
  readonly intervalMs: number
  readonly mode: 'exactly-once' | 'at-least-once'
  readonly timeoutMs: number
  readonly minPauseMs: number
  readonly maxConcurrent: number
  readonly tolerableFailures: number
  readonly retained: number
  readonly incremental: boolean
  readonly retention: ExternalizedRetention
}

/** Throws CONFIG_VALUE_INVALID and NOT_SUPPORTED_YET. */
export function checkpointSettingsOf(configuration: Configuration): CheckpointSettings | null {
  if (configuration.get(Options.unalignedEnabled)) {
    throw jobManagerError('NOT_SUPPORTED_YET', 'Not supported yet: unaligned checkpoints.', {
      hint: `Remove '${Options.unalignedEnabled.key}' from the job's configuration.`,
      location: { optionKey: Options.unalignedEnabled.key },
    })
  }
  const intervalMs = configuration.get(Options.interval)
  if (intervalMs === undefined || intervalMs <= 0) return null
  return {
    intervalMs,
    mode: configuration.get(Options.mode) === 'EXACTLY_ONCE' ? 'exactly-once' : 'at-least-once',
    timeoutMs: configuration.get(Options.timeout),
    minPauseMs: configuration.get(Options.minPause),
    maxConcurrent: Math.max(1, configuration.get(Options.maxConcurrent)),
    tolerableFailures: configuration.get(Options.tolerableFailed),
    retained: configuration.get(CHECKPOINTS_RETAINED),
    incremental: configuration.get(INCREMENTAL_CHECKPOINTS),
    retention: configuration.get(EXTERNALIZED_RETENTION) as ExternalizedRetention,
  }
}
