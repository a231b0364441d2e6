/** What REST shows of a job: overview, detail, plan, configuration, exceptions. */
import { describeLocation, type ErrorData } from '@millrace/core'
import type { JobEdge } from '@millrace/graph'
import type {
  ExceptionEntry,
  JobConfigAnswer,
  JobDetail,
  JobExceptionsAnswer,
  JobOverview,
  JobPlan,
} from '@millrace/rest-api'
import { JOB_STATES, type JobStatus } from '../execution-graph/execution-state.ts'
import type { Failure } from '../job-master/failure-history.ts'
import type { JobMaster } from '../job-master/job-master.ts'
import { maskSecrets } from './mask-secrets.ts'
import { taskCounts, vertexSummary } from './vertex-view.ts'

function schedulerOf({ adaptive }: JobMaster): string {
  return adaptive === null ? 'Default' : 'Adaptive'
}

/** When it began and ended, epoch ms (-1: not yet), and how long it took, ms. */
export function jobSpan({ lifecycle, hasEnded }: JobMaster, nowMs: number) {
  const { state, timestampsMs } = lifecycle
  const startMs = timestampsMs.get('INITIALIZING') ?? -1
  const endMs = hasEnded ? (timestampsMs.get(state) ?? -1) : -1
  return {
    'start-time': startMs,
    'end-time': endMs,
    duration: (endMs >= 0 ? endMs : nowMs) - startMs,
  }
}

export function jobOverview(job: JobMaster, nowMs: number): JobOverview {
  const { graph, jobGraph } = job
  return {
    jid: job.jobId,
    name: jobGraph.name,
    ...jobSpan(job, nowMs),
    state: job.state,
    'last-modification': job.lifecycle.lastModificationMs,
    tasks: taskCounts(graph.stateCounts()),
    jobType: jobGraph.jobType,
    schedulerType: schedulerOf(job),
    'pending-operators': 0,
    'status-reason': job.statusReason(),
  }
}

export function jobDetail(job: JobMaster, nowMs: number): JobDetail {
  const { graph, jobGraph, lifecycle } = job
  const timestamps = Object.fromEntries(
    JOB_STATES.map((state) => [state, lifecycle.timestampsMs.get(state) ?? 0]),
  ) as Record<JobStatus, number>
  return {
    jid: job.jobId,
    'application-id': job.jobId,
    name: jobGraph.name,
    isStoppable: false,
    state: lifecycle.state,
    'job-type': jobGraph.jobType,
    'pending-operators': 0,
    ...jobSpan(job, nowMs),
    maxParallelism: Math.max(1, ...jobGraph.vertices.map((vertex) => vertex.maxParallelism)),
    now: nowMs,
    timestamps,
    vertices: [...graph.vertices.values()].map((vertex) => vertexSummary(graph, vertex, nowMs)),
    'status-counts': graph.stateCounts(),
    plan: jobPlan(job),
    schedulerType: schedulerOf(job),
    'status-reason': job.statusReason(),
    'failure-cause': job.failureCause,
    restarts: job.restarts,
  }
}

export function jobPlan({ graph, jobGraph, jobId }: JobMaster): JobPlan {
  return {
    jid: jobId,
    name: jobGraph.name,
    type: jobGraph.jobType,
    nodes: [...graph.vertices.values()].map(({ vertex, inputs }) => ({
      id: vertex.id,
      parallelism: vertex.parallelism,
      operator: '',
      operator_strategy: '',
      description: vertex.operators.map(({ name }) => name).join('<br/>+- '),
      ...(inputs.length === 0
        ? {}
        : {
            inputs: inputs.map((edge, num) => ({
              num,
              id: edge.sourceVertexId,
              ship_strategy: shipStrategy(edge),
              exchange: 'pipelined_bounded',
            })),
          }),
      optimizer_properties: {},
    })),
  }
}

function shipStrategy(edge: JobEdge): string {
  return edge.partitioning.kind.toUpperCase()
}

export function jobConfig(job: JobMaster): JobConfigAnswer {
  const { jobGraph, restartSettings } = job
  return {
    jid: job.jobId,
    name: jobGraph.name,
    'execution-config': {
      'restart-strategy': restartSettings.kind,
      'job-parallelism': Math.max(1, ...jobGraph.vertices.map((v) => v.parallelism)),
      'object-reuse-mode': false,
      'user-config': maskSecrets(jobGraph.configuration),
    },
  }
}

/** `maxExceptions`: how many of the newest. */
export function jobExceptions(job: JobMaster, maxExceptions: number): JobExceptionsAnswer {
  const all = [...job.failures.entries].reverse()
  const shown = all.slice(0, Math.max(0, maxExceptions))
  const truncated = job.failures.truncated || shown.length < all.length
  const newest = all[0]?.root
  return {
    'root-exception': newest === undefined ? null : trace(newest.error),
    timestamp: newest?.timestampMs ?? null,
    'all-exceptions': shown.map(({ root }) => ({
      exception: trace(root.error),
      task: root.taskName ?? '(job)',
      location: root.endpoint ?? '(unassigned)',
      endpoint: root.endpoint ?? '(unassigned)',
      timestamp: root.timestampMs,
      taskManagerId: root.taskManagerId ?? '(unassigned)',
    })),
    truncated,
    exceptionHistory: {
      entries: shown.map(({ root, concurrent }) => ({
        ...exceptionEntry(root),
        concurrentExceptions: concurrent.map(exceptionEntry),
      })),
      truncated,
    },
  }
}

function exceptionEntry(failure: Failure): ExceptionEntry {
  return {
    exceptionName: failure.error.code,
    stacktrace: trace(failure.error),
    timestamp: failure.timestampMs,
    taskName: failure.taskName,
    endpoint: failure.endpoint,
    location: failure.endpoint,
    taskManagerId: failure.taskManagerId,
    failureLabels: {},
    error: withoutStacks(failure.error),
  }
}

function withoutStacks({ stack: _, cause, ...rest }: ErrorData): ErrorData {
  return cause === undefined ? rest : { ...rest, cause: withoutStacks(cause) }
}

/** The whole cause chain as text, as the reference prints stack traces. */
function trace(error: ErrorData): string {
  const lines: string[] = []
  let prefix = ''
  for (let cause: ErrorData | undefined = error; cause !== undefined; cause = cause.cause) {
    lines.push(`${prefix}${cause.code}: ${cause.message}`)
    const place = describeLocation(cause.location)
    if (place !== '') lines.push(`\tat ${place}`)
    if (cause.hint !== undefined) lines.push(`\thint: ${cause.hint}`)
    // Frames help only where the fault is ours.
    const stack = cause.domain === 'internal' ? cause.stack : undefined
    const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? []
    lines.push(...frames.map((frame) => `\t${frame.trim()}`))
    prefix = 'Caused by: '
  }
  return lines.join('\n')
}
