/**
 * What REST shows of vertices and subtasks: states, durations, metrics, what holds the watermark.
 */
import { stableId } from '@millrace/core'
import type {
  BackpressureAnswer,
  JobVertexSummary,
  MetricsAnswer,
  TaskCounts,
  VertexDetail,
  VertexTaskManagers,
} from '@millrace/rest-api'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionGraph, ExecutionVertex } from '../execution-graph/execution-graph.ts'
import { EXECUTION_STATES, type ExecutionState } from '../execution-graph/execution-state.ts'
import type { MetricValues } from './metric-answers.ts'
import {
  aggregatedSubtasks,
  metricsOf,
  span,
  subtaskDetail,
  vertexTaskManagers,
} from './subtask-view.ts'
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

/** 32 hex digits, as the reference's clients read it; groups have names here. */
export const slotSharingGroupId = (name: string): string => stableId(`slot sharing group ${name}`)

export function vertexSummary(
  graph: ExecutionGraph,
  vertex: ExecutionVertex,
  nowMs: number,
): JobVertexSummary {
  const counts = graph.stateCounts([vertex.vertex.id])
  const attempts = attemptsOf(vertex)
  return {
    id: vertex.vertex.id,
    slotSharingGroupId: slotSharingGroupId(vertex.vertex.slotSharingGroup),
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
    subtasks: vertex.subtasks.map(({ current }) => subtaskDetail(current, nowMs)),
    aggregated: aggregatedSubtasks(attemptsOf(vertex), nowMs),
    'watermark-holds': watermarkHolds(graph, vertex),
  }
}

export function taskManagersOf(vertex: ExecutionVertex, nowMs: number): VertexTaskManagers {
  const stateOf = (attempts: readonly ExecutionAttempt[]) => {
    const counts = Object.fromEntries(EXECUTION_STATES.map((state) => [state, 0])) as Record<
      ExecutionState,
      number
    >
    for (const { state } of attempts) counts[state]++
    return { status: aggregateState(counts), counts }
  }
  const { id, name } = vertex.vertex
  return { id, name, now: nowMs, taskmanagers: vertexTaskManagers(vertex, stateOf, nowMs) }
}

/** All numbers of one subtask by metric name; operators' as `<operator name>.<metric>`. */
export function subtaskValues(attempt: ExecutionAttempt): Map<string, number> {
  const values = new Map<string, number>()
  if (attempt.metrics === null) return values
  const { operators, values: further, attemptId: _, heldBy: __, ...task } = attempt.metrics
  for (const [name, value] of Object.entries({ ...task, ...further })) values.set(name, value)
  for (const { operatorName, values: own } of operators) {
    for (const [name, value] of Object.entries(own)) values.set(`${operatorName}.${name}`, value)
  }
  return values
}

/** Of each subtask that `isWanted`, or of all. */
export function subtasksValues(
  vertex: ExecutionVertex,
  isWanted: ((index: number) => boolean) | null,
): MetricValues[] {
  const subtasks = vertex.subtasks.filter(({ index }) => isWanted === null || isWanted(index))
  return subtasks.map(({ current }) => subtaskValues(current))
}

/** Of all subtasks, as `<subtask>.<metric>`. */
export function vertexValues(vertex: ExecutionVertex): MetricValues {
  const values = new Map<string, number>()
  for (const { index, current } of vertex.subtasks) {
    for (const [name, value] of subtaskValues(current)) values.set(`${index}.${name}`, value)
  }
  return values
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
