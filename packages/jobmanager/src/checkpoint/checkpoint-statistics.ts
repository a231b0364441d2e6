/**
 * A job's checkpoints as REST shows them: counts, summary, latest, a bounded history. Outlives
 * restarts and the job's end.
 */

import { stateSizeOf } from '@millrace/core'
import type {
  CheckpointEntry,
  CheckpointSubtasksAnswer,
  CheckpointsAnswer,
  CheckpointTaskEntry,
  RestoredCheckpoint,
} from '@millrace/rest-api'
import type { CheckpointManifest } from '@millrace/state'
import { checkpointSubtasks } from './checkpoint-subtasks.ts'
import type { Acknowledgement, PendingCheckpoint } from './pending-checkpoint.ts'
import { SummaryStatistics } from './summary-statistics.ts'

export class CheckpointStatistics {
  readonly #historyMax: number
  readonly #history: PendingCheckpoint[] = []
  readonly #sizes = new SummaryStatistics()
  readonly #stateSizes = new SummaryStatistics()
  readonly #durations = new SummaryStatistics()
  readonly #processed = new SummaryStatistics()
  readonly #persisted = new SummaryStatistics()
  #counts = { restored: 0, total: 0, in_progress: 0, completed: 0, failed: 0 }
  #latestCompleted: PendingCheckpoint | null = null
  #latestSavepoint: PendingCheckpoint | null = null
  #latestFailed: PendingCheckpoint | null = null
  #latestRestored: RestoredCheckpoint | null = null

  constructor(historyMax: number) {
    this.#historyMax = Math.max(1, historyMax)
  }

  triggered(checkpoint: PendingCheckpoint): void {
    this.#counts.total++
    this.#counts.in_progress++
    this.#history.unshift(checkpoint)
    if (this.#history.length > this.#historyMax) this.#history.pop()
  }

  completed(checkpoint: PendingCheckpoint): void {
    this.#counts.in_progress--
    this.#counts.completed++
    if (checkpoint.savepoint === null) this.#latestCompleted = checkpoint
    else this.#latestSavepoint = checkpoint
    const entry = checkpointEntry(checkpoint)
    this.#sizes.add(entry.checkpointed_size)
    this.#stateSizes.add(entry.state_size)
    this.#durations.add(entry.end_to_end_duration)
    this.#processed.add(entry.processed_data)
    this.#persisted.add(entry.persisted_data)
  }

  failed(checkpoint: PendingCheckpoint): void {
    this.#counts.in_progress--
    this.#counts.failed++
    this.#latestFailed = checkpoint
  }

  restored(
    { checkpointId, savepoint }: CheckpointManifest,
    timestampMs: number,
    externalPath: string,
  ): void {
    this.#counts.restored++
    this.#latestRestored = {
      id: checkpointId,
      restore_timestamp: timestampMs,
      is_savepoint: savepoint !== undefined,
      external_path: externalPath,
    }
  }

  /** Of the manifest of the latest complete one; -1: there is none. */
  get latestMetadataBytes(): number {
    return this.#latestCompleted?.metadataBytes ?? -1
  }

  get counts(): CheckpointsAnswer['counts'] {
    return this.#counts
  }

  details(checkpointId: number): CheckpointEntry | null {
    const found = this.#find(checkpointId)
    return found === null ? null : checkpointEntry(found)
  }

  /** Null: the checkpoint is not in the history, or has no such vertex. */
  subtasks(checkpointId: number, vertexId: string): CheckpointSubtasksAnswer | null {
    const found = this.#find(checkpointId)
    const task = found === null ? undefined : checkpointEntry(found).tasks[vertexId]
    return found === null || task === undefined ? null : checkpointSubtasks(found, vertexId, task)
  }

  #find(checkpointId: number): PendingCheckpoint | null {
    const latest = [this.#latestCompleted, this.#latestSavepoint, this.#latestFailed]
    const known = [...this.#history, ...latest]
    return known.find((checkpoint) => checkpoint?.id === checkpointId) ?? null
  }

  answer(): CheckpointsAnswer {
    const none = new SummaryStatistics().summary()
    return {
      counts: { ...this.#counts },
      summary: {
        checkpointed_size: this.#sizes.summary(),
        state_size: this.#stateSizes.summary(),
        end_to_end_duration: this.#durations.summary(),
        alignment_buffered: none,
        processed_data: this.#processed.summary(),
        persisted_data: this.#persisted.summary(),
      },
      latest: {
        completed: this.#latestCompleted && checkpointEntry(this.#latestCompleted),
        savepoint: this.#latestSavepoint && checkpointEntry(this.#latestSavepoint),
        failed: this.#latestFailed && checkpointEntry(this.#latestFailed),
        restored: this.#latestRestored,
      },
      history: this.#history.map(checkpointEntry),
    }
  }
}

function checkpointEntry(checkpoint: PendingCheckpoint): CheckpointEntry {
  const acknowledgements = [...checkpoint.acknowledgements.values()]
  const className =
    checkpoint.phase === 'completed'
      ? 'completed'
      : checkpoint.phase === 'failed'
        ? 'failed'
        : 'in_progress'
  const status = className.toUpperCase() as CheckpointEntry['status']
  const tasks: Record<string, CheckpointTaskEntry> = {}
  for (const [vertexId, subtasks] of checkpoint.subtaskCounts) {
    const own = acknowledgements.filter((entry) => entry.vertexId === vertexId)
    tasks[vertexId] = {
      id: checkpoint.id,
      status: own.length === subtasks ? 'COMPLETED' : status,
      ...figures(checkpoint, own),
      num_subtasks: subtasks,
    }
  }
  const totals = figures(checkpoint, acknowledgements)
  const ended = checkpoint.endMs >= 0
  return {
    className,
    id: checkpoint.id,
    status,
    is_savepoint: checkpoint.savepoint !== null,
    savepointFormat: formatOf(checkpoint),
    checkpoint_type: typeOf(checkpoint),
    trigger_timestamp: checkpoint.timestampMs,
    ...totals,
    ...(ended ? { end_to_end_duration: checkpoint.endMs - checkpoint.timestampMs } : {}),
    num_subtasks: checkpoint.subtaskCount,
    tasks,
    ...(checkpoint.externalPath === null
      ? {}
      : { external_path: checkpoint.externalPath, discarded: checkpoint.discarded }),
    ...(className === 'failed'
      ? {
          failure_timestamp: checkpoint.endMs,
          failure_message: checkpoint.error?.message ?? null,
        }
      : {}),
  }
}

function typeOf({ savepoint, acknowledgements }: PendingCheckpoint) {
  if (savepoint !== null) return 'SAVEPOINT'
  const isUnaligned = [...acknowledgements.values()].some(({ metrics }) => metrics?.unaligned)
  return isUnaligned ? 'UNALIGNED_CHECKPOINT' : 'CHECKPOINT'
}

function formatOf({ savepoint }: PendingCheckpoint): CheckpointEntry['savepointFormat'] {
  if (savepoint === null) return null
  return savepoint.order.format === 'native' ? 'NATIVE' : 'CANONICAL'
}

function figures(checkpoint: PendingCheckpoint, acknowledgements: readonly Acknowledgement[]) {
  let checkpointedSize = 0
  let stateSize = 0
  let latestMs = -1
  let processedBytes = 0
  let persistedBytes = 0
  for (const { metrics, state, timestampMs } of acknowledgements) {
    let handlesSize = 0
    for (const handles of Object.values(state)) handlesSize += stateSizeOf(handles)
    checkpointedSize += metrics?.checkpointedBytes ?? handlesSize
    stateSize += metrics?.stateBytes ?? handlesSize
    processedBytes += metrics?.processedBytes ?? 0
    persistedBytes += metrics?.persistedBytes ?? 0
    latestMs = Math.max(latestMs, timestampMs)
  }
  return {
    latest_ack_timestamp: latestMs,
    checkpointed_size: checkpointedSize,
    state_size: stateSize,
    end_to_end_duration: latestMs < 0 ? 0 : latestMs - checkpoint.timestampMs,
    alignment_buffered: 0,
    processed_data: processedBytes,
    persisted_data: persistedBytes,
    num_acknowledged_subtasks: acknowledgements.length,
  }
}
