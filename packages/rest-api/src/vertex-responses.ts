/** Answers about vertices and subtasks: fields as the reference engine's, times in epoch ms. */
import type {
  ExecutionState,
  StateCounts,
  VertexMetrics,
  VertexWatermarkHold,
} from './job-responses.ts'

export interface SubtaskDetail {
  readonly subtask: number
  readonly status: ExecutionState
  readonly attempt: number
  readonly endpoint: string
  readonly host: string
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
  /** As `start-time`, under an earlier name. */
  readonly start_time: number
  readonly metrics: VertexMetrics
  readonly 'taskmanager-id': string
  readonly 'status-duration': Readonly<Record<string, number>>
}

export interface VertexDetail {
  readonly id: string
  readonly name: string
  readonly parallelism: number
  readonly maxParallelism: number
  readonly now: number
  readonly subtasks: readonly SubtaskDetail[]
  readonly aggregated: AggregatedSubtasks
  /** Ours. */
  readonly 'watermark-holds': readonly VertexWatermarkHold[]
}

/** How a value is spread over subtasks. */
export interface ValueSpread {
  readonly min: number
  readonly max: number
  readonly avg: number
  readonly sum: number
  readonly median: number
  readonly p25: number
  readonly p75: number
  readonly p95: number
}

export interface AggregatedSubtasks {
  /** By name of `VertexMetrics`. */
  readonly metrics: Readonly<Record<string, ValueSpread>>
  /** By state, ms. */
  readonly 'status-duration': Readonly<Record<string, ValueSpread>>
}

export interface SubtaskTimes {
  readonly id: string
  readonly name: string
  readonly now: number
  readonly subtasks: readonly {
    readonly subtask: number
    readonly endpoint: string
    readonly duration: number
    /** When it came into each state; 0: it did not. */
    readonly timestamps: Readonly<Record<ExecutionState, number>>
  }[]
}

export interface VertexTaskManager {
  readonly endpoint: string
  readonly 'taskmanager-id': string
  readonly status: ExecutionState
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
  readonly metrics: VertexMetrics
  readonly 'status-counts': StateCounts
  readonly aggregated: AggregatedSubtasks
}

export interface VertexTaskManagers {
  readonly id: string
  readonly name: string
  readonly now: number
  readonly taskmanagers: readonly VertexTaskManager[]
}

/** Without `get`: the names alone; with it: values as text (one metric) or aggregates. */
export type MetricsAnswer = readonly {
  readonly id: string
  readonly value?: string
  readonly min?: number
  readonly max?: number
  readonly avg?: number
  readonly sum?: number
  readonly skew?: number
}[]

export interface BackpressureAnswer {
  readonly status: 'ok' | 'deprecated'
  readonly backpressureLevel: 'ok' | 'low' | 'high'
  readonly 'backpressure-level': 'ok' | 'low' | 'high'
  readonly 'end-timestamp': number
  readonly subtasks: readonly {
    readonly subtask: number
    readonly 'attempt-number': number
    readonly backpressureLevel: 'ok' | 'low' | 'high'
    readonly 'backpressure-level': 'ok' | 'low' | 'high'
    readonly ratio: number
    readonly busyRatio: number
    readonly idleRatio: number
  }[]
}

export interface FlameGraphNode {
  readonly name: string
  /** Samples in it or below. */
  readonly value: number
  readonly children: readonly FlameGraphNode[]
}

export interface FlameGraphAnswer {
  /** Epoch ms; -1: the job has ended, -2: switched off, -3: the first samples are being taken. */
  readonly endTimestamp: number
  readonly data?: FlameGraphNode
}
