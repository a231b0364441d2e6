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

const SCHEDULER = 'Default'

function span({ graph, hasEnded }: JobMaster, nowMs: number) {
  const startMs = graph.timestampsMs.get('INITIALIZING') ?? -1
  const endMs = hasEnded ? (graph.timestampsMs.get(graph.state) ?? -1) : -1
  return {
    'start-time': startMs,
    'end-time': endMs,
    duration: (endMs >= 0 ? endMs : nowMs) - startMs,
  }
}

export function jobOverview(job: JobMaster, nowMs: number): JobOverview {
  const { graph } = job
  return {
    jid: job.jobId,
    name: graph.jobGraph.name,
    ...span(job, nowMs),
    state: graph.state,
    'last-modification': graph.lastModificationMs,
    tasks: taskCounts(graph.stateCounts()),
    jobType: graph.jobGraph.jobType,
    schedulerType: SCHEDULER,
    'status-reason': job.statusReason(),
  }
}

export function jobDetail(job: JobMaster, nowMs: number): JobDetail {
  const { graph } = job
  const timestamps = Object.fromEntries(
    JOB_STATES.map((state) => [state, graph.timestampsMs.get(state) ?? 0]),
  ) as Record<JobStatus, number>
  return {
    jid: job.jobId,
    name: graph.jobGraph.name,
    isStoppable: false,
    state: graph.state,
    jobType: graph.jobGraph.jobType,
    ...span(job, nowMs),
    maxParallelism: Math.max(1, ...graph.jobGraph.vertices.map((vertex) => vertex.maxParallelism)),
    now: nowMs,
    timestamps,
    vertices: [...graph.vertices.values()].map((vertex) => vertexSummary(graph, vertex, nowMs)),
    'status-counts': graph.stateCounts(),
    plan: jobPlan(job),
    schedulerType: SCHEDULER,
    'status-reason': job.statusReason(),
    'failure-cause': job.failureCause,
    restarts: job.restarts,
  }
}

export function jobPlan({ graph, jobId }: JobMaster): JobPlan {
  return {
    jid: jobId,
    name: graph.jobGraph.name,
    type: graph.jobGraph.jobType,
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
  const { graph, restartSettings } = job
  return {
    jid: job.jobId,
    name: graph.jobGraph.name,
    'execution-config': {
      'restart-strategy': restartSettings.kind,
      'job-parallelism': Math.max(1, ...graph.jobGraph.vertices.map((v) => v.parallelism)),
      'object-reuse-mode': false,
      'user-config': maskSecrets(graph.jobGraph.configuration),
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
