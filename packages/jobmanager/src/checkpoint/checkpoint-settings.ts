/** A job's checkpoint settings, read once from its configuration. */
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
  /** Null: savepoints alone are taken. */
  readonly intervalMs: number | null
  readonly mode: 'exactly-once' | 'at-least-once'
  /** Barriers overtake rows, once they have not got through for so long; null: never. */
  readonly unalignedAfterMs: number | null
  readonly timeoutMs: number
  readonly minPauseMs: number
  readonly maxConcurrent: number
  readonly tolerableFailures: number
  /** Also once a task is at the end of its input, and when all are. */
  readonly afterTasksFinish: boolean
  readonly retained: number
  readonly incremental: boolean
  readonly retention: ExternalizedRetention
}

/** Throws CONFIG_VALUE_INVALID, CHECKPOINTING_CONFLICT. */
export function checkpointSettingsOf(configuration: Configuration): CheckpointSettings {
  const mode = configuration.get(Options.mode) === 'EXACTLY_ONCE' ? 'exactly-once' : 'at-least-once'
  return {
    intervalMs: configuration.get(Options.interval) || null,
    mode,
    unalignedAfterMs: unalignedAfter(configuration, mode),
    timeoutMs: configuration.get(Options.timeout),
    minPauseMs: configuration.get(Options.minPause),
    maxConcurrent: Math.max(1, configuration.get(Options.maxConcurrent)),
    tolerableFailures: configuration.get(Options.tolerableFailed),
    afterTasksFinish: configuration.get(Options.afterTasksFinish),
    retained: configuration.get(CHECKPOINTS_RETAINED),
    incremental: configuration.get(INCREMENTAL_CHECKPOINTS),
    retention: configuration.get(EXTERNALIZED_RETENTION) as ExternalizedRetention,
  }
}

/** Without exactly-once no barrier is waited for anyway. */
function unalignedAfter(
  configuration: Configuration,
  mode: CheckpointSettings['mode'],
): number | null {
  if (!configuration.get(Options.unalignedEnabled) || mode !== 'exactly-once') return null
  const concurrent = configuration.get(Options.maxConcurrent)
  if (concurrent > 1) {
    throw jobManagerError(
      'CHECKPOINTING_CONFLICT',
      `Set '${Options.maxConcurrent.key}' to 1 with '${Options.unalignedEnabled.key}'; it is ${concurrent}.`,
      {
        hint: 'A barrier that overtakes rows would take those of an earlier checkpoint along.',
        location: { optionKey: Options.maxConcurrent.key },
      },
    )
  }
  return configuration.get(Options.alignedTimeout)
}
