/**
 * What REST shows of subtasks: one attempt, times of their states, how they are spread over values
 * and TaskManagers.
 */
import type {
  AggregatedSubtasks,
  SubtaskDetail,
  SubtaskTimes,
  ValueSpread,
  VertexMetrics,
  VertexTaskManager,
} from '@millrace/rest-api'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionVertex } from '../execution-graph/execution-graph.ts'
import { EXECUTION_STATES, type ExecutionState } from '../execution-graph/execution-state.ts'

const UNASSIGNED = '(unassigned)'
const DURATION_STATES = ['CREATED', 'SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING'] as const

export function span(attempts: readonly ExecutionAttempt[], nowMs: number) {
  const starts = attempts.map((attempt) => attempt.startMs()).filter((ms) => ms >= 0)
  const startMs = starts.length === 0 ? -1 : Math.min(...starts)
  const ended = attempts.every((attempt) => attempt.isTerminal)
  const endMs = ended ? Math.max(...attempts.map((attempt) => attempt.endMs())) : -1
  return {
    'start-time': startMs,
    'end-time': endMs,
    duration: startMs < 0 ? -1 : (endMs >= 0 ? endMs : nowMs) - startMs,
  }
}

export function metricsOf(attempts: readonly ExecutionAttempt[]): VertexMetrics {
  const sum = (value: (metrics: NonNullable<ExecutionAttempt['metrics']>) => number) =>
    attempts.reduce((total, { metrics }) => total + (metrics === null ? 0 : value(metrics)), 0)
  const time = (kind: 'busy' | 'idle' | 'backPressured') =>
    Math.round(attempts.reduce((total, { accumulatedMs }) => total + accumulatedMs[kind], 0))
  const complete = attempts.every(({ metrics }) => metrics !== null)
  return {
    'read-bytes': sum(({ numBytesIn }) => numBytesIn),
    'read-bytes-complete': complete,
    'write-bytes': sum(({ numBytesOut }) => numBytesOut),
    'write-bytes-complete': complete,
    'read-records': sum(({ numRecordsIn }) => numRecordsIn),
    'read-records-complete': complete,
    'write-records': sum(({ numRecordsOut }) => numRecordsOut),
    'write-records-complete': complete,
    'accumulated-backpressured-time': time('backPressured'),
    'accumulated-idle-time': time('idle'),
    'accumulated-busy-time': time('busy'),
  }
}

export function subtaskDetail(attempt: ExecutionAttempt, nowMs: number): SubtaskDetail {
  const taskManager = attempt.slot?.taskManager
  const times = span([attempt], nowMs)
  return {
    subtask: attempt.subtaskIndex,
    status: attempt.state,
    attempt: attempt.number,
    endpoint: taskManager?.rpcAddress ?? UNASSIGNED,
    host: taskManager?.rpcAddress.replace(/:\d+$/, '') ?? UNASSIGNED,
    ...times,
    start_time: times['start-time'],
    metrics: metricsOf([attempt]),
    'taskmanager-id': taskManager?.id ?? UNASSIGNED,
    'status-duration': statusDurations(attempt, nowMs),
  }
}

/** Time spent in each state, ms; -1 for those never entered. */
function statusDurations(attempt: ExecutionAttempt, nowMs: number): Record<string, number> {
  const durations: Record<string, number> = {}
  const entered = [...attempt.timestampsMs]
  entered.forEach(([state, sinceMs], i) => {
    const untilMs = entered[i + 1]?.[1] ?? (attempt.isTerminal ? sinceMs : nowMs)
    durations[state] = untilMs - sinceMs
  })
  for (const state of DURATION_STATES) durations[state] ??= -1
  return durations
}

/** When each subtask came into each state; 0: it did not. */
export function subtaskTimes(vertex: ExecutionVertex, nowMs: number): SubtaskTimes {
  return {
    id: vertex.vertex.id,
    name: vertex.vertex.name,
    now: nowMs,
    subtasks: vertex.subtasks.map(({ index, current }) => {
      const { timestampsMs, slot } = current
      const firstMs = timestampsMs.get('SCHEDULED') ?? timestampsMs.get('CREATED') ?? nowMs
      return {
        subtask: index,
        endpoint: slot?.taskManager.rpcAddress ?? UNASSIGNED,
        duration: (current.isTerminal ? current.endMs() : nowMs) - firstMs,
        timestamps: Object.fromEntries(
          EXECUTION_STATES.map((state) => [state, timestampsMs.get(state) ?? 0]),
        ) as Record<ExecutionState, number>,
      }
    }),
  }
}

/** How the subtasks' metrics and times in each state are spread. */
export function aggregatedSubtasks(
  attempts: readonly ExecutionAttempt[],
  nowMs: number,
): AggregatedSubtasks {
  const metrics = attempts.map((attempt) => metricsOf([attempt]))
  const durations = attempts.map((attempt) => statusDurations(attempt, nowMs))
  const names = Object.keys(metricsOf([])).filter((name) => !name.endsWith('-complete'))
  const spreads = (keys: readonly string[], of: readonly object[]) =>
    Object.fromEntries(
      keys.map((key) => [
        key,
        spread(of.map((each) => (each as Record<string, number>)[key] ?? 0)),
      ]),
    )
  return {
    metrics: spreads(names, metrics),
    'status-duration': spreads(DURATION_STATES, durations),
  }
}

function spread(values: readonly number[]): ValueSpread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const sum = values.reduce((total, value) => total + value, 0)
  return {
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    avg: Math.floor(sum / Math.max(1, values.length)),
    sum,
    median: at(0.5) ?? 0,
    p25: at(0.25) ?? 0,
    p75: at(0.75) ?? 0,
    p95: at(0.95) ?? 0,
  }
}

/** The subtasks by the TaskManager that they are on. */
export function vertexTaskManagers(
  vertex: ExecutionVertex,
  stateOf: (attempts: readonly ExecutionAttempt[]) => {
    readonly status: ExecutionState
    readonly counts: Readonly<Record<ExecutionState, number>>
  },
  nowMs: number,
): VertexTaskManager[] {
  const byId = new Map<string, ExecutionAttempt[]>()
  for (const { current } of vertex.subtasks) {
    const id = current.slot?.taskManager.id ?? UNASSIGNED
    const others = byId.get(id)
    if (others === undefined) byId.set(id, [current])
    else others.push(current)
  }
  return [...byId].map(([id, attempts]) => {
    const { status, counts } = stateOf(attempts)
    return {
      endpoint: attempts[0]?.slot?.taskManager.rpcAddress ?? UNASSIGNED,
      'taskmanager-id': id,
      status,
      ...span(attempts, nowMs),
      metrics: metricsOf(attempts),
      'status-counts': counts,
      aggregated: aggregatedSubtasks(attempts, nowMs),
    }
  })
}
