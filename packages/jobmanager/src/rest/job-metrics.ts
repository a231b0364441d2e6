/** A job's own metrics, under the reference engine's names; times in ms, sizes in bytes. */
import type { ExecutionState } from '../execution-graph/execution-state.ts'
import type { JobMaster } from '../job-master/job-master.ts'

const TIMED_STATES = {
  running: 'RUNNING',
  restarting: 'RESTARTING',
  failing: 'FAILING',
  cancelling: 'CANCELLING',
  initializing: 'INITIALIZING',
  created: 'CREATED',
} as const

export function jobMetrics(job: JobMaster, nowMs: number): Map<string, number | string> {
  const { lifecycle, restarts } = job
  const values = new Map<string, number | string>()
  for (const [name, state] of Object.entries(TIMED_STATES)) {
    const sinceMs = lifecycle.timestampsMs.get(state) ?? nowMs
    const inState = lifecycle.state === state
    values.set(`${name}State`, inState ? 1 : 0)
    values.set(`${name}Time`, inState ? nowMs - sinceMs : 0)
  }
  const uptime = values.get('runningTime') as number
  values.set('uptime', uptime)
  values.set('downtime', lifecycle.state === 'RUNNING' || job.hasEnded ? 0 : downMs(job, nowMs))
  values.set('deployingTime', sinceLast(job, nowMs, ['DEPLOYING', 'INITIALIZING']))
  values.set('allSubTasksRunningOrFinishedTime', allRunningMs(job, nowMs))
  values.set('numRestarts', restarts)
  values.set('fullRestarts', restarts)
  values.set('numRescales', lifecycle.rescales)
  for (const [name, value] of checkpointMetrics(job)) values.set(name, value)
  return values
}

function checkpointMetrics({ statistics }: JobMaster): [string, number | string][] {
  const { latest } = statistics.answer()
  const { counts } = statistics
  const { completed, restored } = latest
  return [
    ['totalNumberOfCheckpoints', counts.total],
    ['numberOfInProgressCheckpoints', counts.in_progress],
    ['numberOfCompletedCheckpoints', counts.completed],
    ['numberOfFailedCheckpoints', counts.failed],
    ['lastCheckpointDuration', completed?.end_to_end_duration ?? -1],
    ['lastCheckpointSize', completed?.checkpointed_size ?? -1],
    ['lastCheckpointFullSize', completed?.state_size ?? -1],
    ['lastCheckpointMetadataSize', statistics.latestMetadataBytes],
    ['lastCheckpointProcessedData', completed?.processed_data ?? -1],
    ['lastCheckpointPersistedData', completed?.persisted_data ?? -1],
    ['lastCheckpointCompletedTimestamp', completed?.latest_ack_timestamp ?? -1],
    ['lastCheckpointExternalPath', completed?.external_path ?? 'n/a'],
    ['lastCompletedCheckpointId', completed?.id ?? -1],
    ['lastCheckpointRestoreTimestamp', restored?.restore_timestamp ?? -1],
  ]
}

/** Since it was RUNNING last; 0 before it ever was. */
function downMs({ lifecycle }: JobMaster, nowMs: number): number {
  if (!lifecycle.timestampsMs.has('RUNNING')) return 0
  const leftMs = ['FAILING', 'RESTARTING', 'CANCELLING'] as const
  const sinceMs = leftMs.map((state) => lifecycle.timestampsMs.get(state) ?? 0)
  return nowMs - Math.max(...sinceMs, lifecycle.timestampsMs.get('RUNNING') as number)
}

/** Since the first task that is in one of these states came into it; 0 when none is. */
function sinceLast({ graph }: JobMaster, nowMs: number, states: readonly ExecutionState[]): number {
  let sinceMs = nowMs
  for (const attempt of graph.attempts()) {
    if (!states.includes(attempt.state)) continue
    sinceMs = Math.min(sinceMs, attempt.timestampsMs.get('DEPLOYING') ?? nowMs)
  }
  return nowMs - sinceMs
}

/** Since the last task came to RUNNING or FINISHED; 0 while one is elsewhere. */
function allRunningMs({ graph }: JobMaster, nowMs: number): number {
  let sinceMs = 0
  for (const { state, timestampsMs } of graph.attempts()) {
    if (state !== 'RUNNING' && state !== 'FINISHED') return 0
    sinceMs = Math.max(sinceMs, timestampsMs.get('RUNNING') ?? timestampsMs.get(state) ?? nowMs)
  }
  return sinceMs === 0 ? 0 : nowMs - sinceMs
}
