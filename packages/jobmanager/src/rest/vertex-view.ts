/**
 * What REST shows of vertices and subtasks: states, durations, metrics, what holds the watermark.
 */
import type {
  BackpressureAnswer,
  JobVertexSummary,
  MetricsAnswer,
  SubtaskDetail,
  TaskCounts,
  VertexDetail,
  VertexMetrics,
} from '@millrace/rest-api'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionGraph, ExecutionVertex } from '../execution-graph/execution-graph.ts'
import { EXECUTION_STATES, type ExecutionState } from '../execution-graph/execution-state.ts'
import { watermarkHolds } from './watermark-holds.ts'

export function taskCounts(counts: Readonly<Record<ExecutionState, number>>): TaskCounts {
  const result: Record<string, number> = { total: 0 }
  for (const state of EXECUTION_STATES) {
    result[state.toLowerCase()] = counts[state]
    result.total = (result.total as number) + counts[state]
  }
  return result
}

/** The state that speaks for a vertex: the worst, else the least advanced of its subtasks. */
function aggregateState(counts: Readonly<Record<ExecutionState, number>>): ExecutionState {
  const order: readonly ExecutionState[] = [
    'FAILED',
    'CANCELING',
    'CANCELED',
    'CREATED',
    'SCHEDULED',
    'DEPLOYING',
    'INITIALIZING',
    'RUNNING',
    'FINISHED',
  ]
  return order.find((state) => counts[state] > 0) ?? 'CREATED'
}

function span(attempts: readonly ExecutionAttempt[], nowMs: number) {
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

function metricsOf(attempts: readonly ExecutionAttempt[]): VertexMetrics {
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

function attemptsOf(vertex: ExecutionVertex): ExecutionAttempt[] {
  return vertex.subtasks.map(({ current }) => current)
}

function lowWatermark(attempts: readonly ExecutionAttempt[]): number | null {
  let low = Number.POSITIVE_INFINITY
  for (const { metrics } of attempts) {
    if (metrics === null || !Number.isFinite(metrics.currentInputWatermark)) {
      if (metrics?.currentInputWatermark === Number.POSITIVE_INFINITY) continue
      return null
    }
    low = Math.min(low, metrics.currentInputWatermark)
  }
  return Number.isFinite(low) ? low : null
}

/** A counter over all operators of the attempts. */
function sumOf(attempts: readonly ExecutionAttempt[], counter: string): number {
  const operators = attempts.flatMap(({ metrics }) => metrics?.operators ?? [])
  return operators.reduce((total, { values }) => total + (values[counter] ?? 0), 0)
}

export function vertexSummary(
  graph: ExecutionGraph,
  vertex: ExecutionVertex,
  nowMs: number,
): JobVertexSummary {
  const counts = graph.stateCounts([vertex.vertex.id])
  const attempts = attemptsOf(vertex)
  return {
    id: vertex.vertex.id,
    slotSharingGroupId: vertex.vertex.slotSharingGroup,
    name: vertex.vertex.name,
    maxParallelism: vertex.vertex.maxParallelism,
    parallelism: vertex.vertex.parallelism,
    single: vertex.vertex.single === true,
    status: aggregateState(counts),
    ...span(attempts, nowMs),
    tasks: counts,
    metrics: metricsOf(attempts),
    'low-watermark': lowWatermark(attempts),
    'late-records-dropped': sumOf(attempts, 'numLateRecordsDropped'),
    'records-in-errors': sumOf(attempts, 'numRecordsInErrors'),
    'watermark-holds': watermarkHolds(graph, vertex),
  }
}

export function vertexDetail(
  graph: ExecutionGraph,
  vertex: ExecutionVertex,
  nowMs: number,
): VertexDetail {
  return {
    id: vertex.vertex.id,
    name: vertex.vertex.name,
    parallelism: vertex.vertex.parallelism,
    maxParallelism: vertex.vertex.maxParallelism,
    now: nowMs,
    subtasks: vertex.subtasks.map(({ index, current }) => subtaskDetail(index, current, nowMs)),
    'watermark-holds': watermarkHolds(graph, vertex),
  }
}

function subtaskDetail(index: number, attempt: ExecutionAttempt, nowMs: number): SubtaskDetail {
  const taskManager = attempt.slot?.taskManager
  return {
    subtask: index,
    status: attempt.state,
    attempt: attempt.number,
    endpoint: taskManager?.rpcAddress ?? '(unassigned)',
    host: taskManager?.rpcAddress.replace(/:\d+$/, '') ?? '(unassigned)',
    ...span([attempt], nowMs),
    metrics: metricsOf([attempt]),
    'taskmanager-id': taskManager?.id ?? '(unassigned)',
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
  for (const state of ['CREATED', 'SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING']) {
    durations[state] ??= -1
  }
  return durations
}

/** All numbers of one subtask by metric name; operators' as `<operator name>.<metric>`. */
function subtaskValues(attempt: ExecutionAttempt): Map<string, number> {
  const values = new Map<string, number>()
  if (attempt.metrics === null) return values
  const { operators, values: further, attemptId: _, heldBy: __, ...task } = attempt.metrics
  for (const [name, value] of Object.entries({ ...task, ...further })) values.set(name, value)
  for (const { operatorName, values: own } of operators) {
    for (const [name, value] of Object.entries(own)) values.set(`${operatorName}.${name}`, value)
  }
  return values
}

/** `/subtasks/metrics`: without `get` the names, else aggregates over the subtasks. */
export function aggregatedMetrics(
  vertex: ExecutionVertex,
  get: string | undefined,
  aggregations: readonly string[],
): MetricsAnswer {
  const maps = attemptsOf(vertex).map(subtaskValues)
  const names = new Set(maps.flatMap((map) => [...map.keys()]))
  if (get === undefined) return [...names].map((id) => ({ id }))
  return get.split(',').flatMap((id) => {
    const values = maps.flatMap((map) => map.get(id) ?? []).filter((value) => !Number.isNaN(value))
    if (values.length === 0) return []
    const sum = values.reduce((total, value) => total + value, 0)
    const all = {
      min: Math.min(...values),
      max: Math.max(...values),
      avg: sum / values.length,
      sum,
    }
    const wanted = Object.entries(all).filter(
      ([name]) => aggregations.length === 0 || aggregations.includes(name),
    )
    return [{ id, ...Object.fromEntries(wanted) }]
  })
}

/** `/metrics`: names `<subtask>.<metric>`; without `get` all of them, else their values as text. */
export function plainMetrics(vertex: ExecutionVertex, get: string | undefined): MetricsAnswer {
  const values = new Map<string, number>()
  for (const { index, current } of vertex.subtasks) {
    for (const [name, value] of subtaskValues(current)) values.set(`${index}.${name}`, value)
  }
  if (get === undefined) return [...values.keys()].map((id) => ({ id }))
  return get.split(',').flatMap((id) => {
    const value = values.get(id)
    return value === undefined ? [] : [{ id, value: String(value) }]
  })
}

/** `/watermarks`: one entry a subtask, `<subtask>.currentInputWatermark`. */
export function watermarks(vertex: ExecutionVertex): MetricsAnswer {
  return vertex.subtasks.flatMap(({ index, current }) => {
    const watermark = current.metrics?.currentInputWatermark
    if (watermark === undefined || !Number.isFinite(watermark)) return []
    return [{ id: `${index}.currentInputWatermark`, value: String(watermark) }]
  })
}

function level(ratio: number): 'ok' | 'low' | 'high' {
  return ratio <= 0.1 ? 'ok' : ratio <= 0.5 ? 'low' : 'high'
}

export function backpressure(vertex: ExecutionVertex, nowMs: number): BackpressureAnswer {
  const subtasks = vertex.subtasks.map(({ index, current }) => {
    const { metrics } = current
    const ratio = (metrics?.backPressuredTimeMsPerSecond ?? 0) / 1000
    return {
      subtask: index,
      'attempt-number': current.number,
      backpressureLevel: level(ratio),
      'backpressure-level': level(ratio),
      ratio,
      busyRatio: (metrics?.busyTimeMsPerSecond ?? 0) / 1000,
      idleRatio: (metrics?.idleTimeMsPerSecond ?? 0) / 1000,
    }
  })
  const worst = level(Math.max(0, ...subtasks.map(({ ratio }) => ratio)))
  return {
    status: 'ok',
    backpressureLevel: worst,
    'backpressure-level': worst,
    'end-timestamp': nowMs,
    subtasks,
  }
}
